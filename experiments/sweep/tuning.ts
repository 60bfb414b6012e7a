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

/** A learning rate that was tuned at a width. */
export interface RateAtWidth {
  width: number;
  rate: number;
}

/**
 * The learning rate at a width between tuned ones: ln rate is linear in ln width, and beyond the tuned widths the
 * nearest one's rate stays. Two digits.
 * @param tuned ascending widths, at least one
 */
export function interpolateRate(tuned: readonly RateAtWidth[], width: number): number {
  if (tuned.length === 0) throw new Error('interpolate rate: there must be a tuned width, got none.');
  const above = tuned.findIndex((one) => one.width >= width);
  if (above === -1) return tuned[tuned.length - 1].rate;
  const high = tuned[above];
  if (above === 0 || high.width === width) return high.rate;
  const low = tuned[above - 1];
  const share = Math.log(width / low.width) / Math.log(high.width / low.width);
  return writtenRate(low.rate * (high.rate / low.rate) ** share, 2);
}
