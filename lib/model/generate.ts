import * as tf from '@tensorflow/tfjs';
import { RandomStream } from '../random.js';
import type { BitLM } from './bitlm.js';
import type { GenerationOptions } from './generation-options.js';

/**
 * Continues a sequence token by token. The window of the last `max_position_embeddings` tokens goes through the model
 * again for each one: plain, and fast enough for models of this size. The inference engine has a KV cache.
 * @param prompt ids to begin with, at least one
 */
export function* generateTokens(
  model: BitLM,
  prompt: ArrayLike<number>,
  options: GenerationOptions,
): Generator<number> {
  const { tokens, temperature = 0.8, seed = 1 } = options;
  const { vocab_size: vocabulary, max_position_embeddings: window } = model.config;
  if (prompt.length === 0) throw new Error('generate: the prompt must have at least one token, got none.');
  if (!Number.isSafeInteger(tokens) || tokens < 0)
    throw new Error(`generate: tokens must be a whole number from 0, got ${tokens}.`);
  if (!Number.isFinite(temperature) || temperature < 0)
    throw new Error(`generate: temperature must be a number from 0, got ${temperature}.`);
  const outside = Array.from(prompt).find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (outside !== undefined) {
    throw new Error(`generate: ids must be whole numbers from 0 to ${vocabulary - 1}, got ${outside}.`);
  }
  const random = new RandomStream(seed, 'text');
  const ids = Array.from(prompt);
  for (let written = 0; written < tokens; written++) {
    const last = tf.tidy(() => {
      const recent = tf.tensor1d(ids.slice(-window), 'int32');
      return tf.slice(model.logits(recent, 1), [recent.size - 1, 0], [1, vocabulary]).dataSync<'float32'>();
    });
    if (!last.every((logit) => Number.isFinite(logit))) {
      throw new Error(
        'generate: logits must be finite, got others. The model diverged, or its weights are damaged: open or train another.',
      );
    }
    const id = sample(last, temperature, random.uniform());
    ids.push(id);
    yield id;
  }
}

/** The token that a uniform number in [0, 1) picks from softmax(logits / temperature). */
function sample(logits: Float32Array, temperature: number, uniform: number): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  if (temperature === 0) return best;
  const weights = Array.from(logits, (logit) => Math.exp((logit - logits[best]) / temperature));
  let rest = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  for (let id = 0; id < weights.length; id++) {
    rest -= weights[id];
    if (rest < 0) return id;
  }
  return best;
}
