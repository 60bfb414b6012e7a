/**
 * The best learning rate as a function of size and tokens: a surface in the logarithms through what rate curves found at a few
 * places, log₂ rate = height + slope·log₂ N + bend·(log₂ N)² + slope·log₂ D. The smallest models do not bear the rate that a plane through
 * the larger ones gives them: where enough places were tuned, it bends.
 */
import type { RateCurve } from './rate-curve.js';
import { dot, leastSquares, quadraticForm } from './least-squares.js';
import { mean } from './statistics.js';

/** A place where a rate was searched, and what its curve found. */
export interface TunedPlace extends Pick<RateCurve, 'best' | 'octaves' | 'curvature'> {
  parameters: number;
  tokens: number;
}

/** A fitted surface. It is for sizes between the tuned ones; a plane is also for others. */
export interface RateSurface {
  /** log₂ of the rate's change with a doubling of N, and of D, at the mean of the places. */
  slopes: { parameters: number; tokens: number };
  /** Change of the slope with a doubling of N, halved; 0 for a plane. */
  bend: number;
  /** Standard deviation of a place around the surface, octaves. */
  scatter: number;
  /** The best rate at a place. */
  at(parameters: number, tokens: number): number;
  /**
   * What not knowing the best rate is expected to cost at a place, nats: the mean curvature of the curves times the variance
   * of the surface there.
   */
  cost(parameters: number, tokens: number): number;
}

/** Spread that a surface cannot be better than, octaves: a curve through few rates may be too sure of itself. */
const LEAST_SPREAD = 0.2;

/** Standard error of a curve whose lowest point lies at its edge, octaves. */
const AT_EDGE = 1;

/** Sizes that a bend needs, and places: one more than there are coefficients. */
const BENDING = { sizes: 3, places: 5 };

/**
 * Fits the surface; places weigh by how well their curves know the rate. It is a plane where there are fewer than three sizes or five
 * places.
 * @throws Error for fewer places than coefficients, or all of one size or length
 */
export function fitRateSurface(places: readonly TunedPlace[]): RateSurface {
  const center = (of: (place: TunedPlace) => number): number =>
    mean(places.map((place) => Math.log2(of(place))));
  const [n, d] = [center(({ parameters }) => parameters), center(({ tokens }) => tokens)];
  const sizes = new Set(places.map(({ parameters }) => parameters)).size;
  const bends = sizes >= BENDING.sizes && places.length >= BENDING.places;
  const row = (parameters: number, tokens: number): number[] => {
    const size = Math.log2(parameters) - n;
    return [1, size, Math.log2(tokens) - d, ...(bends ? [size ** 2] : [])];
  };
  const weights = places.map(({ octaves }) => 1 / Math.hypot(Math.min(octaves, AT_EDGE), LEAST_SPREAD));
  const { coefficients, unscaledCovariance, residuals, degrees } = leastSquares(
    places.map(({ parameters, tokens }, i) => row(parameters, tokens).map((value) => value * weights[i])),
    places.map(({ best }, i) => Math.log2(best) * weights[i]),
  );
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  // Places that happen to lie on one surface are no proof that it is known without error.
  const variance = Math.max(1, degrees > 0 ? squares / degrees : 1);
  const curvature = mean(places.map((place) => Math.max(0, place.curvature)));
  const [, bySize, byTokens, bend = 0] = coefficients;
  return {
    slopes: { parameters: bySize, tokens: byTokens },
    bend,
    scatter: Math.sqrt(squares / Math.max(1, degrees)) * mean(weights.map((weight) => 1 / weight)),
    at: (...place) => 2 ** dot(row(...place), coefficients),
    cost: (...place) => curvature * variance * quadraticForm(row(...place), unscaledCovariance),
  };
}
