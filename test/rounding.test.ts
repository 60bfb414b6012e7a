import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundHalfToEven } from '../lib/rounding.js';

describe('roundHalfToEven', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, -0],
    [-1.5, -2],
    [-2.5, -2],
    [0.49999999999999994, 0],
    [-0.2, -0],
    [-0, -0],
    [0, 0],
    [126.5, 126],
    [2 ** 51 + 0.5, 2 ** 51],
    [2 ** 51 + 1.5, 2 ** 51 + 2],
    [2 ** 53, 2 ** 53],
    [Infinity, Infinity],
    [-Infinity, -Infinity],
    [NaN, NaN],
    [5e-324, 0],
  ])('%d → %d', (x, rounded) => {
    expect(roundHalfToEven(x)).toBe(rounded);
  });

  it('is the nearest whole number, and the even one of two that are as near', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (x) => {
        const floor = Math.floor(x);
        const above = x - floor;
        const even = floor % 2 === 0 ? floor : floor + 1;
        expect(roundHalfToEven(x) + 0).toBe((above === 0.5 ? even : above < 0.5 ? floor : floor + 1) + 0);
      }),
    );
  });

  it('leaves every whole number and rounds every half of one to even', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (whole, half) => {
        expect(roundHalfToEven(whole)).toBe(whole);
        expect(Math.abs(roundHalfToEven(half + 0.5) % 2)).toBe(0);
      }),
    );
  });
});
