import { describe, expect, it } from 'vitest';
import { absmeanTernaryGrid, quantizeWeights } from '../../lib/quantizers/weights.js';
import { LEVEL_BITS, levelGrid, nearestLevel, roundToLevels } from '../../lib/quantizers/level-grid.js';
import { normalStream, normalValues } from '../normal-values.js';

function normal(count: number, seed: number): Float32Array {
  return normalValues(count, normalStream(seed));
}

describe('levelGrid', () => {
  const weights = Float32Array.of(0.5, -1, 0.25, 4, -2, 0);

  it('reaches to the largest magnitude of the matrix, or of each row', () => {
    const tensor = levelGrid(weights, 2, { bits: 4, reach: 'absmax', granularity: 'tensor' });
    const channel = levelGrid(weights, 2, { bits: 4, reach: 'absmax', granularity: 'channel' });
    expect([...tensor.reaches]).toEqual([4]);
    expect([...channel.reaches]).toEqual([1, 4]);
  });

  it('reaches to the largest magnitude of each group of neighbours; the last of a row may be shorter', () => {
    const grouped = levelGrid(weights, 2, { bits: 4, reach: 'absmax', granularity: 2 });
    expect([...grouped.reaches]).toEqual([1, 0.25, 4, Math.fround(1e-5)]);
    expect([...roundToLevels(weights, grouped)].map(Math.abs)).toEqual([
      Math.fround(4 / 7),
      1,
      0.25,
      4,
      Math.fround((4 * 4) / 7),
      0,
    ]);
    expect(() => levelGrid(weights, 2, { bits: 4, reach: 'absmax', granularity: 0 })).toThrow(
      'granularity must be tensor, channel or a whole number from 1, got 0',
    );
  });

  it('is the ternary grid of b1.58 for absmean at 1.58 bits', () => {
    const w = normal(4096, 1);
    const grid = levelGrid(w, 64, { bits: 1.58, reach: 'absmean', granularity: 'tensor' });
    const rounded = roundToLevels(w, grid);
    expect(grid.reaches[0]).toBeCloseTo(absmeanTernaryGrid(w).scale, 6);
    expect([...rounded].map((value) => Math.sign(value))).toEqual([
      ...quantizeWeights('absmean-ternary', w).values,
    ]);
  });

  it('refuses rows that do not divide the weights, a width that there is none of, and weights that are not finite', () => {
    const kind = { bits: 4, reach: 'absmax', granularity: 'channel' } as const;
    expect(() => levelGrid(weights, 4, kind)).toThrow('rows must divide the 6 weights, got 4');
    expect(() => levelGrid(weights, 2, { ...kind, bits: 5 as 4 })).toThrow(
      'bits must be one of 1, 2, 3, 4, 6, 8, 1.58',
    );
    expect(() => levelGrid(Float32Array.of(1, NaN), 1, kind)).toThrow('weights must be finite');
  });
});

describe('roundToLevels', () => {
  it('takes the nearest of all levels, found by trying each', () => {
    const w = normal(300, 2);
    for (const bits of LEVEL_BITS) {
      const grid = levelGrid(w, 3, { bits, reach: 'absmean', granularity: 'channel' });
      const rounded = roundToLevels(w, grid);
      w.forEach((weight, i) => {
        const reach = grid.reaches[Math.floor(i / 100)];
        const all = Array.from(
          { length: grid.levels },
          (_, k) => -reach + (2 * reach * k) / (grid.levels - 1),
        );
        const best = Math.min(...all.map((level) => Math.abs(level - weight)));
        expect(Math.abs(Math.abs(rounded[i] - weight) - best)).toBeLessThan(1e-6);
      });
    }
  });

  it('gives 255, 15, 7, 4, 3 and 2 values, and keeps the largest magnitude under absmax', () => {
    const w = normal(100_000, 3);
    const largest = w.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const counts = LEVEL_BITS.map((bits) => {
      const rounded = roundToLevels(w, levelGrid(w, 1, { bits, reach: 'absmax', granularity: 'tensor' }));
      expect(rounded.reduce((max, value) => Math.max(max, Math.abs(value)), 0)).toBeCloseTo(largest, 6);
      return new Set(rounded.map((value) => Math.abs(value))).size * 2 - (rounded.includes(0) ? 1 : 0);
    });
    // At 8 bits some outer levels of a Gaussian stay empty.
    expect(counts[0]).toBeGreaterThan(200);
    expect(counts.slice(1)).toEqual([15, 7, 4, 3, 2]);
  });

  it('rounds halves to even', () => {
    expect([0.5, 1.5, 2.5, -0.5].map((x) => nearestLevel(x, 7, 3))).toEqual([0, 2, 2, 0]);
  });
});
