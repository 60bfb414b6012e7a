/** How far the coefficients of L(N) = a·N^b + c are known: bootstrap intervals, and the profile of c. */
import jstat from 'jstat';
import { bootstrap, type BootstrapOptions } from './bootstrap.js';
import { minimize, ratioGrid } from './golden-section.js';
import { requirePoints, type MeasuredLoss } from './loss-points.js';
import { nonNegativeLeastSquares } from './non-negative.js';
import { fitPowerLaw, MIN_SIZES, projected } from './scaling-law.js';
import { CONFIDENCE_LEVEL, type Estimate } from './statistics.js';

/** Seeds that a bootstrap needs: noise cannot be seen in one. */
const MIN_SEEDS = 2;

export interface PowerLawIntervals {
  b: Estimate;
  c: Estimate;
}

/**
 * Bootstrap intervals of b and c over pairs of (size, seed).
 * @throws Error for too few sizes or seeds
 */
export function powerLawIntervals(
  points: readonly MeasuredLoss[],
  options: BootstrapOptions = {},
): PowerLawIntervals {
  requirePoints('bootstrap L(N) = aN^b + c', points, { sizes: MIN_SIZES, seeds: MIN_SEEDS });
  return bootstrap([points], ([drawn]) => withoutA(projected(drawn)), { sizes: MIN_SIZES, ...options });
}

function withoutA({ b, c }: { b: number; c: number }): { b: number; c: number } {
  return { b, c };
}

/** The best fit with c held. */
export interface ProfilePoint {
  c: number;
  b: number;
  rmse: number;
}

export interface Profile {
  points: ProfilePoint[];
  /** Where an F test cannot distinguish c from the best one; a bound at the grid's end was not found. */
  interval: Estimate;
}

/**
 * The profile of c: for each c the best a and b. A flat profile says that c is not known, whatever the best fit prints.
 * The interval is that of the F test with 1 and n − 3 degrees of freedom.
 * @param grid values of c, nats, ascending
 */
export function profileOfC(
  points: readonly MeasuredLoss[],
  grid: readonly number[],
  level: number = CONFIDENCE_LEVEL,
): Profile {
  const best = fitPowerLaw(points);
  const freedom = points.length - 3;
  const t = jstat.jStat.studentt.inv(0.5 + level / 2, freedom);
  // F(1, ν) is the square of Student's t(ν).
  const limit = best.rmse ** 2 * (1 + t ** 2 / freedom);
  const profile = grid.map((c) => ({ c, ...fitWithC(points, c) }));
  const inside = profile.filter(({ rmse }) => rmse ** 2 <= limit).map(({ c }) => c);
  return {
    points: profile,
    interval: {
      value: best.c,
      low: Math.min(best.c, ...inside),
      high: Math.max(best.c, ...inside),
      count: points.length,
    },
  };
}

const STEEPNESS_GRID = ratioGrid(0.01, 4, 60);

function fitWithC(points: readonly MeasuredLoss[], c: number): { b: number; rmse: number } {
  const unit = points[0].parameters;
  const losses = points.map(({ loss }) => loss - c);
  const squaresAt = (steepness: number): number =>
    nonNegativeLeastSquares([points.map(({ parameters }) => (parameters / unit) ** -steepness)], losses)
      .squares;
  const { x, value } = minimize(squaresAt, STEEPNESS_GRID);
  return { b: -x, rmse: Math.sqrt(value / points.length) };
}
