import { perfectLosses, ZipfFacts } from '@bitnet-notebooks/lib';
import { describe, expect, it } from 'vitest';
import {
  lawFigure,
  lineLabels,
  predictionFigure,
  sizeFigure,
  tokensFigure,
} from '../../../experiments/scaling-law/figures.js';
import {
  gapHeatmap,
  gapSizeFigure,
  gapTokensFigure,
  lawsOfGapFigure,
  worthFigure,
} from '../../../experiments/scaling-law/gap-figures.js';
import { scalingLaw } from '../../../experiments/scaling-law/experiment.js';
import { bodyParameters, tokensOf } from '../../../experiments/scaling-law/grid.js';
import { gapsOf, learnedCells, scalingResults } from '../../../experiments/scaling-law/results.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import type { Preset, RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { toSvg, type JudgedClaim } from '../../../lib/index.js';
import { finishAll } from '../finish-runs.js';

/** Of the made-up world: how much of its parameters an arm is worth. */
const WORTH: Record<string, number> = { 'full-precision': 1, 'preln-swiglu': 1, 'b1.58': 0.446, b1: 0.312 };

const perfect = new Map<string, Record<string, number>>();
function perfectOf({ corpus, testWindows }: RunSpec): Record<string, number> {
  const { name: _, ...options } = corpus as Extract<RunSpec['corpus'], { name: 'zipf-facts' }>;
  const key = `${options.exponent} ${String(testWindows)}`;
  const found = perfect.get(key) ?? perfectLosses(new ZipfFacts(options), Number(testWindows), 6, 'test');
  perfect.set(key, found);
  return found;
}

/** A grain of noise that is the same for the same run. */
function grain({ name }: RunSpec): number {
  let value = 7;
  for (const letter of name) value = (value * 31 + letter.charCodeAt(0)) % 1009;
  return value / 1009 - 0.5;
}

type Excess = (parameters: number, tokens: number, worth: number) => number;

/** L = H + 12·(kN)^−0.4 + 700·D^−0.6, and the best rate 0.2·N^−0.2·D^−0.05. */
const byLaw: Excess = (parameters, tokens, worth) => 12 * (worth * parameters) ** -0.4 + 700 * tokens ** -0.6;

function world(excess: Excess): (spec: RunSpec) => Partial<FinishedRun> {
  return (spec) => {
    const [parameters, tokens] = [bodyParameters(spec.model), tokensOf(spec.training)];
    const octaves = Math.log2(spec.training.schedule.peak / (0.2 * parameters ** -0.2 * tokens ** -0.05));
    if (spec.role === 'tune') return { validationLoss: 2 + 0.05 * octaves ** 2 };
    const own = excess(parameters, tokens, WORTH[spec.arm]) * (1 + 0.02 * grain(spec));
    const loss = 2 + own;
    const isText = spec.corpus.name !== 'zipf-facts';
    const test = isText
      ? { loss, tokens: 1, bytesPerToken: 3.7 }
      : { loss, tokens: 1, lossByKind: { a: 1, b: 1, v: perfectOf(spec).v + own } };
    return { validationLoss: loss, test };
  };
}

const all = (preset: Preset, excess: Excess = byLaw): FinishedRun[] =>
  finishAll((...of) => scalingLaw.runs(...of), preset, world(excess));
const full = all('full');
const grids = scalingResults(full);
const main = grids.find(({ name }) => name === 'zipf1.5')!;
const text = grids.find(({ name }) => name === 'state-of-the-union')!;

describe('the grid', () => {
  const finals = full.filter(({ role }) => role === 'final');

  it('covers two decades of size and one and a half of tokens on the main language, with three seeds of every arm', () => {
    const own = finals.filter(({ corpus }) => corpus.name === 'zipf-facts' && corpus.exponent === 1.5);
    const decades = (values: number[]): number => Math.log10(Math.max(...values) / Math.min(...values));
    expect(decades(own.map(({ model }) => bodyParameters(model)))).toBeGreaterThan(1.7);
    expect(decades(own.map(({ training }) => tokensOf(training)))).toBeGreaterThan(1.5);
    expect(own).toHaveLength(6 * 6 * 3 * 3);
  });

  it('gives all arms of a seed the same data, and tunes on a seed that nothing is reported of', () => {
    for (const { role, training, testWindows } of full) {
      expect(training.seeds.batches).toBe(training.seeds.weights);
      expect(training.seeds.weights >= 100).toBe(role === 'tune');
      expect(testWindows !== undefined).toBe(role === 'final');
      expect(training.schedule.totalSteps).toBe(training.steps);
    }
  });

  it('runs every cell at the rate of its surface: the made-up one is found between the places that were tuned', () => {
    for (const { model, training } of finals) {
      const best = 0.2 * bodyParameters(model) ** -0.2 * tokensOf(training) ** -0.05;
      expect(Math.abs(Math.log2(training.schedule.peak / best))).toBeLessThan(0.1);
    }
  });

  it('waits for all tuning of an arm before it names its final runs', () => {
    expect(scalingLaw.runs('full', []).every(({ role }) => role === 'tune')).toBe(true);
  });
});

describe('scalingResults', () => {
  it('takes the noise of the sample out of losses on values', () => {
    const { cells } = main.arms.find(({ arm }) => arm === 'b1.58')!;
    for (const { parameters, tokens, loss } of cells) {
      const excess = loss - main.entropy!;
      expect(Math.abs(excess / byLaw(parameters, tokens, 0.446) - 1)).toBeLessThan(0.011);
    }
  });

  it('gives text in bits per byte, and pairs bodies that differ by the gains of SubLN', () => {
    const [cell] = text.arms.find(({ arm }) => arm === 'full-precision')!.cells;
    const [run] = full.filter(
      ({ corpus, arm, role }) => corpus.name !== 'zipf-facts' && arm === 'full-precision' && role === 'final',
    );
    expect(cell.losses.get(1)).toBeCloseTo(run.test!.loss / Math.LN2 / 3.7, 9);
    expect(gapsOf(text, 'b1.58', 'preln-swiglu')).toHaveLength(10);
  });

  it('pools the noise of a gap over the sizes of equal tokens', () => {
    const cell = (parameters: number, tokens: number, losses: number[]) => ({
      shape: `2×${parameters}`,
      parameters,
      tokens,
      rate: 1,
      loss: 1,
      losses: new Map(losses.map((loss, seed) => [seed, loss])),
    });
    const arm = (name: string, cells: ReturnType<typeof cell>[]) => ({
      arm: name,
      label: name,
      diverged: 0,
      cells,
    });
    const grid = {
      name: 'made up',
      title: 'made up',
      unit: 'nats' as const,
      learned: new Set(['100 5', '200 5', '100 9']),
      arms: [
        arm('full-precision', [cell(100, 5, [1, 1, 1]), cell(200, 5, [1, 1, 1]), cell(100, 9, [1])]),
        arm('b1.58', [cell(100, 5, [1, 2, 3]), cell(200, 5, [2, 2, 2]), cell(100, 9, [4])]),
      ],
    };
    const [first, second, alone] = gapsOf(grid, 'b1.58');
    // Squares 1 + 0 + 1 of the first and 0 of the second, four degrees of freedom: s² = 1/2, of a mean of three 1/6; t₀.₉₇₅(4) = 2.776445.
    expect(first.gap).toBe(1);
    expect(first.estimate.high).toBeCloseTo(1 + 2.776445 / Math.sqrt(6), 6);
    expect(second.estimate.high - second.gap).toBeCloseTo(first.estimate.high - first.gap, 12);
    expect([alone.gap, alone.estimate.high]).toEqual([3, Infinity]);
  });

  it('leaves cells out in which nothing is learned yet, by what full precision does', () => {
    const late = scalingResults(all('full', (n, d, k) => (d < 2e5 ? 3.2 : byLaw(n, d, k))));
    const cells = learnedCells(
      late.find(({ name }) => name === 'zipf1.5')!,
      'b1.58',
    );
    expect(Math.min(...cells.map(({ tokens }) => tokens))).toBe(230_400);
    expect(cells).toHaveLength(30);
  });

  it('counts runs that diverged, and leaves their cells out', () => {
    const lost = full.map((run, i) =>
      run.arm === 'b1' &&
      run.role === 'final' &&
      i === full.findIndex((one) => one.arm === 'b1' && one.role === 'final')
        ? { ...run, validationLoss: null, test: undefined }
        : run,
    );
    const b1 = scalingResults(lost)
      .find(({ name }) => name === 'zipf1.5')!
      .arms.find(({ arm }) => arm === 'b1')!;
    expect(b1.diverged).toBe(1);
    expect(b1.cells).toHaveLength(35);
    expect(scalingLaw.table(lost).join('\n')).toContain('b1: 1 runs diverged.');
  });

  it('refuses results of several backends or versions', () => {
    const mixed = full.map((run, i) =>
      i % 2 === 0 ? run : { ...run, backend: { name: 'pytorch', version: '2', threads: 1 } },
    );
    expect(() => scalingResults(mixed)).toThrow('all runs must be computed by one backend, got');
    const versions = (project: string): FinishedRun['versions'] => ({ node: 'v20', project, packages: {} });
    const older = full.map((run, i) => ({ ...run, versions: versions(i % 2 === 0 ? '0.1.0' : '0.2.0') }));
    expect(() => scalingResults(older)).toThrow(
      /scaling law: all runs must be made by one version, got .*0\.2\.0/,
    );
    expect(() => scalingResults([])).toThrow('there must be finished runs, got none');
  });
});

describe('scalingClaims', () => {
  const verdicts = (claims: readonly JudgedClaim[], like: RegExp): string[] => [
    ...new Set(claims.filter(({ claim }) => like.test(claim)).map(({ verdict }) => verdict)),
  ];

  it('agrees with what the made-up world is: powers, a gap that closes with size, the precision law', () => {
    const claims = scalingLaw.claims!(full);
    expect(verdicts(claims, /closes with size, at equal tokens.*Zipf/)).toEqual(['agrees']);
    expect(verdicts(claims, /worth what the precision law says/)).toEqual(['agrees']);
    expect(verdicts(claims, /gain more from tokens/)).toEqual(['agrees']);
    expect(verdicts(claims, /predicts/)).toEqual(['agrees']);
    // Of a gap that tokens do not matter to, no law of tokens holds.
    expect(verdicts(claims, /with tokens, at equal size.*Zipf/)).not.toContain('agrees');
    expect(claims.filter(({ headline }) => headline === 4)).toHaveLength(2);
  });

  it('tells the two laws of tokens apart, whichever is true', () => {
    for (const [sign, opens, closes] of [
      [1, 'agrees', 'disagrees'],
      [-1, 'disagrees', 'agrees'],
    ] as const) {
      const claims = scalingLaw.claims!(
        all('full', (n, d, k) => byLaw(n, d, 1) + (k < 1 ? 0.2 * (d / 1e6) ** (0.4 * sign) : 0)),
      );
      expect(verdicts(claims, /opens with tokens/)).toEqual([opens]);
      expect(verdicts(claims, /closes with tokens/)).toEqual([closes]);
    }
  });

  it('disagrees with a power law where the curve bends, and with a gap that opens with size', () => {
    const bent: Excess = (n, d, k) => {
      const log = Math.log(n / 16_000);
      return 0.25 * Math.exp(-0.4 * log - 0.08 * log * log) + 700 * d ** -0.6 + (k < 1 ? 0.01 * log : 0);
    };
    const claims = scalingLaw.claims!(all('full', bent));
    expect(verdicts(claims, /power law: full precision, .*1.5/)).toEqual(['disagrees']);
    expect(verdicts(claims, /closes with size, at equal tokens: b1.58, Zipf/)).toEqual(['disagrees']);
  });

  it('judges at least two questions on laptop, and makes no claim from smoke', () => {
    const claims = scalingLaw.claims!(all('laptop'));
    expect(verdicts(claims, /closes with size, at equal tokens/)).toEqual(['agrees']);
    expect(verdicts(claims, /worth what the precision law says/)).toEqual(['agrees']);
    expect(scalingLaw.claims!(all('smoke'))).toEqual([]);
  });
});

describe('lineLabels', () => {
  const lines = (ends: number[]) =>
    ends.map((end, i) => ({ name: String(i), x: [1, 2], y: [i === 0 ? 0 : 100, end] }));
  const heights = (ends: number[], scale?: 'log'): number[] =>
    lineLabels(lines(ends), scale).map(({ y }) => Number(y));

  it('stand at the ends of lines that end far apart', () => {
    expect(heights([50, 10, 90])).toEqual([10, 50, 90]);
  });

  it('move apart where lines end at one height, around it and in their order', () => {
    const [low, middle, high] = heights([50, 50, 50]);
    expect(middle).toBeCloseTo(50, 9);
    expect(high - middle).toBeCloseTo(5.5, 9);
    expect(middle - low).toBeCloseTo(5.5, 9);
    const pushed = heights([50, 51, 56, 90]);
    for (const [i, height] of pushed.slice(1).entries())
      expect(height - pushed[i]).toBeGreaterThanOrEqual(5.5 - 1e-9);
    expect(pushed[3]).toBe(90);
  });

  it('stand where they are beside a point that a logarithmic axis has no place for', () => {
    const [low, high] = lineLabels(
      [0.1, 10].map((end, i) => ({ name: String(i), x: [1, 2], y: [-1, end] })),
      'log',
    );
    expect(Number(low.y)).toBeCloseTo(0.1, 9);
    expect(Number(high.y)).toBeCloseTo(10, 9);
  });

  it('keep equal factors on a logarithmic axis', () => {
    const decade = lineLabels(
      [1, 10].map((y, i) => ({ name: String(i), x: [1], y: [y, 10] })),
      'log',
    );
    expect(Number(decade[1].y) / Number(decade[0].y)).toBeCloseTo(10 ** 0.055, 9);
  });
});

describe('the figures', () => {
  it('can be drawn of every grid', () => {
    const figures = [
      ...grids.flatMap((grid) => [
        sizeFigure(grid, 'b1.58'),
        tokensFigure(grid, 'b1.58'),
        lawFigure(grid),
        gapSizeFigure(grid, 'b1.58'),
        gapTokensFigure(grid, 'b1.58'),
        gapHeatmap(grid, 'b1.58'),
        worthFigure(grid, 'b1.58'),
      ]),
      predictionFigure(main, 'b1'),
      lawsOfGapFigure(main, 'b1.58'),
    ];
    for (const figure of figures) expect(toSvg(figure)).toContain('<svg');
    expect(() => predictionFigure(text, 'b1.58')).toThrow(
      'the entropy must be known for this figure, got State of the Union',
    );
    expect(() => sizeFigure(main, 'b2')).toThrow(
      'the arm must be one of full-precision, b1.58, b1 on Zipf facts, exponent 1.5',
    );
  });
});

describe('the recorded results', () => {
  it('are enough for the gap over size and tokens', async () => {
    const recorded = scalingResults((await readRecorded('scaling-law')).runs);
    const own = recorded.find(({ name }) => name === 'zipf1.5')!;
    expect(gapsOf(own, 'b1.58').length).toBeGreaterThanOrEqual(8);
    for (const { arm, diverged } of own.arms) expect(diverged, arm).toBe(0);
  });
});
