/** The learning rate of each arm, read off the curve of its tuning runs, and how well it is known. */
import type { RateCurve, RateLoss } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { curveThrough, tuningLoss, writtenRate } from '../sweep/rate-search.js';

/** Octaves within which a run counts as one at the best rate: that is written to three digits. */
const SAME_RATE = 0.01;

/** The tuning runs of an arm, as losses on validation text. */
export function tuningLosses(arm: string, finished: readonly FinishedRun[]): RateLoss[] {
  return finished.filter((run) => run.arm === arm && run.role === 'tune').map(tuningLoss);
}

/** The curve through an arm's tuning runs; undefined where too few have ended without diverging. */
export function tunedCurve(arm: string, finished: readonly FinishedRun[]): RateCurve | undefined {
  return curveThrough(tuningLosses(arm, finished));
}

/** The peak rate that an arm's reported runs have: the lowest point of its curve, to three digits. */
export function tunedRate(arm: string, finished: readonly FinishedRun[]): number | undefined {
  const curve = tunedCurve(arm, finished);
  return curve && writtenRate(curve.best);
}

/** True where the lowest point of the arm's curve has two rates on either side. */
export function isInsideGrid(arm: string, finished: readonly FinishedRun[]): boolean {
  const curve = tunedCurve(arm, finished);
  return curve !== undefined && curve.isInside && curve.missing === undefined;
}

/** True where the arm diverged at every rate that it was tried at: it then has no reported runs. */
export function divergedEverywhere(arm: string, finished: readonly FinishedRun[]): boolean {
  const tuning = tuningLosses(arm, finished);
  return tuning.length > 0 && tuning.every(({ loss }) => loss === Infinity);
}

/** Whether two rates are the same but for their last digit. */
export function isSameRate(one: number, other: number): boolean {
  return Math.abs(Math.log2(one / other)) < SAME_RATE;
}

/** Highest learning rate of a run. */
export function peakOf({ training }: FinishedRun): number {
  return training.schedule.peak;
}
