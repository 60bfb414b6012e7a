import { perfectLosses, ZipfFacts } from '@bitnet-notebooks/lib';
import { describe, expect, it } from 'vitest';
import {
  excessFigure,
  predictionFigure,
  profileFigure,
} from '../../../experiments/scaling-law/fit-figures.js';
import {
  sizeGapFigure,
  shiftFigure,
  sizeCurvesFigure,
  tokensFigure,
} from '../../../experiments/scaling-law/figures.js';
import { gapTrend } from '../../../experiments/sizes/pairs.js';
import { scalingLaw } from '../../../experiments/scaling-law/experiment.js';
import { scalingResults } from '../../../experiments/scaling-law/results.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { toSvg } from '../../../lib/index.js';
import { finishAll } from '../finish-runs.js';

const ENTROPY = 0.804;
const language = new ZipfFacts({ startToken: true });
const perfect = perfectLosses(language, 16_384, 6);

/** Losses of L(N, D) = H + 120·(kN)^−0.5 + 2,000/D^0.65 with k = 0.4 for b1.58, and a little noise by seed. */
function madeUp({ arm, model, training, corpus }: RunSpec): Partial<FinishedRun> {
  const parameters = 24.5 * model.hidden_size ** 2 + model.vocab_size * model.hidden_size;
  const tokens = training.steps * training.batch * training.context;
  const k = arm === 'full-precision' ? 1 : 0.4;
  const noise = 0.004 * (training.seeds.weights - 2);
  const excess = 120 * (k * parameters) ** -0.5 + 2000 * tokens ** -0.65 + noise;
  const v = perfect.v + excess;
  return {
    parameters: Math.round(parameters),
    validationLoss: (perfect.a + perfect.b + v) / 3,
    ...(corpus.name === 'zipf-facts' && { lossByKind: { a: perfect.a + 0.001, b: perfect.b + 0.002, v } }),
    curve: [{ step: 1, trainLoss: 5, validationLoss: 5, seconds: 1 }],
  };
}

const runs = finishAll((...of) => scalingLaw.runs(...of), 'full', madeUp);
const results = scalingResults(runs);

describe('scalingResults', () => {
  it('takes the noise of the sample out of losses on values, and keeps the check on keys', () => {
    expect(results.entropy).toBeCloseTo(ENTROPY, 4);
    const { parameters, tokens, seed } = results.lengths['full-precision'][0];
    const [{ loss }] = results.lengths['full-precision'];
    const expected = ENTROPY + 120 * parameters ** -0.5 + 2000 * tokens ** -0.65 + 0.004 * (seed - 2);
    expect(loss).toBeCloseTo(expected, 2);
    for (const { a, b } of results.keys) {
      expect(a).toBeCloseTo(0.001, 9);
      expect(b).toBeCloseTo(0.002, 9);
    }
  });

  it('counts runs that diverged', () => {
    const last = runs.findLast(
      ({ arm, role, corpus }) => arm === 'b1' && role === 'final' && corpus.name === 'zipf-facts',
    )!;
    const lost = runs.map((run) =>
      run.id === last.id ? { ...run, validationLoss: null, lossByKind: undefined } : run,
    );
    const b1 = scalingResults(lost).zipf.find(({ arm }) => arm === 'b1')!;
    expect(b1.diverged).toHaveLength(1);
    expect(scalingLaw.table(runs).join('\n')).not.toContain('of 3 seeds');
    const without = runs.filter(
      ({ arm, role, corpus, training }) =>
        role === 'tune' || arm !== 'b1.58' || corpus.name !== 'zipf-facts' || training.seeds.weights !== 2,
    );
    const some = [...without, ...runs.filter((run) => !without.includes(run) && run.model.hidden_size > 12)];
    expect(scalingLaw.table(some).join('\n')).toContain('The gap of 2×12 is over 2 of 3 seeds.');
    expect(scalingLaw.table(lost).join('\n')).toContain('1 diverged');
  });

  it('refuses results of several backends or versions', () => {
    const mixed = runs.map((run, i) =>
      i % 2 === 0 ? run : { ...run, backend: { name: 'wasm', version: '1', threads: 1 } },
    );
    expect(() => scalingResults(mixed)).toThrow(
      'all runs must be computed by one backend, got wasm 1 and tensorflow 1 in one result',
    );
    const versions = (project: string): FinishedRun['versions'] => ({ node: 'v20', project, packages: {} });
    const older = runs.map((run, i) => ({ ...run, versions: versions(i % 2 === 0 ? '0.1.0' : '0.2.0') }));
    expect(() => scalingResults(older)).toThrow(
      /scaling law: all runs must be made by one version, got .*0\.2\.0/,
    );
    expect(() => scalingResults([])).toThrow('there must be finished runs on Zipf facts, got none');
  });
});

describe('the gap', () => {
  it('pairs seeds, so that what seeds share falls out', () => {
    for (const { parameters, gap } of results.pairs.zipf) {
      expect(gap.value).toBeCloseTo(120 * parameters ** -0.5 * (0.4 ** -0.5 - 1), 1);
      expect(gap.high - gap.low).toBeLessThan(1e-6);
    }
    expect(gapTrend(results.pairs.zipf, 10).high).toBeLessThan(0);
  });
});

describe('scalingClaims', () => {
  it('holds where the made-up law holds', () => {
    const claims = scalingLaw.claims!(runs);
    expect(claims.map(({ verdict }) => verdict)).toEqual(Array(5).fill('agrees'));
  });

  it('makes no claim from a preset that is too small for intervals', () => {
    const smoke = finishAll((...of) => scalingLaw.runs(...of), 'smoke', madeUp);
    expect(scalingLaw.claims!(smoke)).toEqual([]);
  });
});

describe('the figures', () => {
  it('can be drawn', () => {
    const figures = [
      excessFigure(results),
      profileFigure(results),
      predictionFigure(results),
      sizeGapFigure(results),
      shiftFigure(results),
      tokensFigure(results, 'b1.58'),
      sizeCurvesFigure(results.zipf[1], 1.98),
    ];
    for (const figure of figures) expect(toSvg(figure)).toContain('<svg');
  });
});

describe('the recorded results', () => {
  it('hold nine sizes of both main arms, three seeds each, none diverged', async () => {
    const { zipf } = scalingResults((await readRecorded('scaling-law')).runs);
    for (const arm of ['full-precision', 'b1.58']) {
      const curve = zipf.find((one) => one.arm === arm)!;
      const sizes = new Set(curve.points.map(({ parameters }) => parameters));
      expect(sizes.size, arm).toBeGreaterThanOrEqual(9);
      expect(curve.diverged, arm).toEqual([]);
      for (const size of sizes) {
        expect(
          curve.points.filter(({ parameters }) => parameters === size),
          `${arm} ${size}`,
        ).toHaveLength(3);
      }
    }
  });

  it('bring the keys within 0.005 nat of their exact entropy at the largest size', async () => {
    const { keys } = scalingResults((await readRecorded('scaling-law')).runs);
    const largest = Math.max(...keys.map(({ parameters }) => parameters));
    for (const { arm, a, b } of keys.filter(({ parameters }) => parameters === largest)) {
      expect(Math.abs(a), arm).toBeLessThan(0.005);
      expect(Math.abs(b), arm).toBeLessThan(0.005);
    }
  });
});
