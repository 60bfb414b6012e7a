import { describe, expect, it } from 'vitest';
import { halfWidth, interval, pValue, seedsToDecide, smallestVisible } from '../../lib/analysis/contrast.js';
import { PooledArms, type ArmLoss } from '../../lib/analysis/pooled-arms.js';
import { golden } from '../golden/vectors.js';

const reference = golden('analysis/analysis.json') as {
  runs: ArmLoss[];
  deviation: number;
  degrees: number;
  contrasts: { arm: string; value: number; standardError: number; low: number; high: number; p: number }[];
  t: [number, number, number][];
};

/** Losses whose residuals around arm and seed are known exactly. */
function grid(losses: Record<string, number[]>): ArmLoss[] {
  return Object.entries(losses).flatMap(([arm, values]) => values.map((loss, seed) => ({ arm, seed, loss })));
}

describe('PooledArms', () => {
  it('agrees with statsmodels on arms and seeds of which some are missing', () => {
    const pooled = new PooledArms(reference.runs);
    expect(pooled.deviation).toBeCloseTo(reference.deviation, 12);
    expect(pooled.degrees).toBe(reference.degrees);
    for (const { arm, value, standardError, low, high, p } of reference.contrasts) {
      const contrast = pooled.contrast(arm, 'arm0');
      expect(contrast.value).toBeCloseTo(value, 12);
      expect(contrast.standardError).toBeCloseTo(standardError, 12);
      expect(interval(contrast).low).toBeCloseTo(low, 9);
      expect(interval(contrast).high).toBeCloseTo(high, 9);
      expect(pValue(contrast)).toBeCloseTo(p, 9);
      expect(pooled.contrast('arm0', arm).value).toBeCloseTo(-value, 12);
    }
  });

  it('takes away what a seed shifts in all arms', () => {
    const pooled = new PooledArms(grid({ a: [1, 2, 3], b: [1.5, 2.5, 3.5] }));
    expect(pooled.deviation).toBeCloseTo(0, 12);
    expect(pooled.contrast('b', 'a').value).toBeCloseTo(0.5, 12);
  });

  it('sets an arm apart that scatters far more, and keeps the others tight', () => {
    const calm = Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [
        `arm${i}`,
        [0, 1, 2, 3].map((seed) => 1 + 0.001 * ((i * 7 + seed * 3) % 5)),
      ]),
    );
    const pooled = new PooledArms(grid({ ...calm, wild: [1, 2, 0.5, 3] }));
    expect(pooled.apart).toEqual(['wild']);
    expect(pooled.deviation).toBeLessThan(0.01);
    expect(halfWidth(pooled.contrast('wild', 'arm0'))).toBeGreaterThan(1);
    expect(halfWidth(pooled.contrast('arm1', 'arm0'))).toBeLessThan(0.01);
  });

  it('counts a run that diverged as worse than any number, and says nothing of two', () => {
    const pooled = new PooledArms(
      grid({ a: [1, 2, 3], b: [1, 2.1, 3], bad: [1, Infinity, 3], worse: [1, 2, Infinity] }),
    );
    expect(pooled.diverged).toEqual(['bad', 'worse']);
    expect(interval(pooled.contrast('bad', 'a'))).toMatchObject({ value: Infinity, low: Infinity });
    expect(interval(pooled.contrast('a', 'bad'))).toMatchObject({ value: -Infinity, high: -Infinity });
    expect(interval(pooled.contrast('worse', 'bad'))).toMatchObject({ low: -Infinity, high: Infinity });
  });

  it.each<[string, ArmLoss[], string]>([
    ['no runs', [], 'there must be runs to pool, got none'],
    ['NaN', [{ arm: 'a', seed: 1, loss: NaN }], 'got NaN for a, seed 1'],
    ['a run twice', [1, 1].map((seed) => ({ arm: 'a', seed, loss: 1 })), 'got a, seed 1 twice'],
    [
      'one run an arm',
      grid({ a: [1], b: [2] }),
      'more runs than arms and seeds together, got 2 runs of 2 arms',
    ],
  ])('refuses %s', (_, runs, message) => {
    expect(() => new PooledArms(runs)).toThrow(message);
  });

  it('names the arms there are', () => {
    expect(() => new PooledArms(reference.runs).contrast('arm9', 'arm0')).toThrow(
      'arm0, arm1, arm2, arm3, arm4, got arm9',
    );
  });
});

describe('power', () => {
  const contrast = { value: 0.01, standardError: 0.01, degrees: 7, count: 8 };

  it('is made from the quantiles of Student', () => {
    const [[, , quantile]] = reference.t;
    expect(halfWidth(contrast)).toBeCloseTo(quantile * 0.01, 9);
    const wide = { ...contrast, degrees: 30 };
    expect(smallestVisible(wide) - halfWidth(wide)).toBeCloseTo(reference.t[1][2] * 0.01, 9);
  });

  it('asks for four times the seeds at half the distance, and never for fewer than there are', () => {
    const far = seedsToDecide(contrast, 0.01);
    expect(seedsToDecide(contrast, 0.005) / far).toBeCloseTo(4, 1);
    expect(seedsToDecide(contrast, 1)).toBe(8);
    expect(seedsToDecide(contrast, 0)).toBe(Infinity);
    expect(seedsToDecide({ ...contrast, degrees: 0 }, 0.1)).toBe(Infinity);
  });
});
