/**
 * What the gap between two arms does with size and tokens: as a plane in the logarithms, which a gap of either sign has, and as the power law
 * δ(N, D) = k·D^γD·N^−γN of quantized training (arXiv 2505.14302; its group size G is one and the same here, and stands in k).
 * Cells are what repeats.
 */
import jstat from 'jstat';
import type { Contrast } from './contrast.js';
import { dot, leastSquares, quadraticForm, sumOfSquares } from './least-squares.js';
import { fitNonlinear, type Model } from './nonlinear-fit.js';
import { mean } from './statistics.js';

/** The mean gap at one size and number of tokens. */
export interface GapCell {
  parameters: number;
  tokens: number;
  /** Arm − reference, mean over the seeds. */
  gap: number;
}

/** Change of the gap with every tenfold, in the gap's unit. */
export interface GapPlane {
  /** With size, at equal tokens. */
  size: Contrast;
  /** With tokens, at equal size. */
  tokens: Contrast;
  /** With both at once, as along D = 20·N. */
  together: Contrast;
  /** How surprising the cells' bends would be on a plane, by an F test against all quadratic terms; absent for too few cells. */
  bendP?: number;
  /** The plane's gap at a place. */
  at(parameters: number, tokens: number): number;
}

/**
 * Fits the plane by least squares over the cells.
 * @throws Error for cells that do not determine it
 */
export function fitGapPlane(cells: readonly GapCell[]): GapPlane {
  const { x, y } = decades(cells);
  const gaps = cells.map(({ gap }) => gap);
  const flat = leastSquares(
    cells.map((cell) => [1, x(cell.parameters), y(cell.tokens)]),
    gaps,
  );
  const squares = sumOfSquares(flat.residuals);
  const variance = squares / flat.degrees;
  const contrast = (combination: readonly number[]): Contrast => ({
    value: dot(combination, flat.coefficients),
    standardError: Math.sqrt(variance * quadraticForm(combination, flat.unscaledCovariance)),
    degrees: flat.degrees,
    count: cells.length,
  });
  const bendP = bendOf(cells, squares);
  return {
    size: contrast([0, 1, 0]),
    tokens: contrast([0, 0, 1]),
    together: contrast([0, 1, 1]),
    ...(bendP !== undefined && { bendP }),
    at: (parameters, tokens) => contrast([1, x(parameters), y(tokens)]).value,
  };
}

/** The fitted power law. */
export interface GapLaw {
  /** γN: above 0 where the gap closes with size. */
  gammaN: Contrast;
  /** γD: above 0 where the gap opens with tokens. */
  gammaD: Contrast;
  /** k·D^γD·N^−γN. */
  at(parameters: number, tokens: number): number;
}

/**
 * Fits the power law by least squares in the gap's unit, since what seeds scatter is about the same at every size.
 * @throws Error where the mean gap is not above 0: a power cannot change its sign
 */
export function fitGapLaw(cells: readonly GapCell[]): GapLaw {
  const middle = cells.reduce((sum, { gap }) => sum + gap, 0) / cells.length;
  if (!(middle > 0)) {
    throw new Error(
      `fit the law of the gap: the mean gap must be above 0, got ${middle} over ${cells.length} cells. ` +
        'Look at the plane instead: fitGapPlane.',
    );
  }
  const { x, y } = decades(cells);
  const gapAt = (c: readonly number[], parameters: number, tokens: number): number =>
    10 ** (c[0] - c[1] * x(parameters) + c[2] * y(tokens));
  const model: Model = (c) => cells.map(({ parameters, tokens }) => gapAt(c, parameters, tokens));
  const fit = fitNonlinear(
    model,
    [Math.log10(middle), 0, 0],
    cells.map(({ gap }) => gap),
  );
  return {
    gammaN: fit.contrast((c) => c[1]),
    gammaD: fit.contrast((c) => c[2]),
    at: (parameters, tokens) => gapAt(fit.coefficients, parameters, tokens),
  };
}

/** F test of x², xy and y² against the plane. */
function bendOf(cells: readonly GapCell[], squares: number): number | undefined {
  const values = (of: (cell: GapCell) => number): number => new Set(cells.map(of)).size;
  const isGrid = values(({ parameters }) => parameters) >= 3 && values(({ tokens }) => tokens) >= 3;
  if (cells.length < 8 || !isGrid) return undefined;
  const { x, y } = decades(cells);
  const terms = cells.map((cell) => [x(cell.parameters), y(cell.tokens)]);
  const bent = leastSquares(
    terms.map(([n, d]) => [1, n, d, n * n, n * d, d * d]),
    cells.map(({ gap }) => gap),
  );
  const rest = sumOfSquares(bent.residuals);
  if (rest === 0) return squares === 0 ? 1 : 0;
  return 1 - jstat.jStat.centralF.cdf((squares - rest) / 3 / (rest / bent.degrees), 3, bent.degrees);
}

/** log₁₀ around the cells' middle. */
function decades(cells: readonly GapCell[]): Record<'x' | 'y', (value: number) => number> {
  const middle = (of: (cell: GapCell) => number): number => mean(cells.map((cell) => Math.log10(of(cell))));
  const [n, d] = [middle(({ parameters }) => parameters), middle(({ tokens }) => tokens)];
  return { x: (value) => Math.log10(value) - n, y: (value) => Math.log10(value) - d };
}
