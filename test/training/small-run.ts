/** A small training run for tests, and, started as a process of its own, one that can be killed. */
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { TextCorpus } from '../../lib/corpora/text.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { train } from '../../lib/training/train.js';
import type { TrainingOptions } from '../../lib/training/types.js';

export const VERSE: string =
  'Shall I compare thee to a summer’s day? Thou art more lovely and more temperate. Rough winds do shake the darling ' +
  'buds of May, and summer’s lease hath all too short a date. Sometime too hot the eye of heaven shines. ';

export const corpus: TextCorpus = new TextCorpus(VERSE.repeat(12), {
  name: 'sonnet 18',
  source: 'the test',
  hash: '0'.repeat(64),
});

export const config: ModelConfig = parseModelConfig({
  vocab_size: corpus.vocabSize,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 16,
  tie_word_embeddings: true,
  quantization_config: { quant_method: 'bitnet', linear_class: 'autobitlinear', quantization_mode: 'online' },
});

export function options(steps: number): TrainingOptions {
  return {
    steps,
    batch: 4,
    context: 16,
    schedule: {
      kind: 'cosine',
      peak: 5e-3,
      minimum: 5e-4,
      warmupSteps: 5,
      totalSteps: steps,
      weightDecay: 0.1,
    },
    evaluateEvery: 10,
    checkpointEvery: 7,
    validationWindows: 4,
    seeds: { weights: 1, batches: 2 },
  };
}

// node … small-run.ts FOLDER STEPS THREADS: trains in FOLDER and prints every step.
const [, , folder, steps, threads] = process.argv;
if (folder !== undefined && steps !== undefined && threads !== undefined && process.argv.length === 5) {
  await startTensorFlow({ threads: Number(threads) });
  const model = new BitLM(config, { seed: 1 });
  for await (const { step } of train(model, corpus, options(Number(steps)), { folder })) console.log(step);
}
