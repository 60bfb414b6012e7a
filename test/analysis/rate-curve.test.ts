import { describe, expect, it } from 'vitest';
import { atBestRate, fitRateCurve, octavesBetween, type RateLoss } from '../../lib/analysis/rate-curve.js';
import { golden } from '../golden/vectors.js';

const reference = golden('analysis/analysis.json') as {
  rates: RateLoss[];
  parabola: { best: number; curvature: number; octaves: number };
};

/** An exact parabola around 2⁰. */
const exact = (octaves: readonly number[]): RateLoss[] =>
  octaves.flatMap((octave) =>
    [0, 1].map((seed) => ({ rate: 2 ** octave, seed, loss: 2 + 0.1 * octave ** 2 + seed })),
  );

describe('fitRateCurve', () => {
  it('agrees with statsmodels, the error of the lowest point included', () => {
    const curve = fitRateCurve(reference.rates);
    expect(curve.best).toBeCloseTo(reference.parabola.best, 9);
    expect(curve.curvature).toBeCloseTo(reference.parabola.curvature, 9);
    expect(curve.octaves).toBeCloseTo(reference.parabola.octaves, 9);
    expect(curve.cost).toBeCloseTo(curve.curvature * curve.octaves ** 2, 12);
  });

  it('finds the lowest point between the rates that were tried', () => {
    const curve = fitRateCurve(exact([-1.25, -0.75, -0.25, 0.25, 0.75, 1.25]));
    expect(curve.best).toBeCloseTo(1, 9);
    expect(curve.at(2) - curve.lowest).toBeCloseTo(0.1, 9);
    expect(curve.isInside).toBe(true);
    expect(curve.missing).toBeUndefined();
  });

  it('says on which side rates are missing', () => {
    expect(fitRateCurve(exact([0.5, 1, 1.5, 2]))).toMatchObject({ isInside: false, missing: 'lower' });
    expect(fitRateCurve(exact([-2, -1.5, -1, -0.5]))).toMatchObject({ isInside: false, missing: 'higher' });
    expect(fitRateCurve(exact([-0.5, 0.5, 1, 1.5])).missing).toBe('lower');
  });

  it('leaves runs out that diverged, and refuses what does not make a curve', () => {
    const runs = [...exact([-1, -0.5, 0.1, 0.5, 1]), { rate: 4, seed: 0, loss: Infinity }];
    expect(fitRateCurve(runs).fitted).not.toContain(4);
    expect(() => fitRateCurve(exact([0, 1]))).toThrow(
      'at least four finite losses at three rates, got 4 at 2',
    );
    expect(() => fitRateCurve([{ rate: 1, seed: 0, loss: Infinity }])).toThrow('got 0 at 0');
  });
});

describe('fitRateCurve with one seed', () => {
  it('takes a fourth rate where three would leave nothing to estimate from', () => {
    const oneSeed = [0, 0.5, 1, 1.5].map((octave) => ({
      rate: 2 ** octave,
      seed: 0,
      loss: 2 - 0.1 * octave,
    }));
    expect(fitRateCurve(oneSeed)).toMatchObject({ isInside: false, missing: 'higher', best: 2 ** 1.5 });
  });
});

describe('octavesBetween', () => {
  it('adds the variances of both lowest points, with Welch’s degrees of freedom', () => {
    const curve = fitRateCurve(reference.rates);
    const own = { ...curve, best: 4 * curve.best, octaves: 0.3, degrees: 8 };
    const other = { ...curve, octaves: 0.4, degrees: 6 };
    const { value, standardError, degrees } = octavesBetween(own, other);
    expect(value).toBeCloseTo(2, 9);
    expect(standardError).toBeCloseTo(0.5, 12);
    expect(degrees).toBeCloseTo(0.0625 / (0.0081 / 8 + 0.0256 / 6), 9);
  });

  it('knows nothing where a lowest point lies at the edge', () => {
    const edge = fitRateCurve(exact([0.5, 1, 1.5, 2]));
    expect(octavesBetween(edge, edge)).toMatchObject({ standardError: Infinity, degrees: 0 });
  });
});

describe('atBestRate', () => {
  it('takes the expected cost of either rate off, and adds its spread', () => {
    const contrast = { value: 0.1, standardError: 0.03, degrees: 20, count: 8 };
    const better = atBestRate(contrast, { cost: 0.02 }, { cost: 0.01 });
    expect(better.value).toBeCloseTo(0.09, 12);
    expect(better.standardError).toBeCloseTo(Math.sqrt(0.0009 + 2 * 0.0004 + 2 * 0.0001), 12);
    expect(atBestRate(contrast, undefined, undefined)).toEqual(contrast);
  });
});
