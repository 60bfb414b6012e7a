import {
  DivergedError,
  installedVersions,
  type Corpus,
  type Training,
  type TrainingPoint,
} from '@bitnet-notebooks/lib';
import { currentCommit } from './commit.js';
import { evaluateTrained } from './evaluations/evaluations.js';
import type { RunSpec } from './run-spec.js';
import type { CurvePoint, RunResult } from './finished-run.js';
import { readResult, writeResult } from './result-file.js';

/** Validation windows at the end of a run on an endless language; a text is taken whole. */
const ENDLESS_WINDOWS = 4096;

export interface TrainRunOptions {
  signal?: AbortSignal;
  onPoint?: (point: TrainingPoint) => void;
  onRepair?: (whatWasDone: string) => void;
}

/**
 * Trains one run in its folder, or goes on with it, and evaluates the trained model on all of the validation text.
 * A finished run is read back. A run that diverges ends with a result that says so.
 * @param onPoint sees every point, for progress
 * @param onRepair hears what was wrong with the folder, where a damaged one was put right
 * @returns undefined where the signal stopped it
 */
export async function trainRun(
  training: Training,
  corpus: Corpus,
  spec: RunSpec,
  folder: string,
  { signal, onPoint, onRepair }: TrainRunOptions = {},
): Promise<RunResult | undefined> {
  const found = await readResult(folder);
  if (found !== undefined) return found;

  const { name, version, threads } = training.backend;
  const model = training.createModel(spec.model, spec.training.seeds.weights);
  const curve: CurvePoint[] = [];
  let last: TrainingPoint | undefined;
  const shared = (): Omit<RunResult, 'validationLoss' | 'validationTokens'> => ({
    parameters: model.parameterCount,
    curve,
    seconds: last?.seconds ?? 0,
    backend: { name, version, threads },
    versions: installedVersions(),
    commit: currentCommit(),
  });
  try {
    let sum = 0;
    let count = 0;
    for await (const point of training.train(model, corpus, spec.training, {
      folder,
      signal,
      onRepair: (note) => onRepair?.(note),
    })) {
      onPoint?.(point);
      last = point;
      sum += point.trainLoss;
      count++;
      if (point.validationLoss === undefined) continue;
      const { step, validationLoss, gradientNorm, diagnostics, seconds } = point;
      const trainLoss = sum / count;
      curve.push({
        step,
        trainLoss,
        validationLoss,
        gradientNorm,
        ...(diagnostics && { diagnostics }),
        seconds,
      });
      sum = 0;
      count = 0;
    }
    if (last?.step !== spec.training.steps) return undefined;
    const { context } = spec.training;
    const all = Math.floor((corpus.validationTokens - 1) / context);
    const windows = spec.finalWindows ?? (Number.isFinite(all) ? all : ENDLESS_WINDOWS);
    const losses = model.losses(corpus, windows, context);
    if (!Number.isFinite(losses.validationLoss)) {
      const found = `got ${losses.validationLoss} over all ${windows} windows`;
      throw new DivergedError(
        last.step,
        `train run: validation loss must be finite, ${found} after step ${last.step}. Try a lower learning rate.`,
      );
    }
    const result: RunResult = {
      ...losses,
      validationTokens: windows * context,
      ...shared(),
      ...(spec.evaluations?.length && { measured: await evaluateTrained(spec, model, corpus) }),
    };
    await writeResult(folder, result);
    return result;
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    const diverged = { step: error.step, message: error.message };
    const result: RunResult = { validationLoss: null, validationTokens: 0, ...shared(), diverged };
    await writeResult(folder, result);
    return result;
  } finally {
    model.dispose();
  }
}
