import { array, assert, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holm } from '../../lib/analysis/holm.js';
import { golden } from '../golden/vectors.js';

describe('holm', () => {
  it('adjusts as statsmodels does', () => {
    const { p, adjusted } = (
      golden('analysis/analysis.json') as { holm: { p: number[]; adjusted: number[] } }
    ).holm;
    holm(p).forEach(({ adjustedP }, i) => expect(adjustedP).toBeCloseTo(adjusted[i], 12));
  });

  it('draws each interval at the level at which the family decides', () => {
    assert(
      property(array(double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }), (p) => {
        holm(p).forEach(({ adjustedP, level }, i) => {
          const isOnTheEdge = Math.abs(adjustedP - 0.05) < 1e-9;
          expect(isOnTheEdge || p[i] <= 1 - level + 1e-12 === adjustedP < 0.05).toBe(true);
          expect(level).toBeGreaterThanOrEqual(0.95 - 1e-12);
        });
      }),
    );
  });

  it('refuses an empty family, and what is no probability', () => {
    expect(() => holm([])).toThrow('at least one comparison, got none');
    expect(() => holm([0.1, NaN])).toThrow('between 0 and 1, got NaN');
  });
});
