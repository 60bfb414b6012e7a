/** The training loop: an async iterator of points that stops on a signal and can go on in a run folder. */
import type { ModelTensor } from '../checkpoint/model-folder.js';
import type { ModelConfig } from '../config.js';
import type { Corpus } from '../corpora/corpus.js';
import { currentBackend, noteEagerSteps } from '../backend/tensorflow.js';
import { BitLM } from '../model/bitlm.js';
import type { AdamWState } from './adamw.js';
import { BatchWorkers } from './parallel/batch-workers.js';
import { checkTrainingOptions } from './check-options.js';
import { diagnose, weightCodes } from './diagnostics.js';
import type { RunStore } from '../runs/memory-run.js';
import { installedVersions, openRun, RunFolderError, type RunConfig } from '../runs/run-folder.js';
import { schedule } from './schedule.js';
import { evaluate } from './evaluate.js';
import { TrainingSteps } from './steps.js';
import {
  DivergedError,
  type RunOptions,
  type TrainableModel,
  type TrainingOptions,
  type TrainingPoint,
} from './types.js';

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
  let steps: TrainingSteps | undefined;
  let workers: BatchWorkers | undefined;
  try {
    if (run?.completed && (run.checkpointStep ?? 0) < options.steps) throw withoutModel(run, options.steps);
    steps = new TrainingSteps(model, {
      sequences: options.batch,
      steps: options.steps - (run?.checkpointStep ?? 0),
      clipNorm: options.clipNorm ?? 1,
      betas: options.betas,
      form,
      onEager: noteEagerSteps,
    });
    let seconds = 0;
    let done = 0;
    if (run) {
      yield* run.points;
      if (run.checkpointStep !== undefined) {
        await restore(run, model, steps);
        done = run.checkpointStep;
        seconds = run.points.at(-1)?.seconds ?? 0;
      }
      // Killed between the last checkpoint and the mark, or between the two halves of being given more steps.
      if (done >= options.steps && !run.completed) await run.complete();
      if (run.completed) return;
    }
    const windows = corpus.validationWindows(options.validationWindows, options.context);
    const rates = schedule(options.schedule);
    const saveEvery = options.checkpointEvery ?? options.evaluateEvery;
    const first = done;
    while (done < options.steps) {
      // Lets timers, signals and the notebook's messages through: before the first step too, which else would be in the
      // part of a cell that an interrupt cuts off in the middle of an operation.
      await new Promise(setImmediate);
      if (signal?.aborted) break;
      if (done === first) workers = await BatchWorkers.open(model, options.batch);
      const { learningRate, weightDecay } = rates(done);
      model.drawFrom(options.seeds.weights, done);
      const last = done + 1 === options.steps;
      const evaluated = last || (done + 1) % options.evaluateEvery === 0;
      const codes = evaluated && options.diagnostics ? weightCodes(model) : undefined;
      const started = performance.now();
      const batch = corpus.sampleBatch(done, options.seeds.batches, options.batch, options.context);
      const { loss, gradientNorm } = workers
        ? steps.update(await workers.lossAndGradients(batch, options.batch), { learningRate, weightDecay })
        : steps.step(batch, { learningRate, weightDecay });
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
        const isSound = hasFiniteWeights(model);
        if (run && isSound && done > (run.checkpointStep ?? -1)) await save(run, model, steps, corpus, done);
        const ruined = isSound ? '' : ', and that update ruined it: not all weights are finite';
        throw new DivergedError(
          done + 1,
          `train: loss and gradient must be finite, got loss ${loss} and gradient norm ${gradientNorm} at step ` +
            `${done + 1}. The model is as after step ${done}${ruined}. ${advice(model, learningRate)}`,
        );
      }
      done++;
      const trained = performance.now();
      const validationLoss = evaluated ? evaluate(model, windows, options.context) : undefined;
      if (validationLoss !== undefined && !Number.isFinite(validationLoss)) {
        // No checkpoint: the update that ruined the model has been made. The one before stays.
        throw new DivergedError(
          done,
          `train: validation loss must be finite, got ${validationLoss} after step ${done}. ` +
            `${advice(model, learningRate)}`,
        );
      }
      const point: TrainingPoint = {
        step: done,
        trainLoss: loss,
        ...(validationLoss !== undefined && { validationLoss }),
        ...(codes && { diagnostics: diagnose(model, codes, windows, options.context) }),
        learningRate,
        weightDecay,
        gradientNorm,
        tokensPerSecond: (options.batch * options.context * 1000) / (trained - started),
        seconds: (seconds += (performance.now() - started) / 1000),
      };
      if (run) {
        await run.append(point);
        if (last || done % saveEvery === 0 || signal?.aborted) await save(run, model, steps, corpus, done);
        if (last) await run.complete();
      }
      yield point;
    }
    if (run && !run.completed && done > (run.checkpointStep ?? 0))
      await save(run, model, steps, corpus, done);
  } finally {
    steps?.close();
    try {
      await workers?.close();
    } finally {
      await run?.close();
    }
  }
}

/** What follows the last checkpoint is not saved: without that of the last step there is no trained model. */
function withoutModel({ folder, checkpointStep }: RunStore<TrainingPoint>, steps: number): RunFolderError {
  return new RunFolderError(
    `train: a complete run must have its checkpoint of step ${steps}, got ` +
      `${checkpointStep === undefined ? 'none' : `that of step ${checkpointStep}`} in ${folder}. ` +
      'Put it back, or delete completed.json: the run is then trained on, or anew.',
  );
}

function advice({ own }: BitLM, learningRate: number): string {
  const ownPart =
    own.weights || own.activations ? ', and look for values in your quantizer that are not finite' : '';
  return `Try a lower learning rate (now ${learningRate})${ownPart}.`;
}

/** The full description of a run, as its config.json keeps it. */
export function runConfig(model: ModelConfig, corpus: Corpus, options: TrainingOptions): RunConfig {
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

function hasFiniteWeights(model: BitLM): boolean {
  return model.tensors().every(({ data }) => data.every((value) => Number.isFinite(value)));
}

async function save(
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

async function restore(run: RunStore<TrainingPoint>, model: BitLM, steps: TrainingSteps): Promise<void> {
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
