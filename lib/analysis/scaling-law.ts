/**
 * The law that BitNet fits (arXiv 2310.11453, section 3.2): L(N) = a·N^b + c, at equal tokens.
 *
 * Fitted by variable projection (Golub and Pereyra, 1973): for a given b the best a and c are a linear problem with an
 * exact answer, so that only b has to be searched. There is no optimizer to stop early and no start to depend on.
 */
import { minimize, ratioGrid } from './golden-section.js';
import { requirePoints, type MeasuredLoss } from './loss-points.js';
import { nonNegativeLeastSquares } from './non-negative.js';

/** L(N) = a·N^b + c. */
export interface PowerLaw {
  /** Nats. Meaningful together with b alone. */
  a: number;
  /** Negative: loss falls with size. */
  b: number;
  /** What loss tends to, nats. */
  c: number;
  /** Root of the mean square of what is left over, nats. */
  rmse: number;
  /** Bounds that the fit stands at, in words; a law that stands at one was not found by the data. */
  atBounds: string[];
}

/** Exponents that are tried. Below the first a power looks like a line in ln N, above the last from a step. */
const STEEPNESS = { low: 0.01, high: 4 };
const GRID = ratioGrid(STEEPNESS.low, STEEPNESS.high, 60);

/** A law has three coefficients: with three sizes it passes through any. */
export const MIN_SIZES = 4;

/**
 * Fits L(N) = a·N^b + c with a ≥ 0, −4 ≤ b ≤ −0.01 and c ≥ 0: entropy is not negative.
 * @param points losses by size; several seeds of one size weigh as one each
 * @throws Error for fewer than four sizes
 */
export function fitPowerLaw(points: readonly MeasuredLoss[]): PowerLaw {
  requirePoints('fit L(N) = aN^b + c', points, { sizes: MIN_SIZES });
  return projected(points);
}

/** Without the check: bootstrap samples may hold fewer sizes. */
export function projected(points: readonly MeasuredLoss[]): PowerLaw {
  const losses = points.map(({ loss }) => loss);
  const ones = points.map(() => 1);
  // Sizes in units of their middle keep a·N^b near 1: a itself can be 10^5.
  const unit = Math.exp(
    points.reduce((sum, { parameters }) => sum + Math.log(parameters), 0) / points.length,
  );
  const logs = points.map(({ parameters }) => Math.log(parameters / unit));
  const linear = (steepness: number): ReturnType<typeof nonNegativeLeastSquares> =>
    nonNegativeLeastSquares([logs.map((log) => Math.exp(-steepness * log)), ones], losses);
  const { x, atEdge } = minimize((steepness) => linear(steepness).squares, GRID);
  const {
    coefficients: [atUnit, c],
    squares,
  } = linear(x);
  const atBounds = [
    ...(atEdge ? [`b = ${(-x).toFixed(2)}, the edge of what is tried`] : []),
    ...(c === 0 ? ['c = 0, below which no entropy lies'] : []),
    ...(atUnit === 0 ? ['a = 0: loss does not fall with size'] : []),
  ];
  return { a: atUnit * unit ** x, b: -x, c, rmse: Math.sqrt(squares / points.length), atBounds };
}

/** L(N) of a fitted law, nats. */
export function lossAt({ a, b, c }: PowerLaw, parameters: number): number {
  return a * parameters ** b + c;
}
