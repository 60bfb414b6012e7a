/** What a training run keeps in its checkpoint: the model, and the optimizer's moments. */
import type { ModelTensor } from '../checkpoint/model-folder.js';
import type { Corpus } from '../corpora/corpus.js';
import { RunFolderError } from '../io/run-folder-error.js';
import type { BitLM } from '../model/bitlm.js';
import type { RunStore } from '../runs/memory-run.js';
import type { AdamWState } from './adamw.js';
import type { TrainingSteps } from './steps.js';
import type { TrainingPoint } from './types.js';

/** Saves model, moments and tokenizer as the checkpoint of a step. */
export async function saveState(
  run: RunStore<TrainingPoint>,
  model: BitLM,
  steps: TrainingSteps,
  corpus: Corpus,
  step: number,
): Promise<void> {
  const { updates, first, second } = steps.state();
  const moments = (prefix: string, values: Map<string, Float32Array>): ModelTensor[] =>
    Array.from(values, ([name, data]) => ({
      name: `${prefix}.${name}`,
      shape: model.parameters.get(name)!.shape,
      data,
    }));
  await run.saveCheckpoint({
    step,
    state: { updates },
    tensors: [...moments('first', first), ...moments('second', second)],
    model: {
      config: model.config,
      tensors: model.tensors(),
      tokenizerJson: corpus.tokenizer && { ...corpus.tokenizer.toJSON() },
    },
  });
}

/** Brings model and moments to where the run's checkpoint stands. */
export async function restoreState(
  run: RunStore<TrainingPoint>,
  model: BitLM,
  steps: TrainingSteps,
): Promise<void> {
  const checkpoint = (await run.loadCheckpoint())!;
  model.setWeights(new Map(Array.from(checkpoint.modelTensors, ([name, { data }]) => [name, data])));
  const moments = (prefix: string): Map<string, Float32Array> =>
    new Map(
      Array.from(checkpoint.tensors.values())
        .filter(({ name }) => name.startsWith(`${prefix}.`))
        .map(({ name, data }) => [name.slice(prefix.length + 1), data]),
    );
  const { updates } = (checkpoint.state ?? {}) as Partial<Pick<AdamWState, 'updates'>>;
  if (updates !== checkpoint.step) {
    throw new RunFolderError(
      `train: the checkpoint's optimizer must have made ${checkpoint.step} updates, got ${updates} in ${run.folder}. ` +
        'It was damaged after it was written: restore it, or start a new run.',
    );
  }
  steps.restore({ updates, first: moments('first'), second: moments('second') });
}
