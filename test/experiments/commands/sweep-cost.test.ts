import { describe, expect, it } from 'vitest';
import { sweepSeconds, type PlannedRun } from '../../../experiments/commands/sweep-cost.js';

/** Three tuning runs and two final ones of each arm. */
const arm = (name: string, tune: number, final: number): PlannedRun[] => [
  ...[1, 2, 3].map(() => ({ arm: name, round: 0, seconds: tune })),
  ...[1, 2].map(() => ({ arm: name, round: 1, seconds: final })),
];

describe('sweepSeconds', () => {
  const runs = [...arm('a', 1, 10), ...arm('b', 2, 5)];

  it('is the sum of all runs on one core', () => {
    expect(sweepSeconds(runs, 1)).toBe(3 + 20 + 6 + 10);
  });

  it('is the longest chain from tuning to a final run on any number of cores', () => {
    expect(sweepSeconds(runs, 10)).toBe(11);
    expect(sweepSeconds(runs, 100)).toBe(11);
  });

  it('holds final runs back until the last tuning run of their arm has ended, and no other arm’s', () => {
    // On two cores 1+1 beside 1, then 10 beside 10. On six, arm a goes on at 1 while b is still tuned until 9.
    expect(sweepSeconds(arm('a', 1, 10), 2)).toBe(2 + 10);
    expect(sweepSeconds([...arm('a', 1, 10), ...arm('b', 9, 1)], 6)).toBe(11);
  });

  it('lies between the bounds that hold for any schedule', () => {
    for (const cores of [2, 3, 4, 8]) {
      const time = sweepSeconds(runs, cores);
      expect(time).toBeGreaterThanOrEqual(Math.max(39 / cores, 11));
      expect(time).toBeLessThanOrEqual(39 / cores + 11);
    }
  });
});
