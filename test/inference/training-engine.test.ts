import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportCheckpoint } from '../../lib/checkpoint/export/export.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { ZipfFacts } from '../../lib/corpora/zipf-facts.js';
import { loadModel } from '../../lib/inference/load-model.js';
import { loadTraining, type Training } from '../../lib/training/load-training.js';
import { compileKernel } from '../kernel/compiled.js';
import { temporaryFolder } from '../temporary-folder.js';
import { ONLINE } from './small-checkpoint.js';

const CONTEXT = 22;
const WINDOWS = 24;
/** Of losses in nats: the golden README's for the same model in two implementations. */
const LOSS_TOLERANCE = 1e-3;

let training: Training;
beforeAll(async () => {
  await compileKernel();
  training = await loadTraining();
});

const corpus = new ZipfFacts({ vocabSize: 64, seed: 3 });
const shape = (changes: Record<string, unknown>): ModelConfig =>
  parseModelConfig({
    vocab_size: corpus.vocabSize,
    hidden_size: 256,
    intermediate_size: 256,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 32,
    tie_word_embeddings: true,
    quantization_config: ONLINE,
    ...changes,
  });

/** Mean loss of the inference engine on the windows that the training engine evaluates. */
async function inferenceLoss(path: string): Promise<number> {
  const model = await loadModel(path, { threads: 1 });
  const { inputs, targets } = corpus.validationWindows(WINDOWS, CONTEXT);
  let sum = 0;
  for (let window = 0; window < WINDOWS; window++) {
    const logits = await model.logits(inputs.subarray(window * CONTEXT, (window + 1) * CONTEXT));
    for (let position = 0; position < CONTEXT; position++) {
      const row = logits.subarray(position * corpus.vocabSize, (position + 1) * corpus.vocabSize);
      const total = row.reduce((exponentials, logit) => exponentials + Math.exp(logit), 0);
      sum += Math.log(total) - row[targets[window * CONTEXT + position]];
    }
  }
  await model.close();
  return sum / (WINDOWS * CONTEXT);
}

/** A model after some steps: far enough from fresh weights that its losses differ from place to place. */
async function trained(config: ModelConfig): Promise<{ folder: string; loss: number }> {
  const model = training.createModel(config, 1);
  const options = {
    steps: 20,
    batch: 8,
    context: CONTEXT,
    schedule: {
      kind: 'cosine' as const,
      peak: 4e-3,
      minimum: 1e-3,
      warmupSteps: 4,
      totalSteps: 20,
      weightDecay: 0.1,
    },
    evaluateEvery: 20,
    validationWindows: 4,
    seeds: { weights: 1, batches: 1 },
  };
  for await (const _ of training.train(model, corpus, options)) continue;
  const folder = join(await temporaryFolder(), 'model');
  await model.save(folder);
  const loss = model.evaluate(corpus, WINDOWS, CONTEXT);
  model.dispose();
  return { folder, loss };
}

describe('the two engines', () => {
  it.each<[string, Record<string, unknown>]>([
    ['squared ReLU, tied', {}],
    ['SiLU, untied', { hidden_act: 'silu', tie_word_embeddings: false }],
    ['Pre-LN', { bitlm: { norm_placement: 'preln' } }],
    ['full precision', { quantization_config: undefined }],
  ])('have the same loss on the same text: %s', async (_name, changes) => {
    const { folder, loss } = await trained(shape(changes));
    expect(loss).toBeLessThan(Math.log(corpus.vocabSize));
    expect(Math.abs((await inferenceLoss(folder)) - loss)).toBeLessThan(LOSS_TOLERANCE);
  });

  it('have the same loss after an export', async () => {
    const { folder, loss } = await trained(shape({}));
    for (const [format, output] of [
      ['i2_s', `${folder}-i2_s.gguf`],
      ['tq2_0', `${folder}-tq2_0.gguf`],
      ['packed', `${folder}-packed`],
    ] as const) {
      await exportCheckpoint(folder, { format, output });
      expect(Math.abs((await inferenceLoss(output)) - loss), format).toBeLessThan(LOSS_TOLERANCE);
    }
  });
});
