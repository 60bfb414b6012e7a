import { describe, expect, it } from 'vitest';
import { sizeTrend, type SizeDifference } from '../../lib/analysis/size-trend.js';
import { golden } from '../golden/vectors.js';

describe('sizeTrend', () => {
  it('agrees with statsmodels, slope and bend', () => {
    const { sizes, slope, bend } = golden('analysis/analysis.json') as {
      sizes: SizeDifference[];
      slope: { value: number; standardError: number };
      bend: { value: number; standardError: number };
    };
    const trend = sizeTrend(sizes);
    expect(trend.slope.value).toBeCloseTo(slope.value, 12);
    expect(trend.slope.standardError).toBeCloseTo(slope.standardError, 12);
    expect(trend.slope.degrees).toBe(3);
    expect(trend.bend!.value).toBeCloseTo(bend.value, 12);
    expect(trend.bend!.standardError).toBeCloseTo(bend.standardError, 12);
  });

  it('predicts the line', () => {
    const trend = sizeTrend([1, 2, 4, 8].map((size) => ({ size, value: 1 + Math.log2(size) })));
    expect(trend.at(16).value).toBeCloseTo(5, 12);
    expect(trend.slope.value).toBeCloseTo(1, 12);
    expect(trend.bend!.value).toBeCloseTo(0, 12);
  });

  it('refuses two sizes, and what is no size', () => {
    expect(() => sizeTrend([1, 2].map((size) => ({ size, value: 0 })))).toThrow(
      'at least three sizes, got 2',
    );
    expect(() => sizeTrend([1, 2, 0].map((size) => ({ size, value: 0 })))).toThrow('got 0 at size 0');
  });
});
