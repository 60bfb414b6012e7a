import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import {
  ACTIVATION_QUANTIZERS,
  WEIGHT_QUANTIZERS,
  type ActivationQuantizerName,
  type WeightQuantizerName,
} from '../../lib/ablation-options.js';
import { dequantizeActivations, quantizeActivations } from '../../lib/quantizers/activations.js';
import { roundToTernaryByKernel } from '../../lib/model/fused/ternary-weights.js';
import { gridOfTensor } from '../../lib/quantizers/measures.js';
import { roundToGrid } from '../../lib/quantizers/on-tensors.js';
import {
  activationQuantizer,
  fakeQuantizeElastic,
  straightThrough,
  weightQuantizer,
  type ActivationGradientOptions,
  type StraightThrough,
} from '../../lib/quantizers/straight-through.js';
import type { WeightGroups } from '../../lib/quantizers/weight-groups.js';
import { dequantizeWeights, quantizeWeights } from '../../lib/quantizers/weights.js';
import { BACKENDS } from '../backends.js';
import { excess, float32, golden, values, type GoldenTensor } from '../golden/vectors.js';

const WEIGHTS = WEIGHT_QUANTIZERS.filter((name) => name !== 'none');
const ACTIVATIONS = ACTIVATION_QUANTIZERS.filter((name) => name !== 'none');
const STEP = Math.fround(0.037);

/** Bits of float32 values, one zero for both signs: two arrays are equal here only if every bit is. */
function bits(x: ArrayLike<number>): number[] {
  const plusZero = Float32Array.from(x, (value) => value + 0);
  return [...new Int32Array(plusZero.buffer)];
}

/** Floats of very different sizes, and many that lie on a tie once divided by their mean or maximum. */
const value = fc.oneof(
  fc.float({ min: -1000, max: 1000, noNaN: true }),
  fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4), noNaN: true }),
  fc.integer({ min: -6, max: 6 }).map((half) => half / 2),
);
/**
 * Multiples of 2^-30: float64 adds 630 of them exactly, in whatever order. Of 1, 2^-100 and -1 one order of the sum leaves
 * zero and another 2^-100, and the sign of a weight of zero hangs on it.
 */
const normal = value.map((x) => Math.fround(Math.round(x * 2 ** 30) / 2 ** 30));
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70 }))
  .chain(([rows, columns]) =>
    fc.record({
      shape: fc.constant([rows, columns] as [number, number]),
      x: fc.array(normal, { minLength: rows * columns, maxLength: rows * columns }),
    }),
  )
  .map(({ shape, x }) => ({ shape, x: Float32Array.from(x) }));

/** Runs `body` and expects it to leave no tensor behind. */
function leavesNothing<T>(body: () => T): T {
  const before = tf.memory().numTensors;
  const result = body();
  expect(tf.memory().numTensors).toBe(before);
  return result;
}

/** Values of a tensor that `body` makes, which is freed. */
function run(body: () => tf.Tensor): Float32Array {
  const result = body();
  const data = result.dataSync<'float32'>();
  result.dispose();
  return data;
}

/** Gradient of sum(f(x) · cotangent), by x. */
function gradient(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, cotangent: tf.Tensor): number[] {
  return [...run(() => tf.grad((x) => tf.sum(tf.mul(f(x), cotangent)))(x))];
}

const fakeQuantizeWeights = (
  name: WeightQuantizerName,
  w: tf.Tensor,
  options: { straightThrough?: StraightThrough } = {},
): tf.Tensor => straightThrough(w, weightQuantizer(name, options.straightThrough));

const fakeQuantizeActivations = (
  name: ActivationQuantizerName,
  x: tf.Tensor,
  options: ActivationGradientOptions = {},
): tf.Tensor => straightThrough(x, activationQuantizer(name, options));

const clippedWeights =
  (name: WeightQuantizerName) =>
  (w: tf.Tensor): tf.Tensor =>
    fakeQuantizeWeights(name, w, { straightThrough: 'clipped' });

const clippedActivations =
  (name: ActivationQuantizerName) =>
  (x: tf.Tensor): tf.Tensor =>
    fakeQuantizeActivations(name, x, { straightThrough: 'clipped' });

describe.each(BACKENDS)('on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
    // What a quantizer uses first keeps constants for the life of the process.
    tf.tidy(() => {
      const step = tf.scalar(1);
      for (const name of WEIGHTS) fakeQuantizeWeights(name, tf.ones([1, 2]));
      for (const name of ACTIVATIONS) fakeQuantizeActivations(name, tf.ones([1, 2]), { step });
      fakeQuantizeWeights('sign', tf.ones([2]));
      fakeQuantizeWeights('absmean-ternary', tf.ones([2]));
    });
  });

  describe('fakeQuantizeWeights', () => {
    it.each(WEIGHTS)('%s equals the plain quantizer bit for bit', (name) => {
      fc.assert(
        fc.property(matrix, ({ shape, x }) => {
          const actual = leavesNothing(() => {
            const w = tf.tensor2d(x, shape);
            const result = run(() => fakeQuantizeWeights(name, w));
            w.dispose();
            return result;
          });
          expect(bits(actual)).toEqual(bits(dequantizeWeights(quantizeWeights(name, x))));
        }),
      );
    });

    it.each(WEIGHTS)('%s equals the plain quantizer on 384 × 256 Gaussian weights', (name) => {
      const w = tf.randomNormal([384, 256], 0, 0.02, 'float32', 7);
      const plain = dequantizeWeights(quantizeWeights(name, w.dataSync<'float32'>()));
      expect(bits(run(() => fakeQuantizeWeights(name, w)))).toEqual(bits(plain));
      w.dispose();
    });

    it.each(WEIGHTS)('%s: groups of rows are quantized each by itself', (name) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 2, max: 3 }),
          fc.integer({ min: 1, max: 3 }),
          matrix,
          (groups, rows, { x }) => {
            const columns = Math.floor(x.length / (groups * rows));
            if (columns === 0) return;
            const w = x.subarray(0, groups * rows * columns);
            const found = run(() => {
              const weights = tf.tensor2d(w, [groups * rows, columns]);
              const quantized = straightThrough(
                weights,
                weightQuantizer(name, 'identity', { weight_groups: groups }),
              );
              weights.dispose();
              return quantized;
            });
            for (let group = 0; group < groups; group++) {
              const part = [group * rows * columns, (group + 1) * rows * columns] as const;
              const expected = dequantizeWeights(quantizeWeights(name, w.slice(...part)));
              expect(bits(found.slice(...part))).toEqual(bits(expected));
            }
          },
        ),
        { numRuns: 40 },
      );
    });

    it.each(WEIGHTS.filter((name) => name !== 'absmedian-ternary'))(
      '%s: neighbours within a row are quantized each by themselves',
      (name) => {
        fc.assert(
          fc.property(
            fc.integer({ min: 1, max: 8 }),
            fc.integer({ min: 1, max: 3 }),
            matrix,
            (size, inRow, { x }) => {
              const rows = Math.floor(x.length / (size * inRow));
              if (rows === 0) return;
              const w = x.subarray(0, rows * size * inRow);
              const quantized = (length: number): Float32Array =>
                run(() => {
                  const weights = tf.tensor2d(w, [rows, size * inRow]);
                  const found = straightThrough(
                    weights,
                    weightQuantizer(name, 'identity', { weight_group_size: length }),
                  );
                  weights.dispose();
                  return found;
                });
              const inTurn = (length: number): Float32Array =>
                Float32Array.from(
                  Array.from({ length: w.length / length }, (_, group) =>
                    Array.from(
                      dequantizeWeights(quantizeWeights(name, w.slice(group * length, (group + 1) * length))),
                    ),
                  ).flat(),
                );
              expect(bits(quantized(size))).toEqual(bits(inTurn(size)));
              // A row shorter than a group is one group.
              expect(bits(quantized(1000))).toEqual(bits(inTurn(size * inRow)));
            },
          ),
          { numRuns: 40 },
        );
      },
    );

    it('clipped: a group saturates by its own scale', () => {
      const w = tf.tensor2d([
        [0.1, 0.4],
        [10, 40],
      ]);
      const mask = (groups: WeightGroups): number[] =>
        gradient(
          (x) => straightThrough(x, weightQuantizer('absmean-ternary', 'clipped', groups)),
          w,
          tf.onesLike(w),
        );
      expect(mask({ weight_groups: 2 })).toEqual([1, 0, 1, 0]);
      expect(mask({ weight_group_size: 2 })).toEqual([1, 0, 1, 0]);
      expect(mask({})).toEqual([1, 1, 1, 0]);
    });

    it('none gives a copy that can be freed alone', () => {
      const w = tf.tensor1d([1, 2]);
      fakeQuantizeWeights('none', w).dispose();
      expect([...w.dataSync()]).toEqual([1, 2]);
      w.dispose();
    });

    it.each(WEIGHTS)('%s passes the gradient unchanged by default', (name) => {
      leavesNothing(() => {
        const w = tf.tensor2d([0.1, -3, 0, 0.5, 7, -0.2], [2, 3]);
        const dy = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
        expect(gradient((w) => fakeQuantizeWeights(name, w), w, dy)).toEqual([1, 2, 3, 4, 5, 6]);
        tf.dispose([w, dy]);
      });
    });

    it.each<[WeightQuantizerName, number[]]>([
      // mean|w| = 2: |w| ≤ 2 passes
      ['absmean-ternary', [1, 1, 1, 0, 1, 0]],
      // the lower median of |w| is 1
      ['absmedian-ternary', [1, 1, 1, 0, 0, 0]],
      // 0 ≤ w ≤ 2
      ['zero-one', [1, 0, 1, 0, 1, 0]],
      // mean(w) = 0, β = 2: |w| ≤ 2
      ['sign', [1, 1, 1, 0, 1, 0]],
      ['absmax-2bit', [1, 1, 1, 1, 1, 1]],
      ['absmax-4bit', [1, 1, 1, 1, 1, 1]],
      ['absmax-8bit', [1, 1, 1, 1, 1, 1]],
      ['none', [1, 1, 1, 1, 1, 1]],
    ])('%s, clipped: no gradient where the weight saturates', (name, mask) => {
      leavesNothing(() => {
        const w = tf.tensor1d([0.5, -1, 0, -5, 2, 3.5]);
        const dy = tf.tensor1d([1, 2, 3, 4, 5, 6]);
        expect(gradient(clippedWeights(name), w, dy).map((g) => g + 0)).toEqual(
          mask.map((m, i) => m * (i + 1)),
        );
        tf.dispose([w, dy]);
      });
    });

    it('sign, clipped: saturation is measured from the mean', () => {
      // mean(w) = 4 and β = 4: |w − 4| ≤ 4 passes
      const w = tf.tensor1d([1, 2, 3, 10]);
      expect(gradient(clippedWeights('sign'), w, tf.onesLike(w))).toEqual([1, 1, 1, 0]);
    });

    it('adds up with another use of the same weights', () => {
      const w = tf.tensor1d([0.5, -1]);
      const dy = tf.onesLike(w);
      expect(gradient((w) => tf.add(w, tf.add(fakeQuantizeWeights('sign', w), w)), w, dy)).toEqual([3, 3]);
    });

    it.each(WEIGHTS)('%s: NaN and Inf do not pass in silence', (name) => {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const result = tf.tidy(() => fakeQuantizeWeights(name, tf.tensor1d([1, bad, -2])).dataSync());
        expect(result.some((x) => !Number.isFinite(x))).toBe(true);
      }
    });

    it('refuses an unknown quantizer and gradient', () => {
      const w = tf.tensor1d([1]);
      expect(() => fakeQuantizeWeights('ternary' as WeightQuantizerName, w)).toThrow(/got ternary/);
      expect(() => fakeQuantizeWeights('sign', w, { straightThrough: 'hard' as 'clipped' })).toThrow(
        /must be 'identity' or 'clipped', got "hard"/,
      );
    });
  });

  describe('fakeQuantizeActivations', () => {
    it.each(ACTIVATIONS)('%s equals the plain quantizer bit for bit, whatever the rank', (name) => {
      fc.assert(
        fc.property(matrix, fc.constantFrom(1, 2, 3, 4), ({ shape: [rows, features], x }, rank) => {
          const plain = dequantizeActivations(
            quantizeActivations(name, rank === 1 ? x.subarray(0, features) : x, features, { step: STEP }),
          );
          const shapes = [[features], [rows, features], [1, rows, features], [rows, 1, 1, features]];
          const actual = leavesNothing(() => {
            const input = tf.tensor(rank === 1 ? x.subarray(0, features) : x, shapes[rank - 1]);
            const step = tf.tensor1d([STEP]);
            const y = fakeQuantizeActivations(name, input, { step });
            expect(y.shape).toEqual(input.shape);
            const data = run(() => y);
            tf.dispose([input, step]);
            return data;
          });
          expect(bits(actual)).toEqual(bits(plain));
        }),
      );
    });

    it.each(ACTIVATIONS.filter((name) => name !== 'elastic-int8'))(
      '%s passes the gradient unchanged by default',
      (name) => {
        leavesNothing(() => {
          const x = tf.tensor2d([0.1, -3, 0, 0.5, 700, -0.2], [2, 3]);
          const dy = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
          expect(gradient((x) => fakeQuantizeActivations(name, x), x, dy)).toEqual([1, 2, 3, 4, 5, 6]);
          tf.dispose([x, dy]);
        });
      },
    );

    it('absmean-int4-token, clipped: no gradient beyond −8 and 7', () => {
      leavesNothing(() => {
        // mean|x| = 1, so x·scale = √7·x: 7 lies at x = 2.645, −8 at −3.02
        const x = tf.tensor1d([2.6, 2.7, -3, -3.1, ...Array<number>(8).fill(0.075)]);
        const dy = tf.onesLike(x);
        expect(gradient(clippedActivations('absmean-int4-token'), x, dy).slice(0, 5)).toEqual([
          1, 0, 1, 0, 1,
        ]);
        tf.dispose([x, dy]);
      });
    });

    it.each(['absmax-int8-token', 'absmax-int8-tensor', 'absmax-int4-token'] as const)(
      '%s, clipped: never saturates',
      (name) => {
        const x = tf.tensor1d([1e-3, -5, 5, 0.7]);
        expect(gradient(clippedActivations(name), x, tf.onesLike(x))).toEqual([1, 1, 1, 1]);
      },
    );

    it.each(ACTIVATIONS)('%s: NaN and Inf do not pass in silence', (name) => {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const result = tf.tidy(() =>
          fakeQuantizeActivations(name, tf.tensor1d([1, bad, -2]), { step: tf.scalar(1) }).dataSync(),
        );
        expect(result.some((x) => !Number.isFinite(x))).toBe(true);
      }
    });

    it('refuses an unknown quantizer and an elastic one without its step', () => {
      const x = tf.tensor1d([1]);
      expect(() => fakeQuantizeActivations('int8' as ActivationQuantizerName, x)).toThrow(/got int8/);
      expect(() => fakeQuantizeActivations('elastic-int8', x)).toThrow(/must be given its learned step/);
    });
  });

  describe('fakeQuantizeElastic', () => {
    interface ElasticCase {
      inputs: { x: GoldenTensor; a: GoldenTensor };
      output: GoldenTensor;
      cotangent: GoldenTensor;
      grads: { x: GoldenTensor; a: GoldenTensor };
    }
    const layers = golden('ops/layers.json') as Record<string, ElasticCase>;

    it.each([2, 4, 8])('at %i bits has the output and both gradients of PyTorch', (b) => {
      const { inputs, output, cotangent, grads } = layers[`elastic_learned_step_${b}bit`];
      leavesNothing(() => {
        const x = tf.tensor(float32(inputs.x), inputs.x.shape);
        const a = tf.tensor(float32(inputs.a), inputs.a.shape);
        const dy = tf.tensor(float32(cotangent), cotangent.shape);
        const near = { relative: 1e-5, absolute: 1e-5 };
        const y = run(() => fakeQuantizeElastic(x, a, b));
        expect(excess(y, values(output), near)).toBeLessThanOrEqual(1);
        const [dx, da] = tf.grads((x, a) => tf.sum(tf.mul(fakeQuantizeElastic(x, a, b), dy)))([x, a]);
        expect(da.shape).toEqual(inputs.a.shape);
        expect(excess(dx.dataSync(), values(grads.x), near)).toBeLessThanOrEqual(1);
        expect(excess(da.dataSync(), values(grads.a), near)).toBeLessThanOrEqual(1);
        tf.dispose([x, a, dy, dx, da]);
      });
    });

    it('refuses a step of more than one value, and bits out of range', () => {
      const x = tf.tensor1d([1, 2]);
      expect(() => fakeQuantizeElastic(x, tf.tensor1d([1, 2]), 8)).toThrow(/one value, got shape \[2\]/);
      expect(() => fakeQuantizeElastic(x, tf.scalar(1), 9)).toThrow(/2 to 8, got 9/);
    });
  });

  it('the gradient that TensorFlow.js itself gives a quantizer is zero, which is why there is an estimator', () => {
    const w = tf.tensor1d([0.4, -1.2, 2]);
    expect(gradient((w) => tf.round(w), w, tf.onesLike(w)).map(Math.abs)).toEqual([0, 0, 0]);
    expect(gradient((w) => tf.sign(w), w, tf.onesLike(w)).map(Math.abs)).toEqual([0, 0, 0]);
  });

  const ternary = ['absmean-ternary', 'absmedian-ternary', 'absmax-2bit'] as const;
  it.runIf(backend === 'tensorflow').each(ternary)(
    "TensorFlow's own ternary kernel equals the plain operations bit for bit: %s",
    (name) => {
      fc.assert(
        fc.property(matrix, ({ shape, x }) => {
          tf.tidy(() => {
            const w = tf.tensor2d(x, shape);
            const grid = gridOfTensor(name, w);
            expect(bits(roundToTernaryByKernel(w, grid).dataSync())).toEqual(
              bits(roundToGrid(w, grid).dataSync()),
            );
          });
        }),
        { numRuns: 500 },
      );
    },
  );
});

it('1/(1/(1/γ)) is 1/γ in float32, so the kernel divides by just the factor of the grid', () => {
  const { fround } = Math;
  let different = 0;
  for (let mantissa = 0; mantissa < 2 ** 23; mantissa++) {
    const factor = fround(1 / fround(1 + mantissa * 2 ** -23));
    if (fround(1 / fround(1 / factor)) !== factor) different++;
  }
  expect(different).toBe(0);
});
