/** Runs that share their seeds share their first weights and their data: arms are compared seed by seed. */
import type { FinishedRun } from './run-spec.js';

/** Runs of one arm by the seed of their first weights. */
export function bySeed(runs: readonly FinishedRun[]): Map<number, FinishedRun> {
  return new Map(runs.map((run) => [run.training.seeds.weights, run]));
}

/** Seeds that are in all of them, ascending. */
export function commonSeeds(arms: readonly ReadonlyMap<number, unknown>[]): number[] {
  const [first, ...others] = arms;
  return [...first.keys()].filter((seed) => others.every((arm) => arm.has(seed))).sort((a, b) => a - b);
}
