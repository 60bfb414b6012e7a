/** What a model expects next, as probabilities. */
import { overflow } from '../evaluate.js';

/** One possible next token. */
export interface Prediction {
  id: number;
  /** From 0 to 1, by the softmax over all logits. */
  probability: number;
}

/**
 * The most likely next tokens, the likeliest first; of equal ones the smaller id.
 * @param logits of one position, `[vocabSize]`
 * @param count how many; all if there are fewer
 * @throws RangeError for a count that is none; Error for logits that are NaN or +Infinity (-Infinity rules a token out)
 */
export function likeliest(logits: Float32Array, count: number): Prediction[] {
  if (!(Number.isInteger(count) && count >= 0)) {
    throw new RangeError(`likeliest: count must be a whole number of at least 0, got ${String(count)}.`);
  }
  const wrong = logits.findIndex((logit) => !(logit < Infinity));
  if (wrong !== -1) throw overflow('likeliest', logits[wrong], `id ${wrong}`);
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return Array.from(logits.keys())
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, count)
    .map((id) => ({ id, probability: Math.exp(logits[id] - largest) / total }));
}
