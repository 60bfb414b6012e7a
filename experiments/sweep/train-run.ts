import {
  DivergedError,
  installedVersions,
  type Corpus,
  type TrainableModel,
  type Training,
  type TrainingPoint,
} from '@bitnet-notebooks/lib';
import { currentCommit } from './commit.js';
import { evaluateTrained } from './evaluations/evaluations.js';
import { wholeText } from './evaluations/whole-text.js';
import type { RunSpec } from './run-spec.js';
import type { CurvePoint, RunResult } from './finished-run.js';
import { readResult, writeResult } from './result-file.js';

export interface TrainRunOptions {
  signal?: AbortSignal;
  onPoint?: (point: TrainingPoint) => void;
  onRepair?: (whatWasDone: string) => void;
  /** Of training steps; `compiled` by default. The result does not depend on it. */
  form?: 'compiled' | 'eager';
}

/**
 * Trains one run in its folder, or goes on with it, and evaluates the trained model on all of the validation text.
 * A finished run is read back. A run that diverges ends with a result that says so.
 * @param onPoint sees every point, for progress
 * @param onRepair gets what was wrong with the folder, where a damaged one was put right
 * @returns undefined where the signal stopped it
 */
export async function trainRun(
  training: Training,
  corpus: Corpus,
  spec: RunSpec,
  folder: string,
  { signal, onPoint, onRepair, form }: TrainRunOptions = {},
): Promise<RunResult | undefined> {
  const found = await readResult(folder);
  if (found !== undefined) return found;

  const { name, version, threads } = training.backend;
  const model = training.createModel(spec.model, spec.training.seeds.weights);
  const curve = new LossCurve();
  let last: TrainingPoint | undefined;
  const shared = (): Omit<RunResult, 'validationLoss' | 'validationTokens'> => ({
    parameters: model.parameterCount,
    curve: curve.points,
    seconds: last?.seconds ?? 0,
    backend: { name, version, threads },
    versions: installedVersions(),
    commit: currentCommit(),
  });
  try {
    const options = { folder, signal, form, onRepair: (note: string) => onRepair?.(note) };
    for await (const point of training.train(model, corpus, spec.training, options)) {
      onPoint?.(point);
      last = point;
      curve.add(point);
    }
    if (last?.step !== spec.training.steps) return undefined;
    const losses = finalLosses(model, corpus, spec);
    const result: RunResult = {
      ...losses,
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

/** @throws DivergedError where the loss over all windows is not finite, though that over a curve's few was */
function finalLosses(
  model: TrainableModel,
  corpus: Corpus,
  { training: { context, steps }, finalWindows, testWindows }: RunSpec,
): Pick<RunResult, 'validationLoss' | 'lossByKind' | 'validationTokens' | 'test'> {
  const windows = finalWindows ?? wholeText(corpus.validationTokens, context);
  const { loss, lossByKind } = model.losses(corpus, 'validation', windows, context);
  if (!Number.isFinite(loss)) {
    const found = `got ${loss} over all ${windows} windows`;
    throw new DivergedError(
      steps,
      `train run: validation loss must be finite, ${found} after step ${steps}. Try a lower learning rate.`,
    );
  }
  const validation = {
    validationLoss: loss,
    ...(lossByKind && { lossByKind }),
    validationTokens: windows * context,
  };
  if (testWindows === undefined) return validation;
  const count = testWindows === 'all' ? wholeText(corpus.testTokens, context) : testWindows;
  return {
    ...validation,
    test: {
      ...model.losses(corpus, 'test', count, context),
      tokens: count * context,
      ...(corpus.bytesPerToken && { bytesPerToken: corpus.bytesPerToken.test }),
    },
  };
}

/** A point for each evaluation of a run, with the mean of the training losses since the one before. */
class LossCurve {
  readonly points: CurvePoint[] = [];
  #sum = 0;
  #count = 0;

  add({ step, trainLoss, validationLoss, gradientNorm, diagnostics, seconds }: TrainingPoint): void {
    this.#sum += trainLoss;
    this.#count++;
    if (validationLoss === undefined) return;
    this.points.push({
      step,
      trainLoss: this.#sum / this.#count,
      validationLoss,
      gradientNorm,
      ...(diagnostics && { diagnostics }),
      seconds,
    });
    this.#sum = 0;
    this.#count = 0;
  }
}
