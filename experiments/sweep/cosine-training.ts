/** How the experiments over sizes train: AdamW, a short warm-up, and a cosine that ends at 0. */
import type { TrainingOptions } from '@bitnet-notebooks/lib';

/** What a sweep has in common. */
export interface CosineSweep {
  batch: number;
  context: number;
  weightDecay: number;
}

/** What a run of it has of its own. */
export interface CosineRun {
  /** Highest learning rate. */
  peak: number;
  steps: number;
  /** Of the first weights and of the order of the data. */
  seed: number;
  /** Points of the loss curve, and the windows that each is taken over. */
  curvePoints: number;
  curveWindows: number;
}

/** The rate falls to 0, so that the last loss is not that of a model still shaken by its updates. */
export function cosineTraining(
  { batch, context, weightDecay }: CosineSweep,
  { peak, steps, seed, curvePoints, curveWindows }: CosineRun,
): TrainingOptions {
  const warmupSteps = Math.min(60, Math.floor(steps / 10));
  return {
    steps,
    batch,
    context,
    schedule: { kind: 'cosine', peak, minimum: 0, warmupSteps, totalSteps: steps, weightDecay },
    clipNorm: 1,
    betas: [0.9, 0.98],
    evaluateEvery: Math.ceil(steps / curvePoints),
    validationWindows: curveWindows,
    seeds: { weights: seed, batches: seed },
  };
}
