import type { Corpus } from '@bitnet-notebooks/lib';

/** Tokens that a further measurement is taken over: enough to tell a hundredth of a nat between two models. */
const EVALUATED_TOKENS = 16_384;

/** Validation windows that further measurements of a trained model read. */
export function evaluationWindows(corpus: Corpus, context: number): number {
  const all = Math.floor((corpus.validationTokens - 1) / context);
  return Math.max(1, Math.min(all, Math.floor(EVALUATED_TOKENS / context)));
}
