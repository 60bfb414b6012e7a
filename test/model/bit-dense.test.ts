import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import {
  ACTIVATION_QUANTIZERS,
  WEIGHT_QUANTIZERS,
  type ActivationQuantizerName,
  type WeightQuantizerName,
} from '../../lib/ablation-options.js';
import { bitDense } from '../../lib/model/bit-dense.js';
import { dequantizeActivations, quantizeActivations } from '../../lib/quantizers/activations.js';
import { dequantizeWeights, quantizeWeights } from '../../lib/quantizers/weights.js';
import { BACKENDS } from '../backends.js';
import { excess } from '../golden/vectors.js';

const data = (result: tf.Tensor | tf.Tensor[]): Float32Array => {
  const tensor = result as tf.Tensor;
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
};

/** Quantized kernel and rows as plain numbers, for results by hand. */
function quantizedKernel(name: WeightQuantizerName, kernel: tf.Tensor): Float32Array {
  return dequantizeWeights(quantizeWeights(name, kernel.dataSync<'float32'>()));
}
function quantizedRows(name: ActivationQuantizerName, x: tf.Tensor): Float32Array {
  return dequantizeActivations(
    quantizeActivations(name, x.dataSync<'float32'>(), x.shape.at(-1)!, { step: 0.05 }),
  );
}

/** a [n, k] times b [k, m] in double precision. */
function product(a: Float32Array, b: Float32Array, n: number, k: number, m: number): number[] {
  return Array.from({ length: n * m }, (_, index) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += a[Math.floor(index / m) * k + i] * b[i * m + (index % m)];
    return sum;
  });
}

function transposed(a: Float32Array, rows: number, columns: number): Float32Array {
  return a.map((_, index) => a[(index % rows) * columns + Math.floor(index / rows)]);
}

const NEAR = { relative: 1e-5, absolute: 1e-5 };

describe.each(BACKENDS)('bitDense on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  describe('forward and backward by hand', () => {
    const pairs = WEIGHT_QUANTIZERS.filter((name) => name !== 'none').map(
      (name) => [name, 'absmax-int8-token'] as const,
    );
    const others = ACTIVATION_QUANTIZERS.filter((name) => name !== 'none').map(
      (name) => ['absmean-ternary', name] as const,
    );

    it.each([...pairs, ...others])('%s weights, %s activations', (weightQuantizer, activationQuantizer) => {
      const layer = bitDense({
        units: 4,
        weightQuantizer,
        activationQuantizer,
        initialStep: 0.05,
        inputShape: [6],
        biasInitializer: tf.initializers.constant({ value: 0.5 }),
      });
      const x = tf.randomNormal([5, 6], 0, 1, 'float32', 3);
      const y = layer.apply(x) as tf.Tensor;
      const [kernel] = layer.getWeights();
      const q = quantizedRows(activationQuantizer, x);
      const w = quantizedKernel(weightQuantizer, kernel);
      expect(
        excess(
          data(y),
          product(q, w, 5, 6, 4).map((value) => value + 0.5),
          NEAR,
        ),
      ).toBeLessThanOrEqual(1);

      // dx = dy · Q(W)ᵀ and dW = Q(x)ᵀ · dy, both quantizers taken for the identity; elastic clips where it saturates.
      const dy = tf.randomNormal([5, 4], 0, 1, 'float32', 4);
      const d = dy.dataSync<'float32'>();
      const dx = data(tf.grad((x) => tf.sum(tf.mul(layer.apply(x) as tf.Tensor, dy)))(x));
      expect(excess(dx, product(d, transposed(w, 6, 4), 5, 4, 6), NEAR)).toBeLessThanOrEqual(1);
      const { grads } = tf.variableGrads(() => tf.sum(tf.mul(layer.apply(x) as tf.Tensor, dy)).asScalar());
      const gradient = Object.entries(grads).find(([name]) => name.includes('kernel'))![1];
      expect(excess(data(gradient), product(transposed(q, 5, 6), d, 6, 5, 4), NEAR)).toBeLessThanOrEqual(1);
    });

    it('clipped: no gradient for weights that saturate', () => {
      const layer = bitDense({ units: 1, straightThrough: 'clipped', useBias: false, inputShape: [4] });
      layer.build([null, 4]);
      layer.setWeights([tf.tensor2d([0.5, -0.5, 1, -6], [4, 1])]); // γ = 2
      const x = tf.ones([1, 4]);
      const { grads } = tf.variableGrads(() => tf.sum(layer.apply(x) as tf.Tensor).asScalar());
      expect([...data(Object.values(grads)[0])].map((g) => g + 0)).toEqual([1, 1, 1, 0]);
    });

    it('without quantizers it is tf.layers.dense', () => {
      const args = {
        units: 3,
        inputShape: [5],
        activation: 'tanh' as const,
        biasInitializer: 'ones' as const,
      };
      const plain = tf.layers.dense(args);
      const layer = bitDense({ ...args, weightQuantizer: 'none', activationQuantizer: 'none' });
      const x = tf.randomNormal([4, 5], 0, 1, 'float32', 5);
      const expected = data(plain.apply(x) as tf.Tensor);
      layer.build([null, 5]);
      layer.setWeights(plain.getWeights());
      expect(excess(data(layer.apply(x) as tf.Tensor), expected, NEAR)).toBeLessThanOrEqual(1);
    });

    it('norm inside: an RMSNorm with a learned gain stands before the quantizer', () => {
      const layer = bitDense({
        units: 3,
        norm: 'inside',
        normEpsilon: 1e-3,
        useBias: false,
        inputShape: [4],
      });
      const x = tf.tensor2d([3, -1, 2, 0.5, 0.01, 0.02, -0.03, 0], [2, 4]);
      layer.build([null, 4]);
      const gain = tf.tensor1d([1, 2, 0.5, -1]);
      const [kernel] = layer.getWeights();
      layer.setWeights([kernel, gain]);
      const normed = tf.tidy(() =>
        tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-3))), gain),
      );
      const q = quantizedRows('absmax-int8-token', normed);
      const w = quantizedKernel('absmean-ternary', layer.getWeights()[0]);
      expect(excess(data(layer.apply(x) as tf.Tensor), product(q, w, 2, 4, 3), NEAR)).toBeLessThanOrEqual(1);
      expect(layer.trainableWeights.map(({ shape }) => shape)).toEqual([[4, 3], [4]]);
    });

    it.each([[[7, 6]], [[2, 7, 6]], [[2, 3, 7, 6]]])('takes inputs of shape %j, row by row', (shape) => {
      const layer = bitDense({ units: 4, inputShape: shape.slice(1) });
      const x = tf.randomNormal(shape, 0, 1, 'float32', 6);
      const y = layer.apply(x) as tf.Tensor;
      expect(y.shape).toEqual([...shape.slice(0, -1), 4]);
      expect(layer.computeOutputShape([null, ...shape.slice(1)])).toEqual([null, ...shape.slice(1, -1), 4]);
      const rows = layer.apply(tf.reshape(x, [-1, 6])) as tf.Tensor;
      // Dense refuses another rank than it was built with only by its last dimension.
      expect(data(y)).toEqual(data(rows));
    });

    it('takes whole numbers', () => {
      const layer = bitDense({ units: 2, inputShape: [2] });
      const x = tf.tensor2d([1, 2, -3, 4], [2, 2], 'int32');
      expect(data(layer.apply(x) as tf.Tensor)).toEqual(
        data(layer.apply(tf.cast(x, 'float32')) as tf.Tensor),
      );
    });
  });

  describe('on bad input', () => {
    it('says which shape it wants', () => {
      const model = tf.sequential({ layers: [bitDense({ units: 3, inputShape: [4] })] });
      expect(() => model.predict(tf.ones([2, 5]))).toThrow(/\[,4\].*\[2,5\]|\[null,4\].*\[2,5\]/);
      expect(() => model.layers[0].apply(tf.ones([2, 5]))).toThrow(/axis -1.*4.*2,5/);
      expect(() => model.layers[0].apply(tf.ones([4]))).toThrow(/min_ndim=2, found ndim=1/);
      expect(() => bitDense({ units: 2 }).build([null, null])).toThrow(
        /last dimension.*must be known, got \[, \]/,
      );
      expect(() => bitDense({ units: 2 }).quantizedKernel()).toThrow(/must be built first/);
    });

    it.each<[Record<string, unknown>, RegExp]>([
      [{ units: 0 }, /units.*0/],
      [{ units: 2.5 }, /units.*2.5/],
      [{ weightQuantizer: 'ternary' }, /weightQuantizer must be one of none, sign.*got "ternary"/],
      [{ activationQuantizer: 'int8' }, /activationQuantizer must be one of.*got "int8"/],
      [{ straightThrough: 'hard' }, /straightThrough must be one of identity, clipped, got "hard"/],
      [{ norm: 'none' }, /norm must be one of inside, outside, got "none"/],
      [{ normEpsilon: 0 }, /normEpsilon must be a finite number above 0, got 0/],
      [{ initialStep: -1 }, /initialStep.*got -1/],
      [{ activation: 'swish9' }, /swish9/],
    ])('refuses %j', (args, message) => {
      expect(() => bitDense({ units: 2, ...args })).toThrow(message);
    });
  });
});

it('bitDense leaves the names that TensorFlow.js gives to dense layers alone', () => {
  const number = (name: string): number => Number(/\d+$/.exec(name)![0]);
  const first = number(tf.layers.dense({ units: 1 }).name);
  expect(bitDense({ units: 1 }).name).toMatch(/^bit_dense_BitDense\d+$/);
  expect(number(tf.layers.dense({ units: 1 }).name)).toBe(first + 1);
});
