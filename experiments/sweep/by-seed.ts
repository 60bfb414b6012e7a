/** Runs that share a seed start from the same draw and see the same data: arms are compared seed by seed. */
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
