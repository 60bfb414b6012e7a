import type { Corpus, TrainableModel } from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';
import { wholeText } from './whole-text.js';

/**
 * The loss that arms are compared by, of a model made from a run's: on the run's windows of the test part, of the looked-up values in a
 * language of known entropy. Nats per token.
 * @throws Error for a run without test windows
 */
export function testLoss(
  model: TrainableModel,
  corpus: Corpus,
  { name, testWindows, training: { context } }: Pick<RunSpec, 'name' | 'testWindows' | 'training'>,
): number {
  if (testWindows === undefined)
    throw new Error(
      `evaluate: run ${name} must have testWindows, got none: nothing may be chosen by its loss.`,
    );
  const windows = testWindows === 'all' ? wholeText(corpus.testTokens, context) : testWindows;
  const { loss, lossByKind } = model.losses(corpus, 'test', windows, context);
  return lossByKind?.v ?? loss;
}
