/**
 * The law of size and tokens, L(N, D) = E + A/N^α + B/D^β (Hoffmann et al. 2022, arXiv 2203.15556, approach 3), by
 * variable projection: for given α and β the best E, A and B ≥ 0 are a linear problem with an exact answer.
 */
import { bootstrap, type BootstrapOptions } from './bootstrap.js';
import { minimize, ratioGrid } from './golden-section.js';
import { requirePoints, type MeasuredLoss } from './loss-points.js';
import { nonNegativeLeastSquares, type LinearFit } from './non-negative.js';
import type { Estimate } from './statistics.js';

/** A loss whose tokens are known. */
export interface TokensPoint extends MeasuredLoss {
  tokens: number;
}

/** L(N, D) = E + A/N^α + B/D^β. */
export interface TokensLaw {
  /** What loss tends to as both grow, nats: the entropy, if the law is right. */
  E: number;
  A: number;
  alpha: number;
  B: number;
  beta: number;
  /** Root of the mean square of what is left over, nats. */
  rmse: number;
  /** Bounds that the fit stands at, in words. */
  atBounds: string[];
}

/** Exponents that are tried; refined between neighbours. */
const EXPONENTS = ratioGrid(0.02, 3, 24);

/**
 * Fits L(N, D) by least squares in nats, with E, A, B ≥ 0 and 0.02 ≤ α, β ≤ 3.
 * @throws Error for fewer than three sizes or three numbers of tokens
 */
export function fitTokensLaw(points: readonly TokensPoint[]): TokensLaw {
  requirePoints('fit L(N, D)', points, { sizes: 3 });
  const lengths = new Set(points.map(({ tokens }) => tokens)).size;
  if (lengths < 3) {
    throw new Error(
      `fit L(N, D): there must be runs of at least 3 numbers of tokens, got ${lengths}. Run more of them.`,
    );
  }
  return projectedTokens(points, EXPONENTS, 1e-7);
}

function projectedTokens(
  points: readonly TokensPoint[],
  grid: readonly number[],
  precision: number,
): TokensLaw {
  const losses = points.map(({ loss }) => loss);
  const ones = points.map(() => 1);
  const sizes = units(points.map(({ parameters }) => parameters));
  const tokens = units(points.map((point) => point.tokens));
  const linear = (alpha: number, beta: number): LinearFit =>
    nonNegativeLeastSquares([ones, powers(sizes.logs, alpha), powers(tokens.logs, beta)], losses);
  const bestBeta = (alpha: number): ReturnType<typeof minimize> =>
    minimize((beta) => linear(alpha, beta).squares, grid, precision);
  const outer = minimize((alpha) => bestBeta(alpha).value, grid, precision);
  const inner = bestBeta(outer.x);
  const [alpha, beta] = [outer.x, inner.x];
  const {
    coefficients: [E, A, B],
    squares,
  } = linear(alpha, beta);
  const atBounds = [
    ...(outer.atEdge ? [`α = ${alpha.toFixed(2)}, the edge of what is tried`] : []),
    ...(inner.atEdge ? [`β = ${beta.toFixed(2)}, the edge of what is tried`] : []),
    ...(E === 0 ? ['E = 0, below which no entropy lies'] : []),
    ...(A === 0 ? ['A = 0: size does not matter'] : []),
    ...(B === 0 ? ['B = 0: tokens do not matter'] : []),
  ];
  const rmse = Math.sqrt(squares / points.length);
  return { E, A: A * sizes.unit ** alpha, alpha, B: B * tokens.unit ** beta, beta, rmse, atBounds };
}

/** L(N, D) of a fitted law, nats. */
export function lossOf({ E, A, alpha, B, beta }: TokensLaw, parameters: number, tokens: number): number {
  return E + A * parameters ** -alpha + B * tokens ** -beta;
}

/** A draw is fitted on fewer exponents and less finely than the data: draws differ by far more than that. */
const DRAWN_EXPONENTS = ratioGrid(0.02, 3, 10);
const DRAWN_PRECISION = 2e-3;

/** Bootstrap intervals of E, α and β over the runs. 200 draws by default. */
export function tokensLawIntervals(
  points: readonly TokensPoint[],
  options: BootstrapOptions = {},
): Record<'E' | 'alpha' | 'beta', Estimate> {
  fitTokensLaw(points);
  return bootstrap(
    [points],
    ([drawn]) => {
      const { E, alpha, beta } = projectedTokens(drawn as TokensPoint[], DRAWN_EXPONENTS, DRAWN_PRECISION);
      return { E, alpha, beta };
    },
    { draws: 200, ...options },
  );
}

/** ln(value / unit) with the geometric mean as unit: powers of it stay near 1. */
function units(values: readonly number[]): { unit: number; logs: number[] } {
  const unit = Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  return { unit, logs: values.map((value) => Math.log(value / unit)) };
}

function powers(logs: readonly number[], exponent: number): number[] {
  return logs.map((log) => Math.exp(-exponent * log));
}
