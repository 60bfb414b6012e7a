import { describe, expect, it } from 'vitest';
import { meanInterval, pairedDifference, standardDeviation } from '../../lib/analysis/statistics.js';

/** jStat's quantiles are right to about eight digits. */
const QUANTILE_TOLERANCE = 1e-7;

describe('standardDeviation', () => {
  it('is √(32/7) for 2 4 4 4 5 5 7 9, and NaN for one value', () => {
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 14);
    expect(standardDeviation([3])).toBeNaN();
  });
});

describe('meanInterval', () => {
  /** With one and two degrees of freedom Student's quantile has a closed form. */
  it.each([0.5, 0.9, 0.95, 0.99])('holds Cauchy’s quantile for two values at level %d', (level) => {
    const { value, low, high } = meanInterval([1, 3], level);
    const quantile = Math.tan((Math.PI * level) / 2);
    expect(value).toBe(2);
    expect(Math.abs((high - 2) / quantile - 1)).toBeLessThan(QUANTILE_TOLERANCE);
    expect(Math.abs((2 - low) / quantile - 1)).toBeLessThan(QUANTILE_TOLERANCE);
  });

  it.each([0.5, 0.9, 0.95, 0.99])('holds t = a√2/√(1 − a²) for three values at level %d', (level) => {
    const { value, high } = meanInterval([1, 2, 3], level);
    const quantile = (level * Math.SQRT2) / Math.sqrt(1 - level ** 2);
    expect(value).toBe(2);
    expect(Math.abs((high - 2) / (quantile / Math.sqrt(3)) - 1)).toBeLessThan(QUANTILE_TOLERANCE);
  });

  it('meets the printed table for 9 degrees of freedom: 2.262', () => {
    const values = Array.from({ length: 10 }, (_, i) => i);
    const { value, high } = meanInterval(values);
    expect((high - value) / (standardDeviation(values) / Math.sqrt(10))).toBeCloseTo(2.262, 3);
  });

  it('knows nothing of the spread from one value', () => {
    expect(meanInterval([5])).toEqual({ value: 5, low: -Infinity, high: Infinity, count: 1 });
  });

  it('takes diverged runs for Infinity, for certain where all diverged', () => {
    expect(meanInterval([Infinity, Infinity])).toMatchObject({ low: Infinity, high: Infinity });
    expect(meanInterval([Infinity, 2, 3])).toMatchObject({ value: Infinity, low: 2, high: Infinity });
  });

  it('refuses no values, NaN and a level that is none', () => {
    expect(() => meanInterval([])).toThrow('mean: there must be at least one value, got none.');
    expect(() => meanInterval([1, NaN])).toThrow('values must be numbers, got 1, NaN');
    expect(() => meanInterval([1, 2], 95)).toThrow('level must lie between 0 and 1, got 95');
  });
});

describe('pairedDifference', () => {
  it('sees a constant difference for certain, however much the seeds differ', () => {
    expect(pairedDifference([2, 5, 9], [1, 4, 8])).toEqual({ value: 1, low: 1, high: 1, count: 3 });
  });

  it('is the interval of the differences', () => {
    expect(pairedDifference([2, 5, 9], [1, 1, 1])).toEqual(meanInterval([1, 4, 8]));
  });

  it('is open to both sides where runs diverged in both arms', () => {
    const open = { low: -Infinity, high: Infinity };
    expect(pairedDifference([Infinity, 2], [Infinity, 1])).toEqual({ value: 1, ...open, count: 2 });
    expect(pairedDifference([Infinity], [Infinity])).toEqual({ value: 0, ...open, count: 1 });
    expect(pairedDifference([Infinity, 2, 3], [1, Infinity, 1])).toEqual({ value: 2, ...open, count: 3 });
  });

  it('refuses NaN', () => {
    expect(() => pairedDifference([NaN, 2], [1, 1])).toThrow('values must be numbers');
  });

  it('refuses arms of different seeds', () => {
    expect(() => pairedDifference([1, 2], [1])).toThrow('same seeds, got 2 and 1 values');
  });
});
