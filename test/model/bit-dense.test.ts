import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import {
  ACTIVATION_QUANTIZERS,
  WEIGHT_QUANTIZERS,
  type ActivationQuantizerName,
  type WeightQuantizerName,
} from '../../lib/config.js';
import { bitDense, BitDense, type BitDenseArgs } from '../../lib/model/bit-dense.js';
import { dequantizeActivations, quantizeActivations } from '../../lib/quantizers/activations.js';
import { dequantizeWeights, quantizeWeights } from '../../lib/quantizers/weights.js';
import { BACKENDS } from '../backends.js';
import { excess } from '../golden/vectors.js';

/** Two interleaved spirals: x [2n, 2], y [2n, 1] with 0 for the first and 1 for the second. */
function spirals(n: number): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const points: number[][] = [];
  const labels: number[] = [];
  for (let i = 0; i < n; i++) {
    for (const label of [0, 1]) {
      const angle = 0.5 + (i / n) * 5 + label * Math.PI;
      const radius = 0.2 + i / n;
      points.push([radius * Math.cos(angle), radius * Math.sin(angle)]);
      labels.push(label);
    }
  }
  return { x: tf.tensor2d(points), y: tf.tensor2d(labels, [labels.length, 1]) };
}

const seeded = (seed: number): ReturnType<typeof tf.initializers.glorotNormal> =>
  tf.initializers.glorotNormal({ seed });

/** bitDense layers of the given widths with squared error or cross-entropy at the end. */
function compiled(
  widths: number[],
  inputs: number,
  loss: 'meanSquaredError' | 'binaryCrossentropy',
  args: Partial<BitDenseArgs> = {},
): tf.Sequential {
  const model = tf.sequential();
  widths.forEach((units, i) => {
    const last = i === widths.length - 1;
    const activation = last ? (loss === 'binaryCrossentropy' ? 'sigmoid' : 'linear') : 'relu';
    const inputShape = i === 0 ? [inputs] : undefined;
    model.add(bitDense({ ...args, units, activation, inputShape, kernelInitializer: seeded(i + 1) }));
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss, metrics: ['accuracy'] });
  return model;
}

// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- TensorFlow.js does not export the enum
const SILENT = 0 as NonNullable<Parameters<tf.Sequential['fit']>[2]>['verbose'];

async function fit(model: tf.Sequential, x: tf.Tensor, y: tf.Tensor, epochs: number): Promise<tf.History> {
  return model.fit(x, y, {
    epochs,
    batchSize: x.shape[0],
    shuffle: false,
    verbose: SILENT,
    yieldEvery: 'never',
  });
}

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

  describe('training with model.fit', () => {
    it('learns exclusive or', async () => {
      const x = tf.tensor2d([0, 0, 0, 1, 1, 0, 1, 1], [4, 2]);
      const y = tf.tensor2d([0, 1, 1, 0], [4, 1]);
      const model = compiled([16, 16, 1], 2, 'binaryCrossentropy');
      await fit(model, x, y, 100);
      const predicted = data(model.predict(x));
      expect([...predicted].map(Math.round)).toEqual([0, 1, 1, 0]);
    });

    it('learns a curve of one number', async () => {
      const x = tf.linspace(-1, 1, 64).reshape([64, 1]);
      const y = tf.sin(tf.mul(x, 3));
      const model = compiled([48, 48, 1], 1, 'meanSquaredError');
      const { history } = await fit(model, x, y, 220);
      // The mean of sin² here is 0.55: that is the loss of a model that says 0 everywhere.
      expect(history.loss.at(-1)).toBeLessThan(0.05);
    });

    it.each(['outside', 'inside'] as const)(
      'learns two spirals with three weights only, norm %s',
      async (norm) => {
        const { x, y } = spirals(60);
        const model = tf.sequential();
        model.add(
          tf.layers.dense({ units: 32, activation: 'relu', inputShape: [2], kernelInitializer: seeded(1) }),
        );
        model.add(bitDense({ units: 48, activation: 'relu', norm, kernelInitializer: seeded(2) }));
        model.add(bitDense({ units: 48, activation: 'relu', norm, kernelInitializer: seeded(3) }));
        model.add(tf.layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: seeded(4) }));
        model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
        const { history } = await fit(model, x, y, 120);
        expect(history.acc.at(-1)).toBeGreaterThan(0.97);
        const layers = model.layers.filter((layer): layer is BitDense => layer instanceof BitDense);
        expect(layers.length).toBe(2);
        for (const layer of layers) {
          const { values, scale } = layer.quantizedKernel();
          expect(new Set(values)).toEqual(new Set([-1, 0, 1]));
          // What the layer does with its full-precision kernel is what the three values do.
          const input = tf.randomNormal([3, layer.getWeights()[0].shape[0]], 0, 1, 'float32', 1);
          const before = data(layer.apply(input) as tf.Tensor);
          const [, ...others] = layer.getWeights();
          const [features, units] = layer.getWeights()[0].shape as [number, number];
          const ternary = tf.transpose(
            tf.tensor2d(
              Float32Array.from(values, (q) => q * scale),
              [units, features],
            ),
          );
          const frozen = bitDense({
            ...(layer.getConfig() as unknown as BitDenseArgs),
            name: `frozen_${layer.name}`,
            weightQuantizer: 'none',
          });
          frozen.build([null, features]);
          frozen.setWeights([ternary, ...others]);
          expect(data(frozen.apply(input) as tf.Tensor)).toEqual(before);
        }
      },
    );

    it('learns the step of the elastic quantizer along', async () => {
      const { x, y } = spirals(20);
      const model = compiled([16, 1], 2, 'binaryCrossentropy', {
        activationQuantizer: 'elastic-int8',
        initialStep: 0.1,
      });
      const step = (): number => model.layers[0].getWeights()[2].dataSync<'float32'>()[0];
      expect(step()).toBe(Math.fround(0.1));
      await fit(model, x, y, 20);
      expect(step()).not.toBe(Math.fround(0.1));
      expect(step()).toBeGreaterThan(0);
    });

    it('keeps no tensor from one step to the next', async () => {
      const { x, y } = spirals(10);
      const model = compiled([8, 1], 2, 'binaryCrossentropy', { norm: 'inside' });
      await fit(model, x, y, 3);
      const before = tf.memory().numTensors;
      await fit(model, x, y, 25);
      data(model.predict(x));
      expect(tf.memory().numTensors).toBe(before);
      model.dispose();
    });
  });

  describe('saving and loading', () => {
    const layers: [string, Partial<BitDenseArgs>][] = [
      ['as 2B4T', {}],
      ['norm inside, elastic', { norm: 'inside', activationQuantizer: 'elastic-int8', initialStep: 0.02 }],
      ['b1', { weightQuantizer: 'sign', straightThrough: 'clipped', useBias: false }],
    ];

    async function trained(args: Partial<BitDenseArgs>): Promise<{ model: tf.Sequential; x: tf.Tensor2D }> {
      const { x, y } = spirals(10);
      const model = compiled([8, 1], 2, 'binaryCrossentropy', args);
      await fit(model, x, y, 5);
      return { model, x };
    }

    it.each(layers)('predicts the same to the last bit from memory: %s', async (_, args) => {
      const { model, x } = await trained(args);
      let saved: tf.io.ModelArtifacts | undefined;
      await model.save(
        tf.io.withSaveHandler((artifacts) => {
          saved = artifacts;
          return Promise.resolve({
            modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' },
          });
        }),
      );
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
      expect(data(loaded.predict(x))).toEqual(data(model.predict(x)));
      const config = (model: tf.LayersModel): object[] => model.layers.map((layer) => layer.getConfig());
      expect(config(loaded)).toEqual(config(model));
      expect(loaded.layers[0]).toBeInstanceOf(BitDense);
    });

    it.runIf(backend === 'tensorflow').each(layers)('and from a folder: %s', async (_, args) => {
      const { model, x } = await trained(args);
      const folder = await mkdtemp(join(tmpdir(), 'bit-dense-'));
      try {
        await model.save(`file://${folder}`);
        const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
        expect(data(loaded.predict(x))).toEqual(data(model.predict(x)));
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('a layer made from its config has that config', () => {
      const layer = bitDense({
        units: 3,
        weightQuantizer: 'absmax-4bit',
        activationQuantizer: 'absmean-int4-token',
        straightThrough: 'clipped',
        norm: 'inside',
        normEpsilon: 1e-6,
        activation: 'relu',
        kernelInitializer: 'heNormal',
        biasInitializer: 'ones',
        kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }),
        name: 'projection',
        inputShape: [4],
      });
      const config = layer.getConfig();
      expect(config).toMatchObject({
        name: 'projection',
        units: 3,
        weightQuantizer: 'absmax-4bit',
        activationQuantizer: 'absmean-int4-token',
        straightThrough: 'clipped',
        norm: 'inside',
        normEpsilon: 1e-6,
      });
      const json = JSON.parse(JSON.stringify(config)) as Record<string, unknown>;
      const again = bitDense(json as unknown as BitDenseArgs);
      expect(again.getConfig()).toEqual(config);
    });
  });

  describe('on bad input', () => {
    it('says which shape it wants', () => {
      const model = compiled([3, 1], 4, 'meanSquaredError');
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
