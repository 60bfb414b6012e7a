/** What a sweep that was stopped leaves behind: some of its runs, some of them diverged. Tables and claims say what they say. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../../experiments/experiments.js';
import { finishAll } from '../made-up-runs.js';

const PRESETS = ['smoke', 'laptop', 'full'] as const;

describe.each(EXPERIMENTS.map((experiment) => [experiment.name, experiment] as const))(
  '%s',
  (_, experiment) => {
    it.each(PRESETS)('makes sense of any part of its runs, %s', (preset) => {
      // Endless lists of chances: how many runs there are depends on which of them diverge.
      const chances = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
      fc.assert(
        fc.property(
          chances,
          fc.constantFrom(0, 0.1, 0.5),
          fc.constantFrom(0.3, 0.9, 1),
          (chance, lost, kept) => {
            const next = (): number => chance.next().value;
            const all = finishAll(experiment, preset, ({ arm, training }) =>
              next() < lost ? null : 2 + arm.length * 1e-3 + training.seeds.batches * 0.1,
            );
            const finished = all.filter(() => next() <= kept);
            for (const { claim, ours } of experiment.claims?.(finished) ?? [])
              expect([ours.value, ours.low, ours.high].some(Number.isNaN), claim).toBe(false);
            expect(experiment.table(finished).join('\n')).not.toMatch(/NaN|undefined/);
          },
        ),
        { numRuns: 10 },
      );
    });
  },
);
