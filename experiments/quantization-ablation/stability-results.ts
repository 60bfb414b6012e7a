/** What the stability runs show: the rates that each arm bears, and whether rates tuned at half length carry over. */
import { mean, meanInterval, type Estimate, type RateCurve } from '@bitnet-notebooks/lib';
import { peakOf, tunedRate } from './rates.js';
import { STABILITY_ARMS, STABILITY_RATES, stabilityName } from './stability.js';
import { commonSeeds, seedOf } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';
import { curveThrough } from '../sweep/rate-search.js';
import { requireOneVersion } from '../sweep/versions.js';

/** Nats above the arm's lowest mean loss within which a rate counts as borne. */
const BORNE = 0.1;

/** Rates below which there is nothing to show. */
const LEAST_RATES = 3;

/** One arm over all rates. */
export interface StabilityResult {
  /** Its name in `ARMS`. */
  arm: string;
  /** Ascending. */
  rates: number[];
  /** Loss of each seed at each rate, nats a character; Infinity where it diverged, NaN where the run is missing. */
  losses: ReadonlyMap<number, number[]>;
  /** The lowest mean over the seeds of all rates, nats. */
  lowest: number;
  /** The largest rate that each seed bears, interpolated in log rate; of seeds whose runs reach beyond it. */
  largest: ReadonlyMap<number, number>;
  /** A seed bears the largest rate of the design: the true one may be larger. */
  isBeyond: boolean;
  /** Runs that diverged. */
  diverged: number;
  /** The rate tuned at half length, the best at full length, and what the difference costs; absent without tuning runs. */
  transfer?: { tuned: number; curve: RateCurve; cost: number };
}

/** Every arm with runs at {@link LEAST_RATES} rates or more. */
export function stabilityResults(finished: readonly FinishedRun[]): StabilityResult[] {
  return STABILITY_ARMS.flatMap((arm) => stabilityOf(arm, finished) ?? []);
}

function stabilityOf(arm: string, finished: readonly FinishedRun[]): StabilityResult | undefined {
  const runs = finished.filter((run) => run.arm === stabilityName(arm));
  requireOneVersion(`average ${stabilityName(arm)}`, runs);
  const rates = [...new Set(runs.map(peakOf))].sort((a, b) => a - b);
  if (rates.length < LEAST_RATES) return undefined;
  const seeds = [...new Set(runs.map(seedOf))].sort((a, b) => a - b);
  const at = (rate: number, seed: number): number => {
    const run = runs.find((one) => peakOf(one) === rate && seedOf(one) === seed);
    return run ? lossOf(run) : NaN;
  };
  const losses = new Map(seeds.map((seed) => [seed, rates.map((rate) => at(rate, seed))]));
  const means = rates.map((_, i) => mean([...losses.values()].map((own) => own[i]).filter(isKnown)));
  const lowest = Math.min(...means);
  const borne = new Map(
    [...losses].flatMap(([seed, own]) => {
      const largest = largestBorne(rates, own, lowest + BORNE);
      return largest === undefined ? [] : [[seed, largest] as const];
    }),
  );
  return {
    arm,
    rates,
    losses,
    lowest,
    largest: borne,
    isBeyond: [...borne.values()].includes(STABILITY_RATES.at(-1)!),
    diverged: runs.filter((run) => lossOf(run) === Infinity).length,
    ...transferOf(arm, runs, finished),
  };
}

const isKnown = (loss: number): boolean => !Number.isNaN(loss);

/**
 * Where a seed's losses cross `bound` for the last time; undefined where none lies below it, and where the runs that would show
 * the crossing are missing.
 */
function largestBorne(
  rates: readonly number[],
  losses: readonly number[],
  bound: number,
): number | undefined {
  const last = losses.findLastIndex((loss) => loss <= bound);
  if (last === -1) return undefined;
  const [below, above] = [losses[last], losses[last + 1]];
  if (rates[last] === STABILITY_RATES.at(-1)) return rates[last];
  if (above === undefined || Number.isNaN(above)) return undefined;
  // Nothing can be interpolated towards a run that diverged: the last rate that did not is what is known.
  if (above === Infinity) return rates[last];
  return rates[last] * (rates[last + 1] / rates[last]) ** ((bound - below) / (above - below));
}

/** The best rate at full length against the tuned one. */
function transferOf(
  arm: string,
  runs: readonly FinishedRun[],
  finished: readonly FinishedRun[],
): Pick<StabilityResult, 'transfer'> {
  const tuned = tunedRate(arm, finished);
  const curve = curveThrough(
    runs.map((run) => ({ rate: peakOf(run), seed: seedOf(run), loss: lossOf(run) })),
  );
  if (tuned === undefined || curve === undefined) return {};
  return { transfer: { tuned, curve, cost: curve.at(tuned) - curve.lowest } };
}

/**
 * By how many octaves one arm bears larger rates than another, over the seeds that both have; undefined where they share
 * none.
 */
export function octavesBorne(one: StabilityResult, other: StabilityResult): Estimate | undefined {
  const seeds = commonSeeds([one.largest, other.largest]);
  if (seeds.length === 0) return undefined;
  return meanInterval(seeds.map((seed) => Math.log2(one.largest.get(seed)! / other.largest.get(seed)!)));
}
