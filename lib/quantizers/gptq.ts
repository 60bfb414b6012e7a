/**
 * GPTQ in its plain form (Frantar et al., arXiv 2210.17323, section 3): a matrix is rounded column by column, and the
 * columns still to come correct the error of each column, so that the layer's output changes least. Groups keep the scales
 * that they had before the first column was rounded (the authors' option `static_groups`). No column order and no lazy batches:
 * those save time at sizes that are not met here.
 * Legend: O output features (rows), C input features (columns).
 */
import { groupAt, nearestLevel, type LevelGrid } from './level-grid.js';

/** Added to the diagonal of the Hessian, in parts of its mean: GPTQ's own choice. */
const DAMPING = 0.01;

/**
 * The upper triangle U of the Cholesky decomposition H⁻¹ = Uᵀ·U, which is all that GPTQ reads of a Hessian. It depends on
 * the layer's input alone, so one serves every grid and every matrix that reads that input.
 * @param moments mean of x·xᵀ of the layer's input, [C · C]; symmetric
 * @throws Error where the moments are no square matrix, or are not finite
 */
export function inverseFactor(moments: Float64Array, damping: number = DAMPING): Float64Array {
  const size = Math.sqrt(moments.length);
  if (!Number.isInteger(size) || size === 0) {
    throw new Error(`gptq: moments must be a square matrix, got ${moments.length} values.`);
  }
  const hessian = moments.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += hessian[i * size + i];
  // An input that is always zero leaves nothing to weigh errors by: any positive diagonal will do.
  const added = trace > 0 ? (damping * trace) / size : 1;
  for (let i = 0; i < size; i++) hessian[i * size + i] += added;
  // With J the reversal of order, J·H·J = L·Lᵀ gives H = R·Rᵀ, R = J·L·J upper, so that H⁻¹ = (R⁻¹)ᵀ·R⁻¹.
  return invertUpper(reversed(cholesky(reversed(hessian), size)), size);
}

/**
 * Rounds a matrix to a grid by GPTQ.
 * @param weights [O, C], row-major; kept
 * @param grid from levelGrid, of these weights
 * @param factor from inverseFactor, [C · C]
 * @returns values of the levels, [O, C]
 */
export function gptq(weights: Float32Array, grid: LevelGrid, factor: Float64Array): Float32Array {
  const columns = Math.sqrt(factor.length);
  const rows = weights.length / columns;
  const { groups } = grid;
  if (rows !== groups.rows || columns !== groups.columns) {
    throw new Error(
      `gptq: weights must be rows of ${columns} values to fit the moments, got ${weights.length} values ` +
        `and a grid of [${groups.rows}, ${groups.columns}].`,
    );
  }
  const rounded = new Float32Array(weights.length);
  const row = new Float64Array(columns);
  for (let r = 0; r < rows; r++) {
    row.set(weights.subarray(r * columns, (r + 1) * columns));
    for (let c = 0; c < columns; c++) {
      const level = nearestLevel(row[c], grid.levels, grid.reaches[groupAt(groups, r, c)]);
      const error = (row[c] - level) / factor[c * columns + c];
      for (let k = c + 1; k < columns; k++) row[k] -= error * factor[c * columns + k];
      rounded[r * columns + c] = level;
    }
  }
  return rounded;
}

/** Both orders of a square matrix turned around: J·A·J. */
function reversed(matrix: Float64Array): Float64Array {
  return matrix.slice().reverse();
}

/** The lower triangle L of A = L·Lᵀ. */
function cholesky(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= lower[i * size + k] * lower[j * size + k];
      if (i !== j) lower[i * size + j] = sum / lower[j * size + j];
      else if (sum > 0) lower[i * size + i] = Math.sqrt(sum);
      else throw new Error(`gptq: moments must be positive definite, got pivot ${sum} at ${i}.`);
    }
  }
  return lower;
}

/** The inverse of an upper triangle, itself an upper triangle. */
function invertUpper(upper: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let i = size - 1; i >= 0; i--) {
    const diagonal = 1 / upper[i * size + i];
    inverse[i * size + i] = diagonal;
    for (let k = i + 1; k < size; k++) {
      const scaled = upper[i * size + k] * diagonal;
      for (let j = k; j < size; j++) inverse[i * size + j] -= scaled * inverse[k * size + j];
    }
  }
  return inverse;
}
