import { describe, expect, it } from 'vitest';
import {
  BITNET_B158,
  countParameters,
  FULL_PRECISION,
  LEVEL_BITS,
  parseModelConfig,
} from '../../../lib/index.js';
import { fp16Claims } from '../../../experiments/fp16-comparison/claims.js';
import { gapTrend, pairsOf } from '../../../experiments/sizes/pairs.js';
import { atEqualBudget, bytesBudget } from '../../../experiments/fp16-comparison/equal-budget.js';
import { bestAt, postTrainingOf, PTQ_METHODS } from '../../../experiments/fp16-comparison/results.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';

function finished(
  arm: string,
  width: number,
  seed: number,
  validationLoss: number,
  measured?: Record<string, number>,
): FinishedRun {
  const isFull = arm.endsWith('full-precision');
  const model = parseModelConfig({
    vocab_size: 65,
    hidden_size: width,
    intermediate_size: 2 * width,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    tie_word_embeddings: true,
    bitlm: isFull ? FULL_PRECISION : BITNET_B158,
  });
  return {
    id: `${arm} ${width} ${seed}`,
    name: `${arm}-${width}-seed${seed}`,
    arm,
    role: 'final',
    corpus: { name: 'tiny-shakespeare' },
    model,
    training: {
      steps: 1,
      batch: 1,
      context: 64,
      schedule: { kind: 'cosine', peak: 1e-3, minimum: 0, warmupSteps: 0, totalSteps: 1, weightDecay: 0 },
      evaluateEvery: 1,
      validationWindows: 1,
      seeds: { weights: seed, batches: seed },
    },
    validationLoss,
    validationTokens: 64,
    parameters: countParameters(model).total,
    curve: [],
    seconds: 1,
    backend: { name: 'test', version: '', threads: 1 },
    ...(measured && { measured }),
  };
}

/** Full precision falls by 0.1 with every width, b1.58 stays 0.08, 0.06 and 0.04 above. */
const RUNS = [32, 64, 128].flatMap((width, i) =>
  [1, 2, 3].flatMap((seed) => {
    const full = 2 - 0.1 * i + 0.01 * seed;
    return [
      finished('full-precision', width, seed, full, { fp16: full + 1e-5, 'fp16-unrounded': full }),
      finished('b1.58', width, seed, full + 0.08 - 0.02 * i + 0.001 * seed),
    ];
  }),
);

describe('pairsOf', () => {
  it('sets shapes beside each other, seed by seed', () => {
    const pairs = pairsOf(RUNS);
    expect(pairs.map(({ shape }) => shape)).toEqual(['2×32', '2×64', '2×128']);
    expect(pairs[0].gap.value).toBeCloseTo(0.082, 9);
    expect(pairs[0].halfPrecision!.value).toBeCloseTo(1e-5, 9);
    // The seeds move both arms alike, so the gap is known better than either loss.
    expect(pairs[0].gap.high - pairs[0].gap.low).toBeLessThan(pairs[0].full.high - pairs[0].full.low);
  });

  it('keeps runs of other lengths apart', () => {
    const longer = RUNS.map((run) => ({ ...run, training: { ...run.training, steps: 2 } }));
    expect(pairsOf([...RUNS, ...longer]).map(({ steps }) => steps)).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('leaves out shapes that have one arm alone', () => {
    expect(pairsOf(RUNS.filter(({ arm }) => arm === 'b1.58'))).toEqual([]);
  });
});

describe('gapTrend', () => {
  it('is negative where the gap shrinks, in nats a doubling', () => {
    const trend = gapTrend(pairsOf(RUNS));
    expect(trend.value).toBeLessThan(0);
  });

  it('is open where a run diverged, in one arm or in both, and for two sizes', () => {
    const lost = (arms: readonly string[]): FinishedRun[] =>
      RUNS.map((run) =>
        arms.includes(run.arm) && run.training.seeds.weights === 1 ? { ...run, validationLoss: null } : run,
      );
    for (const arms of [['b1.58'], ['b1.58', 'full-precision']])
      expect(gapTrend(pairsOf(lost(arms)))).toMatchObject({ low: -Infinity, high: Infinity });
    expect(gapTrend(pairsOf(RUNS).slice(1))).toMatchObject({ low: -Infinity, high: Infinity });
  });

  it('is told for a doubling or for a tenfold size', () => {
    const pairs = pairsOf(RUNS);
    expect(gapTrend(pairs, 10).value / gapTrend(pairs).value).toBeCloseTo(Math.log2(10), 9);
  });

  it('holds the scatter between sizes, which all seeds of a size share', () => {
    const shifted = RUNS.map((run) =>
      run.arm === 'b1.58' && run.model.hidden_size === 64
        ? { ...run, validationLoss: run.validationLoss! + 0.05 }
        : run,
    );
    const width = (runs: readonly FinishedRun[]): number => {
      const { low, high } = gapTrend(pairsOf(runs));
      return high - low;
    };
    expect(width(shifted)).toBeGreaterThan(5 * width(RUNS));
  });
});

describe('atEqualBudget', () => {
  it('reads the full-precision loss between its neighbours, and nothing beyond them', () => {
    const pairs = pairsOf(RUNS);
    const equal = atEqualBudget(pairs, bytesBudget);
    expect(equal.map(({ pair }) => pair.shape)).toEqual(['2×128']);
    expect(equal[0].fullLoss).toBeGreaterThan(pairs[1].full.value);
    expect(equal[0].fullLoss).toBeLessThan(pairs[0].full.value);
    expect(equal[0].gap).toBeLessThan(0);
  });

  it('leaves out a shape whose run diverged', () => {
    const lost = (width: number): FinishedRun[] =>
      RUNS.map((run) => (run.model.hidden_size === width ? { ...run, validationLoss: null } : run));
    expect(atEqualBudget(pairsOf(lost(128)), bytesBudget)).toEqual([]);
    expect(atEqualBudget(pairsOf(lost(32)), bytesBudget)).toEqual([]);
  });
});

describe('postTrainingOf', () => {
  const measured = Object.fromEntries([
    ['ptq-none-w16-a16', 1.8],
    ['ptq-none-w16-a8', 1.81],
    ...LEVEL_BITS.flatMap((bits) =>
      Object.keys(PTQ_METHODS).flatMap((method) => [
        [`ptq-${method}-w${bits}-a16`, 1.8 + 8 / 2 ** bits],
        [`ptq-${method}-w${bits}-a8`, 1.82 + 8 / 2 ** bits],
      ]),
    ),
  ]) as Record<string, number>;
  const runs = [1, 2].flatMap((seed) => [
    finished('ptq-full-precision', 96, seed, 1.79, measured),
    finished('ptq-b1', 96, seed, 1.95),
    finished('ptq-b1.58', 96, seed, 1.88),
  ]);

  it('gives every method at every width, and the best one', () => {
    const table = postTrainingOf(runs)!;
    expect(table.cells).toHaveLength(6 * 6 * 2);
    expect(bestAt(table, 1, 16).loss.value).toBeCloseTo(5.8, 9);
    expect(table.trained.b158.value).toBeCloseTo(1.88, 9);
  });

  it('is undefined without its runs, and names the command where a measurement is missing', () => {
    expect(postTrainingOf(RUNS)).toBeUndefined();
    const bare = runs.map((run) => ({ ...run, measured: {} }));
    expect(() => postTrainingOf(bare)).toThrow(
      'Make it: npm run experiment -- fp16-comparison --preset full --record',
    );
  });

  it('takes the seeds that all arms have, and none whose full-precision run diverged', () => {
    const lost = runs.map((run) =>
      run.arm === 'ptq-full-precision' && run.training.seeds.weights === 1
        ? { ...run, validationLoss: null, measured: undefined }
        : run,
    );
    const missing = runs.filter(({ arm, training }) => arm !== 'ptq-b1' || training.seeds.weights !== 1);
    for (const some of [lost, missing]) expect(postTrainingOf(some)!.unquantized.count).toBe(1);
  });

  it('judges: collapse at one bit where training does not', () => {
    const verdicts = new Map(fp16Claims([...RUNS, ...runs]).map(({ claim, verdict }) => [claim, verdict]));
    expect(verdicts.get('Rounding by absmax collapses at 1 bit')).toBe('agrees');
    expect(verdicts.get('Training with 1 bit does not collapse')).toBe('agrees');
    // 0.09 nats against the 0.051 of rounding to 8 bits.
    expect(verdicts.get('b1.58 comes close to 8-bit weights and activations of equal shape')).toBe(
      'disagrees',
    );
    expect([...verdicts].find(([claim]) => claim.includes('full precision of equal shape'))?.[1]).toBe(
      'disagrees',
    );
  });
});

describe('the recorded results', () => {
  it('hold pairs of five sizes or more on both corpora, three seeds each, up to 4 M parameters', async () => {
    const pairs = pairsOf((await readRecorded('fp16-comparison')).runs);
    for (const corpus of ['tiny-shakespeare', 'zipf-facts']) {
      const some = pairs.filter((pair) => pair.corpus === corpus);
      expect(some.length, corpus).toBeGreaterThanOrEqual(5);
      for (const { shape, gaps, halfPrecision } of some) {
        expect(gaps, shape).toHaveLength(3);
        expect(halfPrecision, shape).toBeDefined();
      }
    }
    const plays = pairs.filter(
      ({ corpus, parameters }) => corpus === 'tiny-shakespeare' && parameters >= 1e5,
    );
    expect(plays.length).toBeGreaterThanOrEqual(5);
    expect(plays.at(-1)!.parameters).toBeGreaterThan(4e6);
  });

  it('hold every method of quantizing afterwards at every width', async () => {
    const table = postTrainingOf((await readRecorded('fp16-comparison')).runs)!;
    expect(table.cells).toHaveLength(Object.keys(PTQ_METHODS).length * LEVEL_BITS.length * 2);
    for (const { method, bits, loss } of table.cells)
      expect(loss.value, `${method} ${bits}`).toBeGreaterThan(0);
  });
});
