/** What the finished runs of the first experiment come to. */
import type { CurvePoint, FinishedRun } from '../sweep/finished-run.js';

/**
 * Validation loss of the README that this project grew from, nats per character: 3.7 M parameters after 43,500 steps.
 */
export const FIRST_README = 2.54;

/** Loss of nanoGPT's configuration for a CPU in full precision, by its README, nats per character: A's shape and steps. */
export const NANO_GPT = 1.88;

/** The first point of a run's curve below {@link FIRST_README}. */
export function passed({ curve }: FinishedRun): CurvePoint | undefined {
  return curve.find((point) => point.validationLoss < FIRST_README);
}
