/** What a model expects next, as probabilities. */

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
 */
export function likeliest(logits: Float32Array, count: number): Prediction[] {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return Array.from(logits.keys())
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, count)
    .map((id) => ({ id, probability: Math.exp(logits[id] - largest) / total }));
}
