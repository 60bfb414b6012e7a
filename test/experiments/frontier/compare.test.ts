import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { interval, type JudgedClaim } from '../../../lib/index.js';
import { frontierClaims } from '../../../experiments/frontier/claims.js';
import {
  atEqualBytes,
  atEqualShape,
  onFrontier,
  pointsOfForm,
} from '../../../experiments/frontier/compare.js';
import { frontier } from '../../../experiments/frontier/experiment.js';
import {
  bytesFigure,
  equalShapeFigure,
  joulesFigure,
  table3Figure,
  timeFigure,
} from '../../../experiments/frontier/figures.js';
import { rateCostsOf } from '../../../experiments/frontier/rate-costs.js';
import { frontierOf, frontierOn } from '../../../experiments/frontier/results.js';
import { table3Cell, table3Of } from '../../../experiments/frontier/table-3.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import { countParameters } from '../../../lib/index.js';
import { finishAll } from '../made-up-runs.js';

/** Noise of a run, made up: the same for the same arm, shape and seed. */
function noise({ arm, model, training: { seeds } }: RunSpec): number {
  const text = `${seeds.weights} ${model.num_hidden_layers}×${model.hidden_size} ${arm}`;
  const hash = createHash('sha256').update(text).digest();
  return 0.02 * (hash.readUInt32LE() / 2 ** 32 - 0.5);
}

/** 3 − 0.2 · ln(parameters), plus what an arm loses, plus noise; a curve over rates for tuning runs. */
const madeUp = (penalty: Readonly<Record<string, number>>) => (spec: RunSpec) => {
  const { total } = countParameters(spec.model);
  const rate = spec.role === 'tune' ? 0.05 * Math.log2(spec.training.schedule.peak / 8e-3) ** 2 : 0;
  return 5 - 0.2 * Math.log(total) + (penalty[spec.arm] ?? 0) + rate + noise(spec);
};

const runsWith = (penalty: Readonly<Record<string, number>>): FinishedRun[] =>
  finishAll(frontier, 'full', madeUp(penalty));
const runs = runsWith({ 'b1.58': 0.05, b1: 0.2, 'late-half': -0.1 });
const text = frontierOn(frontierOf(runs), 'tiny-shakespeare');

describe('frontierOf', () => {
  it('has every form at every size, with its bytes, joules and losses', () => {
    for (const form of ['fp16', 'b1.58', 'b1.58-2bit', 'int4-g32-gptq', 'int8-a8', 'int3-trained'])
      expect(pointsOfForm(text, form).map(({ shape }) => shape)).toEqual([
        '2×32',
        '2×64',
        '2×96',
        '4×96',
        '4×128',
        '4×160',
      ]);
    const [fp16, ternary, int8] = ['fp16', 'b1.58', 'int8-a8'].map((form) => pointsOfForm(text, form)[3]);
    expect(fp16.bytes).toBe(2 * fp16.parameters);
    expect(ternary.bytes).toBeLessThan(fp16.bytes / 6);
    // Additions of int8 alone, int8 with multiplications, fp16: attention is the same in all.
    expect(ternary.joules).toBeLessThan(int8.joules);
    expect(int8.joules).toBeLessThan(fp16.joules);
  });

  it('pools the spread of a run over arms and sizes', () => {
    const { noise: deviation, noiseDegrees, total, totalDegrees } = text.spread!;
    // Uniform over ±0.01: a standard deviation of 0.0058. Five sizes have 10 arms of 3 seeds, the largest 6 arms of 8 and 4 of 3.
    expect(deviation).toBeGreaterThan(0.003);
    expect(deviation).toBeLessThan(0.008);
    expect([noiseDegrees, totalDegrees]).toEqual([5 * 9 * 2 + 60 - (10 + 7), 5 * 10 * 2 + 60 - 10]);
    expect(total).toBeGreaterThan(0.003);
  });
});

describe('atEqualShape', () => {
  it('is the mean difference over the seeds, with the noise of a run', () => {
    const { contrast } = atEqualShape(text, ['b1.58', 'fp16'], '4×160')!;
    const [own, other] = ['b1.58', 'fp16'].map((form) => pointsOfForm(text, form).at(-1)!);
    expect(contrast.value).toBeCloseTo(own.loss.value - other.loss.value, 10);
    expect(contrast.standardError).toBeCloseTo(text.spread!.noise * Math.sqrt(2 / 8), 10);
    // The made-up difference, and all of its noise.
    expect(Math.abs(contrast.value - 0.05)).toBeLessThan(0.02);
    expect(interval(contrast).low).toBeGreaterThan(0);
  });

  it('takes forms of the same runs by what happened to their weights alone', () => {
    const { contrast } = atEqualShape(text, ['int4-g32-gptq', 'fp16'], '2×96')!;
    expect(contrast.degrees).toBe(2);
    expect(contrast.standardError).toBeLessThan(1e-10);
  });

  it('takes off what badly known rates cost', () => {
    const plain = atEqualShape(text, ['b1', 'fp16'], '2×32')!.contrast;
    const costs = new Map([['b1', { cost: 0.01 }]]);
    const { value, standardError } = atEqualShape(text, ['b1', 'fp16'], '2×32', costs)!.contrast;
    expect(value).toBeCloseTo(plain.value - 0.01, 10);
    expect(standardError).toBeGreaterThan(plain.standardError);
    expect(atEqualShape(text, ['b1', 'fp16'], '9×9')).toBeUndefined();
  });
});

describe('atEqualBytes', () => {
  it('finds what equal bytes are worth: 5 − 0.2 · ln(parameters) read off at other sizes', () => {
    const { contrast, points } = atEqualBytes(text, ['b1.58', 'fp16'])!;
    expect(points.length).toBeGreaterThanOrEqual(3);
    // The line between neighbours in ln bytes is the law itself, since fp16's bytes are twice its parameters.
    const expected = points.map((point) => {
      const parameters = point.bytes / 2;
      return 0.05 - 0.2 * Math.log(point.parameters / parameters);
    });
    const mean = expected.reduce((sum, gap) => sum + gap, 0) / expected.length;
    expect(Math.abs(contrast.value - mean)).toBeLessThan(0.01);
    expect(Math.abs(contrast.value - mean)).toBeLessThan(3 * contrast.standardError);
  });

  it('has an error that shrinks with the sizes that it averages over', () => {
    const one = {
      ...text,
      points: text.points.filter(({ form, shape }) => form.name !== 'b1.58' || shape === '4×128'),
    };
    const [single, several] = [one, text].map((some) => atEqualBytes(some, ['b1.58', 'fp16'])!.contrast);
    expect(several.standardError).toBeLessThan(single.standardError);
  });

  it('is undefined where no size lies among the other’s bytes', () => {
    const only = { ...text, points: text.points.filter(({ shape }) => shape === '2×32') };
    expect(atEqualBytes(only, ['b1.58', 'fp16'])).toBeUndefined();
  });
});

describe('onFrontier', () => {
  it('keeps what nothing beats in both', () => {
    const best = onFrontier(text.points, ({ bytes }) => bytes);
    expect(best.length).toBeGreaterThan(3);
    for (const point of best)
      expect(
        text.points.some(({ bytes, loss }) => bytes <= point.bytes && loss.value < point.loss.value),
      ).toBe(false);
  });
});

describe('the claims', () => {
  const verdict = (claims: readonly JudgedClaim[], ...words: string[]): string => {
    const found = claims.filter(({ claim }) => words.every((word) => claim.includes(word)));
    expect(found.map(({ claim }) => claim)).toHaveLength(1);
    return found[0].verdict;
  };
  const close = ['b1.58 comes close to fp16 in its own layers', 'equal shape', 'Tiny Shakespeare'];
  const close8 = ['b1.58 comes close to 8-bit', 'equal bytes', 'Tiny Shakespeare'];
  const beats = ['b1 beats 4-bit', 'equal shape', 'Tiny Shakespeare'];
  const late = ['last half', 'Tiny Shakespeare'];

  it('come out one way', () => {
    const claims = frontierClaims(runs);
    expect(verdict(claims, ...close)).toBe('disagrees');
    expect(verdict(claims, ...beats)).toBe('disagrees');
    expect(verdict(claims, ...close8)).toBe('agrees');
    expect(verdict(claims, ...late)).toBe('agrees');
  });

  it('come out the other way', () => {
    const claims = frontierClaims(
      runsWith({ 'b1.58': -0.05, b1: -0.1, 'late-half': 0.1, 'full-precision': -0.6 }),
    );
    expect(verdict(claims, ...beats)).toBe('disagrees');
    expect(verdict(claims, ...close8)).toBe('disagrees');
    expect(verdict(claims, ...late)).toBe('disagrees');
    const better = frontierClaims(runsWith({ 'b1.58': -0.05, b1: -0.1 }));
    expect(verdict(better, ...close)).toBe('agrees');
    expect(verdict(better, ...beats)).toBe('agrees');
  });

  it('stay open where a gap lies at the margin, and say what it would take', () => {
    const open = frontierClaims(runsWith({ 'b1.58': 0.02 })).find(({ claim }) =>
      close.every((word) => claim.includes(word)),
    )!;
    expect(open.verdict).toBe('underpowered');
    expect(open.power!.repeats).toBeGreaterThan(3);
  });

  it('take a run that diverged for a loss, and leave out an arm that has no model', () => {
    const diverged = finishAll(frontier, 'full', (spec) =>
      spec.role === 'final' && spec.arm === 'b1' ? null : madeUp({})(spec),
    );
    const claims = frontierClaims(diverged);
    expect(claims.filter(({ claim }) => claim.startsWith('b1 '))).toEqual([]);
    const once = finishAll(frontier, 'full', (spec) =>
      spec.role === 'final' && spec.arm === 'b1' && spec.training.seeds.weights === 2
        ? null
        : madeUp({})(spec),
    );
    expect(verdict(frontierClaims(once), ...beats)).toBe('disagrees');
  });
});

describe('Table 3', () => {
  const [table, ...others] = table3Of(text);

  it('is there at three sizes, with costs seed by seed and kurtosis by site', () => {
    expect([table, ...others].map(({ shape }) => shape)).toEqual(['2×32', '2×96', '4×160']);
    const { costs } = table3Cell(table, 'natural', 'W4A4', 'absmax');
    expect(costs).toHaveLength(3);
    for (const cost of costs)
      expect(cost).toBeCloseTo(1e-4 * (' absmax'.length - '16'.length + 'W4A4'.length - 'W16A'.length), 8);
    expect(table.kurtosis[0]).toEqual({ site: 'self_attn.input', natural: 4, outliers: 60 });
    expect(() => table3Cell(table, 'natural', 'W4A4', 'gptq')).toThrow('got W4A4 gptq');
  });
});

describe('the figures', () => {
  it('draw forms in bytes, joules and time, and the frontier below them', () => {
    const names = (figure: ReturnType<typeof bytesFigure>): string[] => figure.traces.map(({ name }) => name);
    expect(names(bytesFigure(text))).toContain('the frontier');
    expect(names(joulesFigure(text))).toContain('b1.58');
    const time = (shape: string, form: 'ternary' | 'fp16') => ({
      shape,
      form,
      threads: 1,
      layersMs: 0.1,
      headMs: 0.01,
    });
    const times = {
      command: '',
      machine: 'made up',
      measurements: ['2×32', '2×64'].flatMap((shape) => [time(shape, 'ternary'), time(shape, 'fp16')]),
    } as unknown as Parameters<typeof timeFigure>[1];
    const figure = timeFigure(text, times);
    expect(figure.traces.every((trace) => trace.kind === 'line' && trace.x.length === 2)).toBe(true);
    expect(names(equalShapeFigure(text, 'b1.58', ['fp16', 'int8-a8']))).toHaveLength(2);
    expect(table3Figure(table3Of(text), 'natural').traces.length).toBeGreaterThan(5);
  });
});

describe('rateCostsOf', () => {
  it('gives arms of borrowed rates the cost of the lender', () => {
    const costs = rateCostsOf('tiny-shakespeare', runs);
    expect(costs.get('b1.58')!.cost).toBeGreaterThanOrEqual(0);
    expect(costs.get('int8-trained')).toEqual(costs.get('full-precision'));
    expect(rateCostsOf('tiny-shakespeare', []).size).toBe(0);
  });
});
