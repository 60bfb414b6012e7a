import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bitDense, loadTraining, type QuantizerFunction } from '../../lib/index.js';

const ternary: QuantizerFunction = (w) => {
  const gamma = w.abs().mean().maximum(1e-5);
  return w.div(gamma).round().clipByValue(-1, 1).mul(gamma);
};

it('bitDense of the public names asks for TensorFlow, then trains, saves and loads with a quantizer of one’s own', async () => {
  expect(() => bitDense({ units: 2 })).toThrow('bitDense: TensorFlow must be loaded, got none yet.');
  const { tf, backend } = await loadTraining();
  const model = tf.sequential({
    layers: [
      bitDense({ units: 32, inputShape: [2], activation: 'relu', weightQuantizer: ternary }),
      bitDense({ units: 1, activation: 'sigmoid', weightQuantizer: ternary, norm: 'inside' }),
    ],
  });
  const x = tf.randomNormal([256, 2], 0, 1, 'float32', 7);
  const y = tf.greater(x.slice([0, 0], [-1, 1]), x.slice([0, 1], [-1, 1])).cast('float32');
  model.compile({ optimizer: tf.train.adam(0.02), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fit(x, y, { epochs: 30, batchSize: 64, verbose: 0 });
  expect(history.acc.at(-1)).toBeGreaterThan(0.9);
  if (backend.name !== 'tensorflow') return;
  const folder = await mkdtemp(join(tmpdir(), 'bitnet-dense-'));
  try {
    await model.save(`file://${folder}`);
    const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
    expect((loaded.predict(x) as typeof x).dataSync()).toEqual((model.predict(x) as typeof x).dataSync());
    await rm(join(folder, 'model.json'));
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a layer saved with a function that this process does not have says which', async () => {
  const { tf } = await loadTraining();
  const layer = bitDense({ units: 1, inputShape: [2], weightQuantizer: ternary });
  const config = (layer as unknown as { getConfig(): object }).getConfig();
  expect(config).toMatchObject({ weightQuantizer: { own: expect.stringMatching(/^ternary [0-9a-f]{16}$/) } });
  const unknown = { ...config, weightQuantizer: { own: 'other 0123456789abcdef' } };
  expect(() => bitDense(unknown as never)).toThrow(
    /weightQuantizer must be the function "other 0123456789abcdef", .* got none/,
  );
  expect(() => tf.sequential({ layers: [layer] })).not.toThrow();
  expect(() => layer.quantizedKernel()).toThrow(/must be asked of a layer with a named quantizer/);
});
