import { describe, expect, it } from 'vitest';
import { ablationCoverage, MADE_UP_ABLATION } from '../../lib/analysis/made-up-ablation.js';

describe('ablationCoverage', () => {
  // 100 trials of 8 arms share their reference, so a share strays by about two points.
  it('holds the truth about as often as it says', () => {
    const { held, familyAlarms } = ablationCoverage(100, { ...MADE_UP_ABLATION, arms: 8 });
    expect(held).toBeGreaterThan(0.91);
    expect(held).toBeLessThan(0.99);
    expect(familyAlarms).toBeLessThan(0.15);
  });

  it('sees an effect of four half-widths every time, and holds it', () => {
    const { held, falseAlarms, halfWidth } = ablationCoverage(20, {
      ...MADE_UP_ABLATION,
      arms: 8,
      effect: 0.05,
    });
    expect(held).toBeGreaterThan(0.85);
    expect(falseAlarms).toBe(1);
    expect(halfWidth).toBeLessThan(0.02);
  });
});
