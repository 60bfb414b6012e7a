/** Quantizing after training: GPTQ with groups, rotations and SmoothQuant against PyTorch, and what they leave unchanged. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { quantizeActivations, dequantizeActivations } from '../../lib/quantizers/activations.js';
import { gptq, inverseFactor } from '../../lib/quantizers/gptq.js';
import type { InputStatistics } from '../../lib/quantizers/input-statistics.js';
import { weightsOfCodes } from '../../lib/quantizers/level-codes.js';
import { levelGrid, roundToLevels, type LevelBits } from '../../lib/quantizers/level-grid.js';
import { withMadeOutliers } from '../../lib/quantizers/made-outliers.js';
import { PostTraining, type Preparation } from '../../lib/quantizers/post-training.js';
import { randomRotation, rotateMoments, rotateRows } from '../../lib/quantizers/rotation.js';
import { smoothingFactors } from '../../lib/quantizers/smooth-quant.js';
import { normalStream, normalValues } from '../normal-values.js';

interface Golden {
  rows: number;
  columns: number;
  weights: number[];
  moments: number[];
  gptq: { bits: LevelBits; group: number; rounded: number[] }[];
  rotation: { signs: number[]; block: number; rotatedRows: number[]; rotatedMoments: number[] };
  smooth: { largest: number[]; factors: number[] };
}
const golden = JSON.parse(
  readFileSync(new URL('../golden/post-training/post_training.json', import.meta.url), 'utf8'),
) as Golden;
const { rows, columns } = golden;
const weights = Float32Array.from(golden.weights);
const moments = Float64Array.from(golden.moments);

/** Largest difference of two lists. */
function farthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Array.from(found).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
}

describe('gptq with groups', () => {
  it.each(golden.gptq)(
    'rounds as PyTorch does, $bits bits in groups of $group',
    ({ bits, group, rounded }) => {
      const grid = levelGrid(weights, rows, { bits, reach: 'absmax', granularity: group });
      expect(farthest(gptq(weights, grid, inverseFactor(moments)), rounded)).toBeLessThan(1e-6);
    },
  );
});

describe('rotations', () => {
  const { signs, block, rotatedRows, rotatedMoments } = golden.rotation;
  const rotation = { signs: Int8Array.from(signs), block };

  it('rotate rows and moments as the matrix does', () => {
    expect(farthest(rotateRows(weights, rotation), rotatedRows)).toBeLessThan(1e-6);
    expect(farthest(rotateMoments(moments, rotation), rotatedMoments)).toBeLessThan(1e-9);
  });

  it('leave every product what it was', () => {
    for (const features of [8, 24, 96]) {
      const found = randomRotation(features, 3);
      const [x, w] = [1, 2].map((seed) => Float64Array.from(normalValues(features, normalStream(seed))));
      const product = (a: Float64Array, b: Float64Array): number =>
        a.reduce((sum, v, i) => sum + v * b[i], 0);
      expect(product(rotateRows(x, found), rotateRows(w, found))).toBeCloseTo(product(x, w), 10);
    }
  });

  it('mix blocks of the largest power of two that divides the features', () => {
    expect([32, 96, 192, 7].map((features) => randomRotation(features, 1).block)).toEqual([32, 32, 64, 1]);
    expect(randomRotation(64, 1).signs).not.toEqual(randomRotation(64, 2).signs);
    expect(() => rotateRows(new Float32Array(7), rotation)).toThrow('rows must have 24 features, got 7');
  });

  it('lessen the error of four bits where one feature is an outlier', () => {
    const features = 64;
    const x = normalValues(10 * features, normalStream(4)).map((value, i) =>
      i % features === 5 ? 32 * value : value,
    );
    const found = randomRotation(features, 1);
    const error = (values: Float32Array): number => {
      const rounded = dequantizeActivations(quantizeActivations('absmax-int4-token', values, features));
      return values.reduce((sum, value, i) => sum + (value - rounded[i]) ** 2, 0);
    };
    expect(error(rotateRows(x, found))).toBeLessThan(error(x));
  });
});

describe('smoothingFactors', () => {
  const largest = Float64Array.from(golden.smooth.largest);

  it('are those of equation 4', () => {
    expect(farthest(smoothingFactors(largest, [weights]), golden.smooth.factors)).toBeLessThan(1e-6);
    // Of two readers the larger weight counts.
    const half = weights.map((w) => w / 2);
    expect(smoothingFactors(largest, [half, weights])).toEqual(smoothingFactors(largest, [weights]));
  });

  it('leave features alone that are zero, or read by nothing', () => {
    const dead = largest.slice();
    dead[3] = 0;
    const unread = weights.map((w, i) => (i % columns === 7 ? 0 : w));
    const factors = smoothingFactors(dead, [unread]);
    expect([factors[3], factors[7]]).toEqual([1, 1]);
    expect(() => smoothingFactors(largest, [weights.subarray(1)])).toThrow(
      `rows must have ${columns} features`,
    );
  });
});

describe('PostTraining', () => {
  const site = 'model.layers.0.self_attn.output';
  const tensors = [{ name: 'o', shape: [rows, columns], data: weights }];
  const largest = Float64Array.from(golden.smooth.largest);
  const inputs = new Map<string, InputStatistics>([
    [site, { readers: ['o'], moments, largest, kurtosis: 3 }],
  ]);
  const kind = { bits: 4, reach: 'absmax', granularity: 8 } as const;

  it('takes the nearest level, or makes up for errors', () => {
    const grid = levelGrid(weights, rows, kind);
    const quantized = (rounding: 'nearest' | 'gptq') =>
      weightsOfCodes(new PostTraining(tensors, inputs).quantize({ ...kind, rounding }).matrices.get('o')!);
    expect(farthest(quantized('nearest'), roundToLevels(weights, grid))).toBeLessThan(1e-6);
    expect(farthest(quantized('gptq'), golden.gptq[0].rounded)).toBeLessThan(1e-6);
  });

  it('gives a transform whose product with the weights is what it was, to the steps of eight bits', () => {
    const x = normalValues(columns, normalStream(8));
    const product = (w: Float32Array, by: ArrayLike<number>): number[] =>
      Array.from({ length: rows }, (_, r) =>
        w.subarray(r * columns, (r + 1) * columns).reduce((sum, value, c) => sum + value * by[c], 0),
      );
    const expected = product(weights, x);
    for (const preparation of ['none', 'smooth', 'rotate'] as Preparation[]) {
      for (const rounding of ['nearest', 'gptq'] as const) {
        const { matrices, inputTransforms } = new PostTraining(tensors, inputs).quantize({
          ...kind,
          bits: 8,
          rounding,
          preparation,
        });
        const transform = inputTransforms.get(site);
        expect(transform === undefined).toBe(preparation === 'none');
        const entering = transform
          ? Array.from({ length: columns }, (_, c) =>
              x.reduce((sum, value, k) => sum + value * transform[k * columns + c], 0),
            )
          : x;
        expect(farthest(product(weightsOfCodes(matrices.get('o')!), entering), expected)).toBeLessThan(0.2);
      }
    }
  });

  it('refuses a reader that is not there', () => {
    expect(() => new PostTraining([], inputs)).toThrow('got none named o');
  });
});

describe('withMadeOutliers', () => {
  const tensors = [
    { name: 'model.layers.0.mlp.ffn_sub_norm.weight', shape: [4], data: Float32Array.of(1, 2, 3, 4) },
    { name: 'model.layers.0.mlp.up_proj.weight', shape: [1, 4], data: Float32Array.of(5, 6, 7, 8) },
    { name: 'model.layers.0.mlp.down_proj.weight', shape: [1, 4], data: Float32Array.of(1, 3, 5, 7) },
  ];

  it('takes from the weights what it gives to the norm, exactly', () => {
    const [gain, up, down] = withMadeOutliers(tensors, { oneIn: 4, factor: 8 }).map(({ data }) => [...data]);
    expect(gain).toEqual([1, 2, 24, 4]);
    expect(down).toEqual([1, 3, 5 / 8, 7]);
    // Its norm is not among the tensors.
    expect(up).toEqual([5, 6, 7, 8]);
    expect(tensors[0].data[2]).toBe(3);
  });

  it('refuses a factor that would round', () => {
    expect(() => withMadeOutliers(tensors, { factor: 10 })).toThrow('a power of two from 1, got 10');
  });
});
