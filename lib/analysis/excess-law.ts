/**
 * The law of size and tokens where the entropy H is known: L(N, D) − H = A/N^α + B/D^β (Hoffmann et al. 2022, arXiv 2203.15556,
 * with E = H). Fitted to logarithms, so that a cell counts by how far it is off in relation to what it has left to learn.
 * Cells are what repeats: their scatter around the law, whatever its cause, makes the intervals, not the seeds' within one.
 */
import type { Contrast } from './contrast.js';
import { sumOfSquares } from './least-squares.js';
import { fitAt, fitNonlinear, fitOneStep, type Model, type NonlinearFit } from './nonlinear-fit.js';
import { mean } from './statistics.js';

/** The mean loss of one size at one number of tokens. */
export interface GridCell {
  parameters: number;
  tokens: number;
  /** Mean over the seeds, nats. */
  loss: number;
}

/** The fitted law. */
export interface ExcessLaw {
  alpha: Contrast;
  beta: Contrast;
  /** β − α: above 0 where loss falls faster with tokens than with size. */
  tokensOverSize: Contrast;
  /** Standard deviation of a cell around the law, as a share of its excess. */
  scatter: number;
  /** H + A/N^α + B/D^β, nats. */
  at(parameters: number, tokens: number): number;
  /** ln of the excess at a place, with its standard error. */
  logExcess(parameters: number, tokens: number): Contrast;
}

/** How much the two powers bend: 0 for powers. */
export interface ExcessBends {
  /** Change of the local exponent from the smallest to the largest size, as a share of α. */
  size: Contrast;
  /** The same from the fewest to the most tokens, as a share of β. */
  tokens: Contrast;
}

/** Logarithms around their middle: A and B are then excesses there, and do not hang on the exponents. */
interface Logs {
  size(parameters: number): number;
  tokens(tokens: number): number;
  /** ln of the excess, cell by cell. */
  excess: number[];
  cells: readonly GridCell[];
}

const MIN_CELLS = 6;

const STARTS = [0.2, 0.8].flatMap((alpha) => [0.2, 0.8].map((beta) => [alpha, beta] as const));

/**
 * Fits the law.
 * @param entropy H, nats
 * @throws Error for fewer than six cells, fewer than three sizes or lengths, and a loss at or below the entropy
 */
export function fitExcessLaw(cells: readonly GridCell[], entropy: number): ExcessLaw {
  const { logs, model, best } = fitted(cells, entropy);
  const logAt =
    (parameters: number, tokens: number) =>
    (c: readonly number[]): number =>
      logSum(c[0] - c[1] * logs.size(parameters), c[2] - c[3] * logs.tokens(tokens));
  const fit = fitAt(model, best.coefficients, logs.excess);
  return {
    alpha: fit.contrast((c) => c[1]),
    beta: fit.contrast((c) => c[3]),
    tokensOverSize: fit.contrast((c) => c[3] - c[1]),
    scatter: fit.scatter,
    at: (parameters, tokens) => entropy + Math.exp(logAt(parameters, tokens)(fit.coefficients)),
    logExcess: (parameters, tokens) => fit.contrast(logAt(parameters, tokens)),
  };
}

/**
 * Adds a quadratic term in the logarithm to either power, which a power law has none of; R² alone would not notice it. One step from the
 * fitted powers, in which the terms are linear: a full fit lets two bent powers stand in for each other, and is then surer of itself
 * than it may be.
 * @throws Error as {@link fitExcessLaw} does
 */
export function excessBends(cells: readonly GridCell[], entropy: number): ExcessBends {
  const { logs, best } = fitted(cells, entropy);
  const bent: Model = (c) =>
    cells.map(({ parameters, tokens }) => {
      const [n, d] = [logs.size(parameters), logs.tokens(tokens)];
      return logSum(c[0] - c[1] * n - c[4] * n * n, c[2] - c[3] * d - c[5] * d * d);
    });
  const fit = fitOneStep(bent, [...best.coefficients, 0, 0], logs.excess);
  const [, alpha, , beta] = best.coefficients;
  const reach = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
  const sizes = reach(cells.map(({ parameters }) => logs.size(parameters)));
  const lengths = reach(cells.map(({ tokens }) => logs.tokens(tokens)));
  return {
    size: fit.contrast((c) => (2 * c[4] * sizes) / alpha),
    tokens: fit.contrast((c) => (2 * c[5] * lengths) / beta),
  };
}

function fitted(
  cells: readonly GridCell[],
  entropy: number,
): { logs: Logs; model: Model; best: NonlinearFit } {
  const logs = logsOf('fit L(N, D) − H', cells, entropy);
  const model: Model = (c) =>
    cells.map(({ parameters, tokens }) =>
      logSum(c[0] - c[1] * logs.size(parameters), c[2] - c[3] * logs.tokens(tokens)),
    );
  const half = mean(logs.excess) - Math.LN2;
  const fits = STARTS.map(([alpha, beta]) => fitNonlinear(model, [half, alpha, half, beta], logs.excess));
  const squares = ({ residuals }: NonlinearFit): number => sumOfSquares(residuals);
  return { logs, model, best: fits.reduce((best, one) => (squares(one) < squares(best) ? one : best)) };
}

/** Whether cells are enough for a law of four coefficients: six, of three sizes and three numbers of tokens. */
export function canFitExcessLaw(cells: readonly GridCell[]): boolean {
  return cells.length >= MIN_CELLS && valuesOf(cells, 'parameters') >= 3 && valuesOf(cells, 'tokens') >= 3;
}

function valuesOf(cells: readonly GridCell[], axis: 'parameters' | 'tokens'): number {
  return new Set(cells.map((cell) => cell[axis])).size;
}

/** Checks the cells, and takes their logarithms. */
export function logsOf(operation: string, cells: readonly GridCell[], entropy: number): Logs {
  if (!canFitExcessLaw(cells)) {
    throw new Error(
      `${operation}: there must be at least ${MIN_CELLS} cells of 3 sizes and 3 numbers of tokens, got ${cells.length} of ` +
        `${valuesOf(cells, 'parameters')} and ${valuesOf(cells, 'tokens')}. Run more of the grid.`,
    );
  }
  const below = cells.find(({ loss }) => !(loss > entropy));
  if (below) {
    throw new Error(
      `${operation}: losses must lie above the entropy of ${entropy.toFixed(4)} nat, got ${below.loss} at ` +
        `${below.parameters} parameters. Take the entropy of the very windows that the loss was taken over.`,
    );
  }
  const middle = (of: (cell: GridCell) => number): number => mean(cells.map((cell) => Math.log(of(cell))));
  const [n, d] = [middle(({ parameters }) => parameters), middle(({ tokens }) => tokens)];
  return {
    size: (parameters) => Math.log(parameters) - n,
    tokens: (tokens) => Math.log(tokens) - d,
    excess: cells.map(({ loss }) => Math.log(loss - entropy)),
    cells,
  };
}

/** ln(eᵃ + eᵇ). */
export function logSum(a: number, b: number): number {
  const high = Math.max(a, b);
  return high + Math.log(Math.exp(a - high) + Math.exp(b - high));
}
