/** Linear least squares with coefficients that must not be negative, for a handful of columns. */

import { dot } from './least-squares.js';

/** Coefficients of the columns, and the sum of squares that is left. */
export interface LinearFit {
  coefficients: number[];
  squares: number;
}

/**
 * Least ‖y − Σ xⱼ·columnⱼ‖² over xⱼ ≥ 0. With k columns there are 2ᵏ sets of coefficients that are not 0: each is solved
 * by its normal equations, and the best one without a negative coefficient wins. Exact, and quick for k ≤ 3.
 * @param columns k columns of n values
 * @param y n values
 */
export function nonNegativeLeastSquares(
  columns: readonly (readonly number[])[],
  y: readonly number[],
): LinearFit {
  let best: LinearFit = { coefficients: columns.map(() => 0), squares: dot(y, y) };
  for (let set = 1; set < 1 << columns.length; set++) {
    const chosen = columns.map((_, j) => j).filter((j) => set & (1 << j));
    const solved = solve(
      chosen.map((i) => chosen.map((j) => dot(columns[i], columns[j]))),
      chosen.map((i) => dot(columns[i], y)),
    );
    if (solved === undefined || solved.some((value) => value < 0)) continue;
    const coefficients = columns.map(() => 0);
    chosen.forEach((j, at) => (coefficients[j] = solved[at]));
    const squares = residualSquares(columns, y, coefficients);
    if (squares < best.squares) best = { coefficients, squares };
  }
  return best;
}

function residualSquares(
  columns: readonly (readonly number[])[],
  y: readonly number[],
  coefficients: readonly number[],
): number {
  let squares = 0;
  for (let i = 0; i < y.length; i++) {
    let left = y[i];
    for (let j = 0; j < columns.length; j++) left -= coefficients[j] * columns[j][i];
    squares += left * left;
  }
  return squares;
}

/** Gauss elimination with pivots; undefined where the matrix is singular to rounding. */
function solve(matrix: number[][], right: number[]): number[] | undefined {
  const size = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    if (Math.abs(rows[column][column]) <= 1e-12 * Math.abs(matrix[column][column])) return undefined;
    for (let row = column + 1; row < size; row++) {
      const factor = rows[row][column] / rows[column][column];
      for (let j = column; j <= size; j++) rows[row][j] -= factor * rows[column][j];
    }
  }
  const values = Array.from({ length: size }, () => 0);
  for (let row = size - 1; row >= 0; row--) {
    let sum = rows[row][size];
    for (let j = row + 1; j < size; j++) sum -= rows[row][j] * values[j];
    values[row] = sum / rows[row][row];
  }
  return values;
}
