/** Intervals by the bootstrap: how far a fit moves when it is made of other draws of the same runs. */
import { RandomStream } from '../random.js';
import { sizesOf, type MeasuredLoss } from './loss-points.js';
import { CONFIDENCE_LEVEL, type Estimate } from './statistics.js';

/** Options of {@link bootstrap}. */
export interface BootstrapOptions {
  /** Draws, 1,000 by default. */
  draws?: number;
  /** Share of repetitions whose interval would hold the true value. */
  level?: number;
  /** Chooses the draws. */
  seed?: number;
  /** Sizes that a draw must hold to be fitted; others are drawn again. 3 by default. */
  sizes?: number;
}

/**
 * Draws as many pairs of (size, seed) as there are, with repetition, and fits them; again and again.
 * @param groups points that are drawn apart from each other, such as those of two arms
 * @param statistic values by name; NaN where a draw does not give one
 * @returns for each name the value of the data itself, and the quantiles of the draws
 */
export function bootstrap<Name extends string>(
  groups: readonly (readonly MeasuredLoss[])[],
  statistic: (groups: readonly MeasuredLoss[][]) => Record<Name, number>,
  { draws = 1000, level = CONFIDENCE_LEVEL, seed = 1, sizes = 3 }: BootstrapOptions = {},
): Record<Name, Estimate> {
  const whole = statistic(groups.map((group) => [...group]));
  const drawn: Record<Name, number>[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const random = new RandomStream(seed, 'bootstrap', draw);
    drawn.push(
      statistic(groups.map((group) => resample(group, random, Math.min(sizes, sizesOf(group).length)))),
    );
  }
  const names = Object.keys(whole) as Name[];
  return Object.fromEntries(
    names.map((name) => {
      const values = drawn.map((one) => one[name]).filter((value) => !Number.isNaN(value));
      return [name, percentileInterval(whole[name], values, level)];
    }),
  ) as Record<Name, Estimate>;
}

function resample(points: readonly MeasuredLoss[], random: RandomStream, sizes: number): MeasuredLoss[] {
  for (;;) {
    const drawn = points.map(() => points[random.below(points.length)]);
    if (sizesOf(drawn).length >= sizes) return drawn;
  }
}

/** The middle `level` of the values; it always holds the value of the data itself. */
function percentileInterval(value: number, values: readonly number[], level: number): Estimate {
  const sorted = values.toSorted((a, b) => a - b);
  const edge = (1 - level) / 2;
  return {
    value,
    low: Math.min(value, quantile(sorted, edge)),
    high: Math.max(value, quantile(sorted, 1 - edge)),
    count: values.length,
  };
}

/** Linear between neighbours. */
function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return NaN;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
