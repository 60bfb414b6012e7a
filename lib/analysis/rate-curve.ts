/**
 * The best learning rate, read off a curve instead of off the luckiest run.
 *
 * Near its lowest point the loss is a parabola in log₂(rate): loss = lowest + k · (log₂ rate − log₂ best)². The curve says how
 * well the best rate is known, and what not knowing it costs: a rate that is off by δ octaves loses k · δ² nats, which
 * makes an arm look worse than it is. A comparison of two tuned arms takes the expected cost off each, and adds its
 * uncertainty (`atBestRate`).
 */
import type { Contrast } from './contrast.js';
import { leastSquares, quadraticForm, sumOfSquares, type LeastSquares } from './least-squares.js';
import { mean } from './statistics.js';
import { UndeterminedError } from './undetermined.js';

/** The loss of one tuning run. */
export interface RateLoss {
  /** Peak learning rate. */
  rate: number;
  seed: number;
  /** Infinity where the run diverged. */
  loss: number;
}

/** A fitted curve. */
export interface RateCurve {
  /** The rate at the curve's lowest point, kept within the rates that were tried. */
  best: number;
  /** The loss there, nats. */
  lowest: number;
  /** k, nats an octave². */
  curvature: number;
  /** Standard error of log₂ `best`, octaves; Infinity where the lowest point is no point of the curve. */
  octaves: number;
  /** Degrees of freedom that `octaves` was estimated with. */
  degrees: number;
  /** Seeds at each rate. */
  seeds: number;
  /** Expected loss from not knowing the best rate, nats: k · octaves². */
  cost: number;
  /** The curve bends upwards and its lowest point lies between rates that were tried. */
  isInside: boolean;
  /**
   * Where rates are missing: at least two should lie on either side of the lowest point, or the fit hangs on its edge.
   * Undefined where they do.
   */
  missing?: 'lower' | 'higher';
  /** Loss of the curve at a rate, nats; of the first seed's height. */
  at(rate: number): number;
  /** Rates that the curve was fitted to: those within reach of the lowest point. */
  fitted: number[];
}

/** Octaves to either side of the lowest mean that a parabola is fitted to; beyond, the curve of real losses is steeper. */
const REACH = 1.25;

/** Times that the fit moves its centre to the lowest point that it found. */
const RECENTRINGS = 5;

/**
 * Fits the curve.
 * @param runs tuning runs of one arm, at least four with finite losses at three rates; seeds shift the whole curve
 * @throws UndeterminedError for fewer
 */
export function fitRateCurve(runs: readonly RateLoss[]): RateCurve {
  const finite = runs.filter(({ loss }) => loss < Infinity);
  let center = lowestRate(finite);
  let curve = fitAround(center, finite);
  // The luckiest rate is a poor centre: the curve's own lowest point is better, and settles within a few rounds.
  for (let round = 0; round < RECENTRINGS && curve.isInside && curve.best !== center; round++) {
    center = curve.best;
    const next = within(center, finite);
    if (next.rates.join() === curve.fitted.join() || next.rates.length < 3 || next.runs.length < 4) break;
    curve = fitAround(center, finite);
  }
  const missing = missingSide(curve, finite);
  return { ...curve, ...(missing && { missing }) };
}

/** The parabola through the runs within reach of a rate. */
function fitAround(center: number, finite: readonly RateLoss[]): RateCurve {
  const { rates, runs } = within(center, finite);
  if (rates.length < 3 || runs.length < 4) {
    throw new UndeterminedError(
      `fitRateCurve: there must be at least four finite losses at three rates, got ${runs.length} at ${rates.length}.`,
    );
  }
  const middle = Math.log2(rates[Math.floor(rates.length / 2)]);
  const seeds = new Set(runs.map(({ seed }) => seed));
  const shifted = [...seeds].slice(1);
  const fit = leastSquares(
    runs.map(({ rate, seed }) => {
      const x = Math.log2(rate) - middle;
      return [1, x, x * x, ...shifted.map((one) => (one === seed ? 1 : 0))];
    }),
    runs.map(({ loss }) => loss),
  );
  const [low, high] = [Math.log2(rates[0]) - middle, Math.log2(rates.at(-1)!) - middle];
  const [height, slope, curvature] = fit.coefficients;
  const vertex = -slope / (2 * curvature);
  const isInside = curvature > 0 && low < vertex && vertex < high;
  const at = (rate: number): number => {
    const offset = Math.log2(rate) - middle;
    return height + slope * offset + curvature * offset * offset;
  };
  const edge = at(rates[0]) < at(rates.at(-1)!) ? rates[0] : rates.at(-1)!;
  const best = isInside ? 2 ** (vertex + middle) : edge;
  const octaves = isInside ? vertexError(fit) : Infinity;
  // A rate is never further off than the rates that were tried reach.
  const cost = Math.max(0, curvature) * Math.min(octaves, (high - low) / 2) ** 2;
  const { degrees } = fit;
  return {
    best,
    lowest: at(best),
    curvature,
    octaves,
    degrees,
    seeds: seeds.size,
    cost,
    isInside,
    at,
    fitted: rates,
  };
}

/** The side of the lowest point with fewer than two rates. */
function missingSide({ best }: RateCurve, finite: readonly RateLoss[]): RateCurve['missing'] {
  const rates = [...new Set(finite.map(({ rate }) => rate))];
  if (rates.filter((rate) => rate > best).length < 2) return 'higher';
  return rates.filter((rate) => rate < best).length < 2 ? 'lower' : undefined;
}

/** Standard error of −slope / (2 · curvature), by its gradient. */
function vertexError({ coefficients, unscaledCovariance, residuals, degrees }: LeastSquares): number {
  const [, slope, curvature] = coefficients;
  const gradient = coefficients.map(() => 0);
  gradient[1] = -1 / (2 * curvature);
  gradient[2] = slope / (2 * curvature * curvature);
  const variance = sumOfSquares(residuals) / Math.max(1, degrees);
  return Math.sqrt(variance * quadraticForm(gradient, unscaledCovariance));
}

/** The runs at rates within reach of one, at least four at the three nearest; and those rates in ascending order. */
function within(center: number, finite: readonly RateLoss[]): { runs: RateLoss[]; rates: number[] } {
  const octavesTo = (rate: number): number => Math.abs(Math.log2(rate / center));
  const nearest = [...new Set(finite.map(({ rate }) => rate))].sort((a, b) => octavesTo(a) - octavesTo(b));
  const runsAt = (some: readonly number[]): RateLoss[] => finite.filter(({ rate }) => some.includes(rate));
  const rates = nearest
    .filter((rate, i) => i < 3 || runsAt(nearest.slice(0, i)).length < 4 || octavesTo(rate) <= REACH)
    .sort((a, b) => a - b);
  return { runs: runsAt(rates), rates };
}

/** The rate with the lowest mean loss; NaN for no runs. */
function lowestRate(finite: readonly RateLoss[]): number {
  const losses = new Map<number, number[]>();
  for (const { rate, loss } of finite) losses.set(rate, [...(losses.get(rate) ?? []), loss]);
  const means = [...losses].map(([rate, values]) => ({ rate, value: mean(values) }));
  return means.reduce((best, one) => (one.value < best.value ? one : best), { rate: NaN, value: Infinity })
    .rate;
}

/**
 * By how many octaves one arm's best rate lies above another's. The standard errors of both curves add up (the delta method:
 * each is that of −slope / (2 · curvature)), with Welch and Satterthwaite's degrees of freedom.
 */
export function octavesBetween(own: RateCurve, reference: RateCurve): Contrast {
  const [a, b] = [own.octaves ** 2, reference.octaves ** 2];
  const degrees = (a + b) ** 2 / (a ** 2 / own.degrees + b ** 2 / reference.degrees);
  return {
    value: Math.log2(own.best / reference.best),
    standardError: Math.sqrt(a + b),
    degrees: Number.isFinite(degrees) ? degrees : 0,
    count: Math.min(own.seeds, reference.seeds),
  };
}

/**
 * A difference between two arms at their tuned rates, made one between their best rates: the expected cost of not knowing them is
 * taken off, and its spread is added. With a rate that is off by a normal error the cost is k · octaves² · χ²(1), whose mean is
 * `cost` and whose standard deviation √2 · `cost`.
 * @param contrast arm − reference, of runs at the tuned rates
 */
export function atBestRate(
  contrast: Contrast,
  own: Pick<RateCurve, 'cost'> | undefined,
  reference: Pick<RateCurve, 'cost'> | undefined,
): Contrast {
  const [a, b] = [own?.cost ?? 0, reference?.cost ?? 0];
  return {
    ...contrast,
    value: contrast.value - a + b,
    standardError: Math.sqrt(contrast.standardError ** 2 + 2 * a * a + 2 * b * b),
  };
}
