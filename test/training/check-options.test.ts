import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { CharacterTokenizer } from '../../lib/corpora/characters.js';
import { TextCorpus } from '../../lib/corpora/text.js';
import { ZipfFacts } from '../../lib/corpora/zipf-facts.js';
import { fit } from '../../lib/training/fit.js';
import { loadTraining } from '../../lib/training/load-training.js';
import { train } from '../../lib/training/train.js';
import { TrainableBitLM } from '../../lib/training/trainable-bitlm.js';
import type { TrainableModel } from '../../lib/training/types.js';
import { config, corpus, options, VERSE } from './small-run.js';

let model: TrainableModel;
beforeAll(async () => {
  await startTensorFlow();
  model = TrainableBitLM.create(config, 1);
});
afterAll(() => model.dispose());

const seeds = options(3).seeds;
const { schedule } = options(9);

describe('train', () => {
  it.each<[change: object, message: RegExp]>([
    ...['steps', 'evaluateEvery', 'checkpointEvery'].flatMap((key) =>
      [0, -1, 1.5, NaN, Infinity, '7', null].map((value): [object, RegExp] => [
        { [key]: value },
        new RegExp(`train: ${key} must be a whole number from 1, got '?${value}`),
      ]),
    ),
    ...['batch', 'context', 'validationWindows'].flatMap((key) =>
      [0, -1, 1.5, NaN, 2 ** 25, undefined].map((value): [object, RegExp] => [
        { [key]: value },
        new RegExp(`train: ${key} must be a whole number from 1 to 16777216, got ${value}`),
      ]),
    ),
    // Would train uphill, not at all, and to NaN.
    ...[-1, 0, NaN, Infinity, '1'].map((clipNorm): [object, RegExp] => [
      { clipNorm },
      new RegExp(`train: clipNorm must be a number above 0.*, got '?${clipNorm}`),
    ]),
    ...[[1, 1], [0.9, 1], [-0.1, 0.9], [NaN, 0.9], [0.9], 0.9, [0.9, 0.95, 1]].map(
      (betas): [object, RegExp] => [{ betas }, /train: betas must be two numbers from 0 to below 1, got /],
    ),
    [{ diagnostics: 'yes' }, /train: diagnostics must be true or false, got 'yes'/],
    [{ seeds: undefined }, /train: seeds must be weights and batches/],
    [{ seeds: { ...seeds, batches: -1 } }, /train: seeds must be .*got { weights: 1, batches: -1 }/],
    [{ seeds: { ...seeds, weights: 0.5 } }, /train: seeds must be/],
    [{ schedule: undefined }, /train: schedule must be an object/],
    [{ schedule: { ...schedule, peak: NaN } }, /schedule: peak must be a number above 0, got NaN/],
    [{ schedule: { ...schedule, kind: 'sine' } }, /schedule: kind must be one of/],
    [{ learningRate: 0.1 }, /train: options must be of steps, batch.*got 'learningRate'/],
    [{ batch: 2 ** 24 }, /train: a batch must fit into .* of memory, got 16777216 sequences of 16 tokens/],
    [{ context: 17 }, /train: context must be .*at most max_position_embeddings 16, got 17/],
    [{ validationWindows: 2 ** 24 }, /must have at most|different windows/],
  ])('refuses %o before anything is made, and holds no tensor of it', async (change, message) => {
    const { numTensors } = tf.memory();
    const first = train(model, corpus, { ...options(9), ...change }).next();
    await expect(first).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('takes the smallest and the largest of each', async () => {
    const all = {
      ...options(9),
      steps: 1,
      clipNorm: 1e9,
      betas: [0, 0.999] as const,
      checkpointEvery: 1e9,
      evaluateEvery: 1e9,
    };
    const fresh = TrainableBitLM.create(config, 1);
    for await (const { trainLoss } of train(fresh, corpus, all)) expect(trainLoss).toBeGreaterThan(0);
    fresh.dispose();
  });

  it('says so where an update ruined the weights', async () => {
    const fresh = TrainableBitLM.create(config, 1);
    const hot = { ...options(9), schedule: { ...schedule, warmupSteps: 0, peak: 1e39, minimum: 1e39 } };
    const run = async (): Promise<void> => {
      for await (const _ of train(fresh, corpus, hot));
    };
    await expect(run()).rejects.toThrow(
      /The model is as after step \d, and that update ruined it: not all weights are finite/,
    );
    fresh.dispose();
  });
});

describe('what else takes options', () => {
  it('a text of one kind of character is refused where it is opened', () => {
    const origin = { name: 'aaaa', source: 'the test', hash: '' };
    expect(() => new TextCorpus('a'.repeat(1000), origin)).toThrow(
      /aaaa: a text to train on must have at least 2 different characters, got "a" alone/,
    );
  });

  it('windows that no memory holds are refused', () => {
    expect(() => corpus.sampleBatch(0, 1, 2 ** 24, 16)).toThrow(
      /at most 67108864 tokens, got batch 16777216 by context 16/,
    );
    expect(() => new ZipfFacts().validationWindows(2 ** 24, 2 ** 24)).toThrow(/at most 67108864 tokens/);
  });

  it('evaluations refuse another vocabulary and longer windows', () => {
    const large = new ZipfFacts({ vocabSize: 128 });
    expect(() => model.evaluate(large, 1, 8)).toThrow(
      /evaluate: vocab_size must be at least the 128 tokens of/,
    );
    expect(() => model.losses(large, 'validation', 1, 8)).toThrow(/vocab_size/);
    expect(() => model.inputStatistics(large, 1, 8)).toThrow(/input statistics: vocab_size/);
    for (const context of [17, 0, NaN]) {
      expect(() => model.evaluate(corpus, 1, context)).toThrow(/evaluate: context must be/);
    }
    for (const windows of [0, 1.5, NaN])
      expect(() => model.evaluate(corpus, windows, 8)).toThrow(/must be a whole/);
    expect(() => model.losses(corpus, 'training' as 'test', 1, 8)).toThrow(
      /part must be validation or test, got training/,
    );
  });

  it('generation refuses what it would pass over in silence', async () => {
    const tokenizer = CharacterTokenizer.fromText(VERSE);
    const first = (change: object, from = model) =>
      from.generate(tokenizer, 'Shall', { tokens: 3, ...change }).next();
    for (const tokens of [NaN, -1, 1.5, Infinity]) {
      await expect(first({ tokens })).rejects.toThrow(/generate: tokens must be a whole number from 0, got/);
    }
    for (const temperature of [NaN, -1, Infinity]) {
      await expect(first({ temperature })).rejects.toThrow(
        /generate: temperature must be a number from 0, got/,
      );
    }
    await expect(first({ seed: -1 })).rejects.toThrow(/seed/);
    const values = new Map(model.tensors().map(({ name, data }) => [name, data.fill(NaN)]));
    const ruined = model.changed({ weights: values });
    await expect(first({}, ruined)).rejects.toThrow(/generate: logits must be finite/);
    ruined.dispose();
  });

  it('layers refuse what is no tensor or no model, and shapes that do not fit', async () => {
    const { layers, tf } = await loadTraining();
    const [x, weight] = [tf.ones([2, 4]), tf.ones([3, 4])];
    expect(layers.bitLinear(x, weight, tf.ones([4])).shape).toEqual([2, 3]);
    expect(() => layers.bitLinear(x, tf.ones([3, 5]))).toThrow(/weight must be \[out, 4\]/);
    expect(() => layers.bitLinear([1, 2] as unknown as typeof x, weight)).toThrow(
      /every input must be a tensor/,
    );
    expect(() => layers.block({} as TrainableModel, 0, x, 1)).toThrow(/the model must come from createModel/);
    expect(() => layers.block(model, 2, tf.ones([8, 16]), 1)).toThrow(/the layer must lie from 0 to 1/);
    expect(() => layers.block(model, 0, tf.ones([8, 16]), 3)).toThrow(/3 sequences of equal length/);
  });

  it('startTensorFlow refuses thousands of processes and an unknown backend', async () => {
    await expect(startTensorFlow({ threads: 1e9 })).rejects.toThrow(
      /threads must be a whole number from 1 to 256/,
    );
    await expect(startTensorFlow({ prefer: 'cuda' as 'wasm' })).rejects.toThrow(/prefer must be one of auto/);
  });

  it('fit refuses rates and steps that no schedule can have', async () => {
    for (const rate of [0, -1, NaN])
      await expect(fit(model, corpus, { rate })).rejects.toThrow(/fit: rate must be/);
    for (const steps of [0, NaN, 1.5])
      await expect(fit(model, corpus, { steps })).rejects.toThrow(/fit: steps must be/);
  });
});
