import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { bitDense, BitDense, type BitDenseArgs } from '../../lib/model/bit-dense.js';
import { BACKENDS } from '../backends.js';

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

describe.each(BACKENDS)('bitDense on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  describe('training with model.fit', { timeout: 300_000 }, () => {
    it('learns exclusive or', async () => {
      const x = tf.tensor2d([0, 0, 0, 1, 1, 0, 1, 1], [4, 2]);
      const y = tf.tensor2d([0, 1, 1, 0], [4, 1]);
      const model = compiled([16, 16, 1], 2, 'binaryCrossentropy');
      await fit(model, x, y, 80);
      const predicted = data(model.predict(x));
      expect([...predicted].map(Math.round)).toEqual([0, 1, 1, 0]);
    });

    it('learns a curve of one number', async () => {
      const x = tf.linspace(-1, 1, 64).reshape([64, 1]);
      const y = tf.sin(tf.mul(x, 3));
      const model = compiled([48, 48, 1], 1, 'meanSquaredError');
      const { history } = await fit(model, x, y, 130);
      // The mean of sin² here is 0.55: that is the loss of a model that says 0 everywhere.
      expect(history.loss.at(-1)).toBeLessThan(0.1);
    });

    it.each(['outside', 'inside'] as const)(
      'learns two spirals with three weights only, norm %s',
      async (norm) => {
        const { x, y } = spirals(40);
        const model = tf.sequential();
        model.add(
          tf.layers.dense({ units: 32, activation: 'relu', inputShape: [2], kernelInitializer: seeded(1) }),
        );
        model.add(bitDense({ units: 48, activation: 'relu', norm, kernelInitializer: seeded(2) }));
        model.add(bitDense({ units: 48, activation: 'relu', norm, kernelInitializer: seeded(3) }));
        model.add(tf.layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: seeded(4) }));
        model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
        const { history } = await fit(model, x, y, 100);
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
});
