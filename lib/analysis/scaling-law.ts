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

/** A straight line through the logarithms. */
export interface LogLogLine {
  /** d ln excess / d ln N. */
  slope: number;
  /** ln excess at ln N = 0. */
  intercept: number;
  /** Share of the variance of ln excess that the line explains. */
  r2: number;
}

/**
 * ln(L − floor) against ln N by least squares: with the floor known, the law has two coefficients, and its slope is known
 * far better than b is.
 * @param floor entropy that loss cannot fall below, nats
 * @throws Error where a loss does not lie above the floor, and for fewer than three sizes
 */
export function fitExcess(points: readonly MeasuredLoss[], floor: number): LogLogLine {
  requirePoints('fit the excess over the entropy', points, { sizes: 3 });
  for (const { loss, parameters } of points) {
    if (loss <= floor) {
      throw new Error(
        `fit the excess over the entropy: losses must lie above ${floor.toFixed(4)} nat, got ${loss.toFixed(4)} at ` +
          `${parameters} parameters. Take the entropy of the very windows that the loss was taken over.`,
      );
    }
  }
  return lineOf(
    points.map(({ parameters }) => Math.log(parameters)),
    points.map(({ loss }) => Math.log(loss - floor)),
  );
}

/** Least squares through points; r2 is 1 for a perfect line. */
export function lineOf(x: readonly number[], y: readonly number[]): LogLogLine {
  const count = x.length;
  const meanX = x.reduce((sum, value) => sum + value, 0) / count;
  const meanY = y.reduce((sum, value) => sum + value, 0) / count;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < count; i++) {
    xx += (x[i] - meanX) ** 2;
    xy += (x[i] - meanX) * (y[i] - meanY);
    yy += (y[i] - meanY) ** 2;
  }
  const slope = xy / xx;
  return { slope, intercept: meanY - slope * meanX, r2: yy === 0 ? 1 : (slope * xy) / yy };
}
