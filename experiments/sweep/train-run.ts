import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DivergedError,
  installedVersions,
  readRunConfig,
  repairRun,
  type Corpus,
  type Training,
  type TrainingPoint,
} from '@bitnet-notebooks/lib';
import { currentCommit } from './commit.js';
import { evaluateTrained } from './evaluations/evaluations.js';
import type { RunSpec } from './run-spec.js';
import type { CurvePoint, RunResult } from './finished-run.js';

/** Name of the file beside a run's metrics that holds its result. */
const RESULT_FILE = 'result.json';

/** Validation windows at the end of a run on an endless language; a text is taken whole. */
const ENDLESS_WINDOWS = 4096;

/**
 * The result of a run that has ended; undefined where it has not. Early results have their versions in config.json alone.
 */
export async function readResult(folder: string): Promise<RunResult | undefined> {
  const path = join(folder, RESULT_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  let result: RunResult;
  try {
    result = JSON.parse(text) as RunResult;
  } catch (error) {
    throw new Error(
      `read result: the file must hold JSON, got ${text.length} characters that do not parse in ${path}. ` +
        'Delete it: the run is then evaluated again from its checkpoint.',
      { cause: error },
    );
  }
  const isEarly = result.versions === undefined && existsSync(join(folder, 'config.json'));
  return isEarly ? { ...result, versions: (await readRunConfig(folder)).versions } : result;
}

/** Puts a result beside a run's metrics, whole or not at all. */
export async function writeResult(folder: string, result: RunResult): Promise<void> {
  const path = join(folder, RESULT_FILE);
  await writeFile(`${path}.partial`, `${JSON.stringify(result, undefined, 2)}\n`, { flush: true });
  await rename(`${path}.partial`, path);
}

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

  const repaired = await repairRun(folder);
  if (repaired !== undefined) onRepair?.(repaired);
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
    for await (const point of training.train(model, corpus, spec.training, { folder, signal })) {
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
