import { describe, expect, it } from 'vitest';
import { pilot } from '../../../experiments/pilot/experiment.js';
import { pilotResults, seedsFor } from '../../../experiments/pilot/results.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import { finishAll } from '../finish-runs.js';

/** A made-up loss: the arm's level, what the seed shifts, and ±0.01 of the arm and seed together. */
function madeUp({ arm, training }: RunSpec): Partial<FinishedRun> {
  const seed = training.seeds.weights;
  const isTernary = arm.endsWith('b1.58');
  const around = isTernary === (seed % 2 === 0) ? 0.01 : -0.01;
  return { validationLoss: (isTernary ? 2.1 : 2) + 0.05 * seed + around };
}

const finished = (): FinishedRun[] => finishAll((...of) => pilot.runs(...of), 'full', madeUp);

describe('the pilot', () => {
  it('gives both arms of a size the same seeds, data and model', () => {
    const runs = pilot.runs('full', []);
    expect(new Set(runs.map(runId)).size).toBe(runs.length);
    for (const size of new Set(runs.map(({ arm }) => arm.split('/')[0]))) {
      const arms = ['b1.58', 'full-precision'].map((arm) =>
        runs.filter((run) => run.arm === `${size}/${arm}`),
      );
      expect(arms[0].map(({ training }) => training.seeds)).toEqual(
        arms[1].map(({ training }) => training.seeds),
      );
      expect(
        new Set(arms.flat().map(({ corpus, training }) => JSON.stringify([corpus, training.steps]))).size,
      ).toBe(1);
    }
  });

  it('finds the scatter and the difference that are there, beside what seeds shift', () => {
    const results = pilotResults(finished());
    expect(results).toHaveLength(5);
    for (const { deviation, degrees, difference } of results) {
      // Four residuals of ±0.01 in each arm, whose means are zero: √(8 · 1e−4 / 3).
      expect(deviation).toBeCloseTo(Math.sqrt((8 * 1e-4) / 3), 9);
      expect(degrees).toBe(3);
      expect(difference.value).toBeCloseTo(0.1, 9);
    }
  });

  it('leaves a size out that has one seed, and says what a narrower interval takes', () => {
    expect(pilotResults(finished().slice(0, 1))).toEqual([]);
    // (1.984 · √2 · 0.012 / 0.012)² = 7.87
    expect(seedsFor(0.012, 0.012)).toBe(8);
    expect(seedsFor(0.012, 0.006)).toBe(32);
    expect(pilot.table(finished())).toHaveLength(2 + 5);
  });
});
