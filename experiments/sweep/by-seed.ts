/** Runs that share a seed start from the same draw and see the same data: arms are compared seed by seed. */
import { pairedDifference, type Estimate } from '@bitnet-notebooks/lib';
import type { FinishedRun } from './finished-run.js';

/** The seed that a run shares with those of other arms. */
export function seedOf({ training }: FinishedRun): number {
  return training.seeds.weights;
}

/** Runs of one arm by their seed. */
export function bySeed(runs: readonly FinishedRun[]): Map<number, FinishedRun> {
  return new Map(runs.map((run) => [seedOf(run), run]));
}

/** Seeds that are in all of them, ascending. */
export function commonSeeds(arms: readonly ReadonlyMap<number, unknown>[]): number[] {
  const [first, ...others] = arms;
  return [...first.keys()].filter((seed) => others.every((arm) => arm.has(seed))).sort((a, b) => a - b);
}

/** Losses of one arm minus those of another, over the seeds that both have; undefined where they share none. */
export function differenceBySeed(
  one: ReadonlyMap<number, number>,
  other: ReadonlyMap<number, number>,
): Estimate | undefined {
  const seeds = commonSeeds([one, other]);
  if (seeds.length === 0) return undefined;
  return pairedDifference(
    seeds.map((seed) => one.get(seed)!),
    seeds.map((seed) => other.get(seed)!),
  );
}
