/** The learning rate of an arm, read off a curve over rates in steps of √2 with several seeds each. */
import { fitRateCurve, ifDetermined, type RateCurve, type RateLoss } from '@bitnet-notebooks/lib';
import { seedOf } from './by-seed.js';
import { meanLoss, type FinishedRun } from './finished-run.js';
import { runId, type RunSpec } from './run-spec.js';

/** Where a search begins. */
export interface RateGrid {
  /** Lowest peak rate; the others are √2 times the one before. */
  lowest: number;
  /** Rates at first, at least four. */
  count: number;
  /** Seeds that every rate is tried with; none of them a seed of reported runs. */
  seeds: readonly number[];
  /** Rates added beyond the grid at most. */
  extensions: number;
}

/** The tuning runs of one arm, as far as they can be known, and what they found. */
export interface RateSearch {
  /** All tuning runs so far, finished ones included. */
  runs: RunSpec[];
  /** The curve; undefined while a run is missing, and where fewer than three rates did not diverge. */
  curve?: RateCurve;
  /** The curve's lowest point to three digits, so that it is the same number everywhere. */
  best?: number;
}

/**
 * Tries every rate with every seed and, while fewer than two rates lie on either side of the curve's lowest point, one more rate
 * on that side. The loss is validation's: the test part is not looked at.
 * @param runAt the tuning run at a rate and seed, of full length or shown to transfer to it
 */
export function searchRate(
  { lowest, count, seeds, extensions }: RateGrid,
  runAt: (peak: number, seed: number) => RunSpec,
  finished: readonly FinishedRun[],
): RateSearch {
  const byId = new Map(finished.map((run) => [run.id, run]));
  let [low, high] = [0, count - 1];
  for (let added = 0; ; added++) {
    const rates = Array.from({ length: high - low + 1 }, (_, i) => rateAt(lowest, low + i));
    const runs = rates.flatMap((rate) => seeds.map((seed) => runAt(rate, seed)));
    const found = runs.map((run) => byId.get(runId(run)));
    if (found.includes(undefined)) return { runs };
    const curve = curveThrough((found as FinishedRun[]).map(tuningLoss));
    // Where most rates diverged, lower ones may not.
    const missing = curve ? curve.missing : 'lower';
    if (missing === undefined || added === extensions) {
      return { runs, ...(curve && { curve, best: writtenRate(curve.best) }) };
    }
    if (missing === 'lower') low--;
    else high++;
  }
}

/** A rate to a few digits, so that it reads well and is the same number everywhere. */
export function writtenRate(rate: number, digits = 3): number {
  return Number(rate.toPrecision(digits));
}

/** A tuning run's loss, on validation text. */
export function tuningLoss(run: FinishedRun): RateLoss {
  return { rate: run.training.schedule.peak, seed: seedOf(run), loss: meanLoss(run) };
}

function rateAt(lowest: number, halfOctaves: number): number {
  return writtenRate(lowest * 2 ** (halfOctaves / 2));
}

/** The curve through tuning losses; undefined where those that did not diverge are too few to determine one. */
export function curveThrough(losses: readonly RateLoss[]): RateCurve | undefined {
  return ifDetermined(() => fitRateCurve(losses));
}
