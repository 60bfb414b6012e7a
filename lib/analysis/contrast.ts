/** A difference with its standard error: what an interval, a p value and the power of a comparison are made from. */
import jstat from 'jstat';
import { CONFIDENCE_LEVEL, type Estimate } from './statistics.js';

/** A difference of two arms, or another value that is known up to normal noise of estimated size. */
export interface Contrast {
  value: number;
  /** Standard deviation of `value` over repetitions of the whole experiment. */
  standardError: number;
  /** Degrees of freedom that the standard error was estimated with. */
  degrees: number;
  /** Runs of the arm with fewer. */
  count: number;
}

/** Share of repetitions in which a true effect of the {@link smallestVisible} size is seen. */
const POWER = 0.8;

/**
 * The difference of two arms one of which, or both, had runs that diverged: these lost by more than any number.
 * @param value ±Infinity; NaN where both diverged, which leaves open by how much
 */
export function divergedContrast(value: number, count: number): Contrast {
  return Number.isNaN(value)
    ? { value: 0, standardError: Infinity, degrees: 0, count }
    : { value, standardError: 0, degrees: 0, count };
}

/** value ± t · standard error (Student's t). */
export function interval(contrast: Contrast, level: number = CONFIDENCE_LEVEL): Estimate {
  const { value, count } = contrast;
  if (!Number.isFinite(value)) return { value, low: value, high: value, count };
  const reach = halfWidth(contrast, level);
  return { value, low: value - reach, high: value + reach, count };
}

/** Half of the interval's width, in the contrast's unit. */
export function halfWidth(
  { standardError, degrees }: Pick<Contrast, 'standardError' | 'degrees'>,
  level: number = CONFIDENCE_LEVEL,
): number {
  if (!(level > 0 && level < 1)) throw new Error(`interval: level must lie between 0 and 1, got ${level}.`);
  if (degrees < 1) return Infinity;
  return standardError === 0 ? 0 : jstat.jStat.studentt.inv(0.5 + level / 2, degrees) * standardError;
}

/**
 * How surprising the value would be if the true one were `truth`: the share of repetitions that stray as far, to either
 * side.
 */
export function pValue({ value, standardError, degrees }: Contrast, truth = 0): number {
  if (!Number.isFinite(value)) return 0;
  if (degrees < 1) return 1;
  if (standardError === 0) return value === truth ? 1 : 0;
  return 2 * jstat.jStat.studentt.cdf(-Math.abs(value - truth) / standardError, degrees);
}

/**
 * The smallest true effect that a comparison of this precision shows in {@link POWER} of repetitions: an interval at
 * `level` then lies beyond zero. (t₁₋α⁄₂ + t₀.₈) · standard error.
 */
export function smallestVisible(
  { standardError, degrees }: Pick<Contrast, 'standardError' | 'degrees'>,
  level: number = CONFIDENCE_LEVEL,
): number {
  if (degrees < 1) return Infinity;
  return (
    halfWidth({ standardError, degrees }, level) + jstat.jStat.studentt.inv(POWER, degrees) * standardError
  );
}

/**
 * Seeds an arm that would decide a comparison whose value lies `distance` from the edge of what is claimed: the interval
 * shrinks with √seeds, and must be shorter than the distance. Infinity where the value lies on the edge.
 */
export function seedsToDecide(
  contrast: Contrast,
  distance: number,
  level: number = CONFIDENCE_LEVEL,
): number {
  const reach = smallestVisible(contrast, level);
  if (distance === 0 || reach === Infinity) return Infinity;
  return Math.max(contrast.count, Math.ceil(contrast.count * (reach / Math.abs(distance)) ** 2));
}
