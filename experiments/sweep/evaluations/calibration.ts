/** What methods of quantizing after training are calibrated on: the training text, never the parts that losses are taken over. */
import { PostTraining, type Corpus, type InputStatistics, type TrainableModel } from '@bitnet-notebooks/lib';
import type { RunSpec } from '../run-spec.js';

/** Of the training text. */
const CALIBRATION_TOKENS = 16_384;

/** What enters the products of a trained model, by site, on training text. */
export function calibrationInputs(
  model: TrainableModel,
  corpus: Corpus,
  { training: { context } }: RunSpec,
): Map<string, InputStatistics> {
  return model.inputStatistics(corpus, Math.ceil(CALIBRATION_TOKENS / context), context);
}

/** What quantizes a trained model by its inputs. */
export function calibrated(
  model: TrainableModel,
  corpus: Corpus,
  spec: RunSpec,
): { postTraining: PostTraining; inputs: Map<string, InputStatistics> } {
  const inputs = calibrationInputs(model, corpus, spec);
  return { postTraining: new PostTraining(model.tensors(), inputs), inputs };
}
