import { describe, expect, it } from 'vitest';
import { coverage, MADE_UP_SWEEP, madeUpLosses } from '../../lib/analysis/coverage.js';
import { precisionLawFactor, shiftBySize } from '../../lib/analysis/horizontal-shift.js';
import type { MeasuredLoss } from '../../lib/analysis/loss-points.js';
import { fitPowerLaw } from '../../lib/analysis/scaling-law.js';
import { powerLawIntervals, profileOfC } from '../../lib/analysis/scaling-intervals.js';

const SIZES = MADE_UP_SWEEP.sizes;

function exact(a: number, b: number, c: number, sizes: readonly number[] = SIZES): MeasuredLoss[] {
  return sizes.map((parameters) => ({ parameters, seed: 1, loss: a * parameters ** b + c }));
}

const points = (rows: readonly (readonly [number, number])[]): MeasuredLoss[] =>
  rows.map(([parameters, loss]) => ({ parameters, seed: 1, loss }));

/** Excess over the exact entropy, nats: the pilot of a language with s = 1.5, one seed. */
const PILOT_FULL = points([
  [6_528, 0.92],
  [10_240, 0.709],
  [19_968, 0.51],
  [32_768, 0.387],
  [67_584, 0.301],
  [114_688, 0.246],
]);
const PILOT_B158 = points([
  [6_528, 1.484],
  [10_240, 1.151],
  [19_968, 0.965],
  [32_768, 0.644],
  [67_584, 0.465],
  [114_688, 0.353],
]);
const ENTROPY = 0.804;

describe('fitPowerLaw', () => {
  it('finds the coefficients that exact losses were made from', () => {
    for (const [a, b, c] of [
      [120, -0.5, 0.9],
      [9, -0.2, 0.3],
      [3e4, -1.1, 2],
    ]) {
      const law = fitPowerLaw(exact(a, b, c));
      expect(law.b).toBeCloseTo(b, 4);
      expect(law.c).toBeCloseTo(c, 4);
      expect(law.a / a).toBeCloseTo(1, 2);
      expect(law.atBounds).toEqual([]);
    }
  });

  it('finds what the pilot of s = 1.5 was fitted with: c 0.942, b −0.68', () => {
    const law = fitPowerLaw(PILOT_FULL.map((point) => ({ ...point, loss: point.loss + ENTROPY })));
    expect(law.b).toBeCloseTo(-0.68, 1);
    expect(law.c).toBeCloseTo(0.942, 1);
    expect(law.rmse).toBeLessThan(0.008);
  });

  it('says that a fit stands at a bound', () => {
    const line = SIZES.map((parameters) => ({ parameters, seed: 1, loss: 3 - 0.2 * Math.log(parameters) }));
    expect(fitPowerLaw(line).atBounds.join()).toMatch(/^(b = −?-?0.01|c = 0)/);
    const rising = exact(1, 0.3, 0);
    expect(fitPowerLaw(rising).atBounds.join()).toContain('does not fall with size');
  });

  it('says how many sizes are needed', () => {
    expect(() => fitPowerLaw(exact(1, -1, 0, [1e3, 1e4, 1e5]))).toThrow(
      'fit L(N) = aN^b + c: there must be at least 4 sizes that did not diverge, got 3.',
    );
  });
});

describe('intervals', () => {
  it('hold the true b and c in most of 20 trials', () => {
    const held = coverage(20, MADE_UP_SWEEP, { draws: 100 });
    for (const share of Object.values(held)) expect(share).toBeGreaterThanOrEqual(0.75);
  });

  it('say how many seeds are needed', () => {
    expect(() => powerLawIntervals(exact(120, -0.5, 0.9))).toThrow('there must be at least 2 seeds, got 1');
  });

  it('have a profile of c whose interval holds the truth, and is wide over half a decade', () => {
    const grid = Array.from({ length: 81 }, (_, i) => i / 40);
    const wide = profileOfC(madeUpLosses(MADE_UP_SWEEP, 3), grid).interval;
    expect(wide.low).toBeLessThan(MADE_UP_SWEEP.c);
    expect(wide.high).toBeGreaterThan(MADE_UP_SWEEP.c);
    const few = { ...MADE_UP_SWEEP, sizes: SIZES.slice(0, 4) };
    const { low, high } = profileOfC(madeUpLosses(few, 3), grid).interval;
    expect(high - low).toBeGreaterThan(2 * (wide.high - wide.low));
  });
});

describe('shiftBySize', () => {
  it('is the pilot’s 0.35 to 0.38 from 33 k parameters on', () => {
    const shifts = shiftBySize(PILOT_B158, PILOT_FULL).filter(({ parameters }) => parameters > 30_000);
    for (const { k } of shifts) expect(Math.abs(k - 0.365)).toBeLessThan(0.025);
  });

  it('finds the k that a curve was moved by', () => {
    // L(0.4·N) with b = −0.5 is a·0.4^−0.5·N^−0.5 + c.
    const moved = exact(120 * 0.4 ** -0.5, -0.5, 0.9);
    const shifts = shiftBySize(moved, exact(120, -0.5, 0.9));
    expect(shifts.length).toBeGreaterThan(5);
    // The curve is read as straight between its sizes, which costs a fortieth here.
    for (const { k } of shifts) expect(Math.abs(k - 0.4)).toBeLessThan(0.015);
  });

  it('stands beside the precision law: 0.446 at 1.58 bits, 0.312 at one', () => {
    expect(precisionLawFactor(1.58)).toBeCloseTo(0.446, 3);
    expect(precisionLawFactor(1)).toBeCloseTo(0.312, 3);
  });
});
