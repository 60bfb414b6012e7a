import { runId, type RunSpec } from './run-spec.js';
import { writtenRate } from './rate-search.js';
import { meanLoss, type FinishedRun } from './finished-run.js';

/** The tuning runs of one arm, as far as they can be known, and what they found. */
export interface TunedRate {
  /** All tuning runs so far, finished ones included. */
  runs: RunSpec[];
  /** The learning rate with the lowest loss; undefined while a run is missing or where every rate diverged. */
  best?: number;
  /** The best rate still lies at the edge of the rates that were tried. */
  atEdge: boolean;
}

/**
 * Tunes a learning rate: tries each rate of a grid and, while the best lies at an edge of what was tried, one more rate
 * beyond that edge, in the grid's ratio.
 * @param grid peak learning rates, ascending, at least two
 * @param runAt the tuning run at a rate
 * @param extensions rates added beyond the grid at most
 */
export function tuneRate(
  grid: readonly number[],
  runAt: (peak: number) => RunSpec,
  finished: readonly FinishedRun[],
  extensions = 3,
): TunedRate {
  const losses = new Map(finished.map((run) => [run.id, meanLoss(run)]));
  const rates = [...grid];
  for (let added = 0; ; added++) {
    const tried = rates.map((rate) => ({ rate, run: runAt(rate) }));
    const runs = tried.map(({ run }) => run);
    const found = tried.map(({ run }) => losses.get(runId(run)));
    if (found.includes(undefined)) return { runs, atEdge: false };
    const lowest = Math.min(...(found as number[]));
    // Where every rate diverged, a lower one may not.
    const best = lowest === Infinity ? 0 : found.indexOf(lowest);
    const atEdge = best === 0 || best === rates.length - 1;
    if (!atEdge || added === extensions) {
      return { runs, ...(lowest < Infinity && { best: rates[best] }), atEdge };
    }
    if (best === 0) rates.unshift(beyond(rates[0], rates[1]));
    else rates.push(beyond(rates[best], rates[best - 1]));
  }
}

/** The next rate outward, to two digits. */
function beyond(edge: number, inner: number): number {
  return writtenRate((edge * edge) / inner, 2);
}
