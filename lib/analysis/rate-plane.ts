/**
 * The best learning rate as a function of size and tokens: a plane in the logarithms through what rate curves found at a few
 * places, log₂ rate = height of the language + slope·log₂ N + slope·log₂ D. Languages share the slopes of an arm.
 */
import type { RateCurve } from './rate-curve.js';
import { dot, leastSquares, quadraticForm } from './least-squares.js';
import { mean } from './statistics.js';

/** A place where a rate was searched, and what its curve found. */
export interface TunedPlace extends Pick<RateCurve, 'best' | 'octaves' | 'curvature'> {
  /** Places of one language share a height. */
  language: string;
  parameters: number;
  tokens: number;
}

/** A fitted plane. */
export interface RatePlane {
  /** log₂ of the rate's change with a doubling of N, and of D. */
  slopes: { parameters: number; tokens: number };
  /** Standard deviation of a place around the plane, octaves. */
  scatter: number;
  /** The best rate at a place. @throws Error for a language without a tuned place */
  at(language: string, parameters: number, tokens: number): number;
  /**
   * What not knowing the best rate is expected to cost at a place, nats: the mean curvature of the curves times the variance
   * of the plane there.
   */
  cost(language: string, parameters: number, tokens: number): number;
}

/** Spread that a plane cannot be better than, octaves: a curve through few rates may be too sure of itself. */
const LEAST_SPREAD = 0.2;

/** Standard error of a curve whose lowest point lies at its edge, octaves. */
const AT_EDGE = 1;

/**
 * Fits the plane; places weigh by how well their curves know the rate.
 * @throws Error for fewer places than coefficients, or all of one size or length
 */
export function fitRatePlane(places: readonly TunedPlace[]): RatePlane {
  const languages = [...new Set(places.map(({ language }) => language))];
  const center = (of: (place: TunedPlace) => number): number =>
    mean(places.map((place) => Math.log2(of(place))));
  const [n, d] = [center(({ parameters }) => parameters), center(({ tokens }) => tokens)];
  const row = (language: string, parameters: number, tokens: number): number[] => [
    ...languages.map((one) => (one === language ? 1 : 0)),
    Math.log2(parameters) - n,
    Math.log2(tokens) - d,
  ];
  const weights = places.map(({ octaves }) => 1 / Math.hypot(Math.min(octaves, AT_EDGE), LEAST_SPREAD));
  const { coefficients, unscaledCovariance, residuals, degrees } = leastSquares(
    places.map(({ language, parameters, tokens }, i) =>
      row(language, parameters, tokens).map((value) => value * weights[i]),
    ),
    places.map(({ best }, i) => Math.log2(best) * weights[i]),
  );
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  // Places that happen to lie on one plane are no proof that it is known without error.
  const variance = Math.max(1, degrees > 0 ? squares / degrees : 1);
  const curvature = mean(places.map((place) => Math.max(0, place.curvature)));
  const known = (language: string, parameters: number, tokens: number): number[] => {
    if (languages.includes(language)) return row(language, parameters, tokens);
    throw new Error(`fitRatePlane: the language must be one of ${languages.join(', ')}, got ${language}.`);
  };
  return {
    slopes: { parameters: coefficients[languages.length], tokens: coefficients[languages.length + 1] },
    scatter: Math.sqrt(squares / Math.max(1, degrees)) * mean(weights.map((weight) => 1 / weight)),
    at: (...place) => 2 ** dot(known(...place), coefficients),
    cost: (...place) => curvature * variance * quadraticForm(known(...place), unscaledCovariance),
  };
}
