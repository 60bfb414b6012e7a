/** How the arms are trained: the very same for all but the schedule. */
import type { ScheduleOptions, TrainingOptions } from '@bitnet-notebooks/lib';
import type { Arm, ScheduleKind } from './arms.js';

/** The schedule of an arm. Stage two begins halfway, at a third of the peak (Training Tips, section 1). */
function scheduleOf(kind: ScheduleKind, dropsDecay: boolean, peak: number, steps: number): ScheduleOptions {
  const half = Math.floor(steps / 2);
  const shared = {
    peak,
    warmupSteps: Math.min(50, Math.floor(steps / 10)),
    totalSteps: steps,
    weightDecay: 0.1,
    weightDecayUntil: dropsDecay ? half : steps,
  };
  return kind === 'cosine'
    ? { kind: 'cosine', minimum: 0, ...shared }
    : { kind: 'two-stage-cosine', secondPeak: peak / 3, dropStep: half, ...shared };
}

/**
 * Batches of 12 windows of 64 characters.
 * @param peak highest learning rate
 * @param seed of the first weights and of the order of the data
 */
export function ablationTraining(
  arm: Pick<Arm, 'schedule' | 'dropsDecay'>,
  peak: number,
  steps: number,
  seed: number,
  isFinal: boolean,
): TrainingOptions {
  return {
    steps,
    batch: 12,
    context: 64,
    schedule: scheduleOf(arm.schedule, arm.dropsDecay, peak, steps),
    evaluateEvery: Math.max(6, Math.ceil(steps / (isFinal ? 20 : 5))),
    validationWindows: 64,
    ...(isFinal && { diagnostics: true }),
    seeds: { weights: seed, batches: seed },
  };
}
