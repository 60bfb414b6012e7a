/** Ordinary least squares, with what is needed to say how well its coefficients are known. */
import jstat from 'jstat';
import { UndeterminedError } from './undetermined.js';

/** A fit of y ≈ X β. */
export interface LeastSquares {
  /** β, one for each column of the design. */
  coefficients: number[];
  /** (XᵀX)⁻¹: times the variance of the noise it is the covariance of β. */
  unscaledCovariance: number[][];
  /** y − X β, row by row. */
  residuals: number[];
  /** Rows minus columns: 0 leaves nothing to estimate the noise from. */
  degrees: number;
}

/**
 * Fits y ≈ X β.
 * @param design X, by rows, `[observations, coefficients]`
 * @param values y, `[observations]`
 * @throws UndeterminedError where the rows do not determine every coefficient
 */
export function leastSquares(
  design: readonly (readonly number[])[],
  values: readonly number[],
): LeastSquares {
  const columns = design[0]?.length ?? 0;
  if (design.length !== values.length || design.some((row) => row.length !== columns)) {
    throw new Error(
      `leastSquares: there must be one value for each row of one length, got ${values.length} for ${design.length} rows.`,
    );
  }
  if (columns === 0 || design.length < columns) {
    throw new UndeterminedError(
      `leastSquares: there must be at least as many rows as coefficients, got ${design.length} for ${columns}.`,
    );
  }
  const square = Array.from({ length: columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => design.reduce((sum, row) => sum + row[i] * row[j], 0)),
  );
  const unscaledCovariance = jstat.jStat.inv(square);
  // A pivot of rounding errors passes for a number: the product with the matrix itself shows it.
  const isInverse = unscaledCovariance.every((row, i) =>
    square.every((_, j) => {
      const entry = row.reduce((sum, value, k) => sum + value * square[k][j], 0);
      return Math.abs(entry - (i === j ? 1 : 0)) < 1e-6;
    }),
  );
  if (!isInverse) {
    throw new UndeterminedError(
      'leastSquares: the rows must determine every coefficient, got columns that depend on each other.',
    );
  }
  const moments = Array.from({ length: columns }, (_, i) =>
    design.reduce((sum, row, n) => sum + row[i] * values[n], 0),
  );
  const coefficients = unscaledCovariance.map((row) => dot(row, moments));
  const residuals = design.map((row, n) => values[n] - dot(row, coefficients));
  return { coefficients, unscaledCovariance, residuals, degrees: design.length - columns };
}

/** gᵀ C g: the variance of a linear combination g of coefficients, in units of the noise's variance. */
export function quadraticForm(
  combination: readonly number[],
  covariance: readonly (readonly number[])[],
): number {
  return combination.reduce((sum, weight, i) => sum + weight * dot(covariance[i], combination), 0);
}

/** Σ aᵢ·bᵢ. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Σ vᵢ². */
export function sumOfSquares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
