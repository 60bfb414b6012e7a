import type { Corpus, TrainableModel } from '@bitnet-notebooks/lib';
import { evaluateInHalf } from './half-precision.js';
import { evaluateStored } from './stored.js';
import { evaluateStoredAfterTraining } from './stored-after-training.js';
import { evaluateTable3 } from './table-3.js';
import type { RunSpec } from '../run-spec.js';

/** A measurement of a trained model: values by name, such as a loss in nats per token. */
type Evaluation = (
  model: TrainableModel,
  corpus: Corpus,
  spec: RunSpec,
) => Record<string, number> | Promise<Record<string, number>>;

/** What a run may ask for beside its loss, by the names that `RunSpec.evaluations` takes. */
const EVALUATIONS: Readonly<Record<string, Evaluation>> = {
  fp16: evaluateInHalf,
  stored: evaluateStored,
  'stored-after-training': evaluateStoredAfterTraining,
  'table-3': evaluateTable3,
};

/**
 * Makes the measurements that a run asks for.
 * @throws Error for a name that does not exist
 */
export async function evaluateTrained(
  spec: RunSpec,
  model: TrainableModel,
  corpus: Corpus,
): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const name of spec.evaluations ?? []) {
    if (!Object.hasOwn(EVALUATIONS, name)) {
      throw new Error(
        `evaluate: must be one of ${Object.keys(EVALUATIONS).join(', ')}, got ${name} in run ${spec.name}.`,
      );
    }
    Object.assign(values, await EVALUATIONS[name](model, corpus, spec));
  }
  for (const [name, value] of Object.entries(values)) {
    // In a result's JSON it would become null, which counts as a loss of 0.
    if (Number.isFinite(value)) continue;
    throw new Error(`evaluate: ${name} must be finite, got ${value} in run ${spec.name}. Look at its model.`);
  }
  return values;
}
