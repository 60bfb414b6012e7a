/**
 * Means over seeds and how far they can be trusted. A handful of seeds is too few for the normal distribution, so intervals
 * are Student's (The Probable Error of a Mean, Biometrika 6, 1908). Its quantiles are jStat's: one package without
 * dependencies, right to eight digits here.
 */
import jstat from 'jstat';

/** Share of repetitions whose interval would hold the true mean. */
export const CONFIDENCE_LEVEL = 0.95;

/** A value and the interval that it is known to, in the unit of the values it was made from. */
export interface Estimate {
  value: number;
  /** Bounds of the interval; −Infinity and Infinity where one value says nothing about the spread. */
  low: number;
  high: number;
  /** Values that it was made from, seeds for example. */
  count: number;
}

/** A value that does not vary: a count, a size in bytes. */
export function exactly(value: number): Estimate {
  return { value, low: value, high: value, count: 1 };
}

/** @throws Error for no values */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error('mean: there must be at least one value, got none.');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the two in the middle. @throws Error for no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('median: there must be at least one value, got none.');
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Standard deviation of what the values were drawn from: n − 1 below the sum. NaN for one value. */
export function standardDeviation(values: readonly number[]): number {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Mean with Student's interval: mean ± t(n − 1) · s / √n.
 *
 * A run that diverged counts as Infinity. Where all did, so is the mean, for certain; where some did, the interval
 * reaches from the lowest value to Infinity. Differences to runs that diverged are −Infinity: with both kinds among
 * them the mean is {@link undecided}.
 * @param values independent of each other, one for each seed
 * @throws Error for no values, and for NaN
 */
export function meanInterval(values: readonly number[], level: number = CONFIDENCE_LEVEL): Estimate {
  if (!(level > 0 && level < 1))
    throw new Error(`meanInterval: level must lie between 0 and 1, got ${level}.`);
  if (values.some(Number.isNaN))
    throw new Error(`meanInterval: values must be numbers, got ${values.join(', ')}.`);
  const value = mean(values);
  const count = values.length;
  if (Number.isNaN(value)) return undecided(values);
  if (values.some((one) => Math.abs(one) === Infinity)) {
    return { value, low: Math.min(...values), high: Math.max(...values), count };
  }
  if (count === 1) return { value, low: -Infinity, high: Infinity, count };
  const reach =
    (jstat.jStat.studentt.inv(0.5 + level / 2, count - 1) * standardDeviation(values)) / Math.sqrt(count);
  return { value, low: value - reach, high: value + reach, count };
}

/**
 * The mean of values that runs which diverged leave open to both sides: of the finite ones, 0 where there are none. Its
 * interval rules nothing out.
 */
export function undecided(values: readonly number[]): Estimate {
  const finite = values.filter(Number.isFinite);
  const value = finite.length > 0 ? mean(finite) : 0;
  return { value, low: -Infinity, high: Infinity, count: values.length };
}

/**
 * Mean of the differences between two arms, pair by pair. Seeds that two arms share (first weights, order of the data)
 * move both alike, so the difference is known better than either mean. A pair that diverged in both
 * arms does not say which of the two is worse, and leaves the mean {@link undecided}.
 * @param values of an arm, by seed
 * @param reference of the arm that it is compared with, by the same seeds in the same order
 * @returns values − reference
 */
export function pairedDifference(
  values: readonly number[],
  reference: readonly number[],
  level: number = CONFIDENCE_LEVEL,
): Estimate {
  if (values.length !== reference.length) {
    throw new Error(
      `pairedDifference: both arms must have the same seeds, got ${values.length} and ${reference.length} values.`,
    );
  }
  const differences = values.map((value, i) => value - reference[i]);
  const bothDiverged = values.some((value, i) => value === Infinity && reference[i] === Infinity);
  return bothDiverged ? undecided(differences) : meanInterval(differences, level);
}
