import { roundToHalf, type Corpus, type TrainableModel } from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';
import { evaluationWindows } from './evaluation-windows.js';

/**
 * The loss of the trained model as half precision would have it: every weight, and what enters every product with
 * weights, is rounded to IEEE 754 binary16 (training and sums stay in float32). On part of the validation text.
 * @returns `fp16`, and `fp16-unrounded`: the loss of the unrounded model on the same text, both in nats per token
 */
export function evaluateInHalf(
  model: TrainableModel,
  corpus: Corpus,
  { training: { context } }: RunSpec,
): Record<string, number> {
  const windows = evaluationWindows(corpus, context);
  const weights = new Map(model.tensors().map(({ name, data }) => [name, roundToHalf(data)]));
  const rounded = model.changed({ weights, roundInputsToHalf: true });
  try {
    return {
      fp16: rounded.evaluate(corpus, windows, context),
      'fp16-unrounded': model.evaluate(corpus, windows, context),
    };
  } finally {
    rounded.dispose();
  }
}
