import { describe, expect, it } from 'vitest';
import { gptq, inverseFactor } from '../../lib/quantizers/gptq.js';
import { levelGrid, nearestLevel, roundToLevels, type LevelBits } from '../../lib/quantizers/level-grid.js';
import { normalStream, normalValues } from '../normal-values.js';

const ROWS = 8;
const COLUMNS = 12;

/** Second moments of inputs that lean on each other: every column is mixed from a few shared ones. */
function correlatedMoments(random: () => number, tokens = 200): Float64Array {
  const mix = normalValues(COLUMNS * 3, random);
  const moments = new Float64Array(COLUMNS * COLUMNS);
  for (let token = 0; token < tokens; token++) {
    const shared = normalValues(3, random);
    const x = Array.from(
      { length: COLUMNS },
      (_, c) => shared.reduce((sum, value, s) => sum + value * mix[c * 3 + s], 0) + 0.3 * random(),
    );
    for (let i = 0; i < COLUMNS; i++)
      for (let j = 0; j < COLUMNS; j++) moments[i * COLUMNS + j] += (x[i] * x[j]) / tokens;
  }
  return moments;
}

/** Mean squared change of the layer's output: Σ_rows d·M·dᵀ with d = w − ŵ. */
function outputError(weights: Float32Array, rounded: Float32Array, moments: Float64Array): number {
  let error = 0;
  for (let r = 0; r < weights.length; r += COLUMNS)
    for (let i = 0; i < COLUMNS; i++)
      for (let j = 0; j < COLUMNS; j++)
        error +=
          (weights[r + i] - rounded[r + i]) * moments[i * COLUMNS + j] * (weights[r + j] - rounded[r + j]);
  return error;
}

/** Solves A·x = b for a positive definite A by elimination. */
function solve(matrix: number[][], right: number[]): number[] {
  const a = matrix.map((row, i) => [...row, right[i]]);
  const n = a.length;
  for (let i = 0; i < n; i++)
    for (let k = i + 1; k < n; k++) {
      const factor = a[k][i] / a[i][i];
      for (let j = i; j <= n; j++) a[k][j] -= factor * a[i][j];
    }
  const x = Array.from({ length: n }, () => 0);
  for (let i = n - 1; i >= 0; i--)
    x[i] =
      (a[i][n] - a[i].slice(i + 1, n).reduce((sum, value, k) => sum + value * x[i + 1 + k], 0)) / a[i][i];
  return x;
}

/**
 * The oracle, from the definition (optimal brain quantization in fixed order, arXiv 2208.11580, section 4): after each
 * rounding the columns still free move to where the output changes least, found by solving for them again.
 */
function bruteForce(weights: Float32Array, moments: Float64Array, levels: number, reach: number): number[] {
  const n = weights.length;
  let trace = 0;
  for (let i = 0; i < n; i++) trace += moments[i * n + i];
  const h = (i: number, j: number): number => moments[i * n + j] + (i === j ? (0.01 * trace) / n : 0);
  const original = Array.from(weights);
  const current = [...original];
  const rounded: number[] = [];
  for (let c = 0; c < n; c++) {
    rounded.push(nearestLevel(current[c], levels, reach));
    const free = Array.from({ length: n - c - 1 }, (_, k) => c + 1 + k);
    // Least dᵀHd over the free part, the fixed part's d given: H_ff d_f = −H_fc d_c.
    const right = free.map(
      (i) => -rounded.reduce((sum, level, j) => sum + h(i, j) * (original[j] - level), 0),
    );
    const moved = solve(
      free.map((i) => free.map((j) => h(i, j))),
      right,
    );
    free.forEach((i, k) => (current[i] = original[i] - moved[k]));
  }
  return rounded;
}

describe('gptq', () => {
  it('rounds as the definition does, which solves for the free columns after every rounding', () => {
    const random = normalStream(630);
    const moments = correlatedMoments(random);
    const weights = normalValues(ROWS * COLUMNS, random);
    for (const bits of [4, 2, 1.58, 1] as LevelBits[]) {
      const grid = levelGrid(weights, ROWS, { bits, reach: 'absmax', granularity: 'channel' });
      const rounded = gptq(weights, grid, inverseFactor(moments));
      for (let r = 0; r < ROWS; r++) {
        const row = weights.subarray(r * COLUMNS, (r + 1) * COLUMNS);
        const expected = bruteForce(row, moments, grid.levels, grid.reaches[r]);
        expected.forEach((value, c) => expect(rounded[r * COLUMNS + c]).toBeCloseTo(value, 6));
      }
    }
  });

  it('is round to nearest, exactly, where the inputs do not lean on each other', () => {
    const weights = normalValues(ROWS * COLUMNS, normalStream(874));
    const identity = Float64Array.from({ length: COLUMNS ** 2 }, (_, i) => (i % (COLUMNS + 1) === 0 ? 1 : 0));
    const grid = levelGrid(weights, ROWS, { bits: 3, reach: 'absmax', granularity: 'tensor' });
    expect(gptq(weights, grid, inverseFactor(identity))).toEqual(roundToLevels(weights, grid));
  });

  it('changes the output of correlated inputs less than round to nearest does', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = normalStream(seed);
      const moments = correlatedMoments(random);
      const weights = normalValues(ROWS * COLUMNS, random);
      const grid = levelGrid(weights, ROWS, { bits: 4, reach: 'absmax', granularity: 'channel' });
      const ours = outputError(weights, gptq(weights, grid, inverseFactor(moments)), moments);
      expect(ours).toBeLessThan(outputError(weights, roundToLevels(weights, grid), moments));
    }
  });

  it('takes an input that is always zero, whole or in one column', () => {
    const weights = normalValues(ROWS * COLUMNS, normalStream(448));
    const grid = levelGrid(weights, ROWS, { bits: 4, reach: 'absmax', granularity: 'channel' });
    const zeros = new Float64Array(COLUMNS ** 2);
    expect(gptq(weights, grid, inverseFactor(zeros))).toEqual(roundToLevels(weights, grid));
    const oneDead = Float64Array.from({ length: COLUMNS ** 2 }, (_, i) =>
      i % (COLUMNS + 1) === 0 && i > 0 ? 1 : 0,
    );
    expect(gptq(weights, grid, inverseFactor(oneDead)).every(Number.isFinite)).toBe(true);
  });

  it('refuses moments that are not square or not positive definite, and weights that do not fit', () => {
    expect(() => inverseFactor(new Float64Array(12))).toThrow('must be a square matrix, got 12 values');
    expect(() => inverseFactor(Float64Array.of(1, 2, 2, 1))).toThrow('must be positive definite');
    expect(() => inverseFactor(Float64Array.of(NaN, 0, 0, 1))).toThrow('must be positive definite');
    const grid = levelGrid(new Float32Array(5), 1, { bits: 4, reach: 'absmax', granularity: 'tensor' });
    expect(() => gptq(new Float32Array(5), grid, Float64Array.of(1, 0, 0, 1))).toThrow(
      'rows of 2 values to fit the moments, got 5',
    );
  });
});
