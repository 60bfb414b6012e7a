/** The training loop: an async iterator of points that stops on a signal and can go on in a run folder. */
import type { ModelConfig } from '../config.js';
import type { Corpus } from '../corpora/corpus.js';
import { currentBackend } from '../backend/tensorflow.js';
import { BitLM } from '../model/bitlm.js';
import { checkTrainingOptions } from './check-options.js';
import type { RunStore } from '../runs/memory-run.js';
import { RunFolderError } from '../io/run-folder-error.js';
import { openRun } from '../runs/open-run.js';
import { installedVersions, type RunConfig } from '../runs/run-config.js';
import { TrainingSession } from './session.js';
import type { RunOptions, TrainableModel, TrainingOptions, TrainingPoint } from './types.js';

/**
 * Trains a model step by step. Leaving the loop early (break, abort) keeps what was learned in `model`.
 * The batches are a function of seed and step alone, so that a resumed run sees the very same ones.
 * @param model fresh, or as the caller left it; a run folder with a checkpoint overwrites its weights
 * @param memory keeps the run where there is no folder, so that a later call can go on
 * @throws DivergedError, RunFolderError, or Error for options that contradict model or corpus
 */
export async function* train(
  model: BitLM | TrainableModel,
  corpus: Corpus,
  options: TrainingOptions,
  { folder, signal, form, onRepair }: RunOptions = {},
  memory?: RunStore<TrainingPoint>,
): AsyncGenerator<TrainingPoint, void, undefined> {
  if (!(model instanceof BitLM))
    throw new Error('train: the model must come from createModel or openModel, got another object.');
  if (model.isDisposed) {
    throw new Error(
      'train: the model must be there, got one that was disposed. Run the cell that creates it again.',
    );
  }
  checkTrainingOptions(model.config, corpus, options);
  const run =
    folder === undefined
      ? memory
      : await openRun<TrainingPoint>(folder, runConfig(model.config, corpus, options), { onRepair });
  let session: TrainingSession | undefined;
  try {
    if (run?.completed && (run.checkpointStep ?? 0) < options.steps) throw withoutModel(run, options.steps);
    session = new TrainingSession(model, corpus, options, run, form);
    yield* run?.points ?? [];
    await session.resume();
    if (run?.completed) return;
    while (!session.isFinished) {
      // Lets timers, signals and the notebook's messages through: before the first step too, which else would be in the
      // part of a cell that an interrupt cuts off in the middle of an operation.
      await new Promise(setImmediate);
      if (signal?.aborted) break;
      const point = await session.step();
      await session.record(point, signal?.aborted === true);
      yield point;
    }
    await session.saveRest();
  } finally {
    session?.close();
    await run?.close();
  }
}

/** What follows the last checkpoint is not saved: without that of the last step there is no trained model. */
function withoutModel({ folder, checkpointStep }: RunStore<TrainingPoint>, steps: number): RunFolderError {
  return new RunFolderError(
    `train: a complete run must have its checkpoint of step ${steps}, got ` +
      `${checkpointStep === undefined ? 'none' : `that of step ${checkpointStep}`} in ${folder}. ` +
      'Put it back, or delete completed.json: the run then trains on, or starts again.',
  );
}

/** The full description of a run, as its config.json keeps it. */
function runConfig(model: ModelConfig, corpus: Corpus, options: TrainingOptions): RunConfig {
  const { seeds, ...training } = options;
  const backend = currentBackend();
  if (!backend)
    throw new Error('train: TensorFlow must be started, got no backend. Call startTensorFlow first.');
  const { name, version, threads } = backend;
  return {
    model,
    training,
    seeds,
    data: { name: corpus.name, sha256: corpus.hash },
    backend: { name, version, threads },
    versions: installedVersions(),
  };
}
