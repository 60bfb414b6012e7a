/** What the pilot's runs come to, size by size. */
import { halfWidth, mean, PooledArms, type Contrast } from '@bitnet-notebooks/lib';
import { bySeed, commonSeeds, seedOf } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';

/** One candidate size. */
export interface PilotResult {
  candidate: string;
  parameters: number;
  steps: number;
  /** Mean seconds of a run. */
  seconds: number;
  /** Standard deviation of a run around its arm and seed, nats, pooled over both arms. */
  deviation: number;
  degrees: number;
  /** b1.58 − full precision, nats a token; rates are not tuned, so it is no finding. */
  difference: Contrast;
}

/** Candidates whose arms share two seeds or more, in the order of the runs; a run that diverged counts for nothing. */
export function pilotResults(finished: readonly FinishedRun[]): PilotResult[] {
  const names = [...new Set(finished.map(({ arm }) => candidateOf(arm)))];
  return names.flatMap((candidate) => {
    const runs = finished.filter((run) => candidateOf(run.arm) === candidate && lossOf(run) < Infinity);
    const arms = [`${candidate}/b1.58`, `${candidate}/full-precision`];
    const bySeeds = arms.map((arm) => bySeed(runs.filter((run) => run.arm === arm)));
    if (commonSeeds(bySeeds).length < 2) return [];
    const pooled = new PooledArms(
      runs.map((run) => ({ arm: run.arm, seed: seedOf(run), loss: lossOf(run) })),
    );
    return {
      candidate,
      parameters: runs[0].parameters,
      steps: runs[0].training.steps,
      seconds: mean(runs.map(({ seconds }) => seconds)),
      deviation: pooled.deviation,
      degrees: pooled.degrees,
      difference: pooled.contrast(arms[0], arms[1]),
    };
  });
}

/**
 * Seeds of each of two arms that make half of a 95 % interval as narrow as wanted. The variance is taken as known about as well as
 * an experiment of many arms knows it.
 * @param wanted nats
 */
export function seedsFor(deviation: number, wanted: number): number {
  const ofOne = halfWidth({ standardError: deviation * Math.SQRT2, degrees: 100 });
  return Math.max(2, Math.ceil((ofOne / wanted) ** 2));
}

function candidateOf(arm: string): string {
  return arm.slice(0, arm.lastIndexOf('/'));
}

/** Names of the runs that diverged: they stand in no row. */
export function divergedRuns(finished: readonly FinishedRun[]): string[] {
  return finished.filter((run) => lossOf(run) === Infinity).map(({ name }) => name);
}
