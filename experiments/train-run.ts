import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Corpus, Training, TrainingPoint } from '@bitnet-notebooks/lib';
import type { RunSpec } from './run-spec.js';

/** What a finished run comes to. */
export interface RunResult {
  /** Mean loss over the whole validation text at the end, nats per token. */
  validationLoss: number;
  /** Tokens of the validation text that it was taken over. */
  validationTokens: number;
  parameters: number;
  /** The evaluated points. `trainLoss` is the mean since the point before. */
  curve: { step: number; trainLoss: number; validationLoss: number; seconds: number }[];
  /** Seconds of training and evaluation. */
  seconds: number;
}

/** Name of the file beside a run's metrics that holds its result. */
const RESULT_FILE = 'result.json';

/**
 * Trains one run in its folder, or goes on with it, and evaluates the trained model on all of the validation text.
 * A finished run is read back.
 * @param onPoint sees every point, for progress
 */
export async function trainRun(
  training: Training,
  corpus: Corpus,
  spec: RunSpec,
  folder: string,
  { signal, onPoint }: { signal?: AbortSignal; onPoint?: (point: TrainingPoint) => void } = {},
): Promise<RunResult | undefined> {
  const resultPath = join(folder, RESULT_FILE);
  const found = await readFile(resultPath, 'utf8').catch(() => undefined);
  if (found !== undefined) return JSON.parse(found) as RunResult;

  const model = training.createModel(spec.model, spec.training.seeds.weights);
  try {
    const curve: RunResult['curve'] = [];
    let sum = 0;
    let count = 0;
    let last: TrainingPoint | undefined;
    for await (const point of training.train(model, corpus, spec.training, { folder, signal })) {
      onPoint?.(point);
      last = point;
      sum += point.trainLoss;
      count++;
      if (point.validationLoss === undefined) continue;
      const { step, validationLoss, seconds } = point;
      curve.push({ step, trainLoss: sum / count, validationLoss, seconds });
      sum = 0;
      count = 0;
    }
    if (last?.step !== spec.training.steps) return undefined;
    const { context } = spec.training;
    const windows = Math.floor((corpus.validationTokens - 1) / context);
    const result: RunResult = {
      validationLoss: model.evaluate(corpus, windows, context),
      validationTokens: windows * context,
      parameters: model.parameterCount,
      curve,
      seconds: last.seconds,
    };
    await writeFile(`${resultPath}.partial`, `${JSON.stringify(result, undefined, 2)}\n`, { flush: true });
    await rename(`${resultPath}.partial`, resultPath);
    return result;
  } finally {
    model.dispose();
  }
}
