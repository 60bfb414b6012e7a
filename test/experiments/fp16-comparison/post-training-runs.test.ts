import { describe, expect, it } from 'vitest';
import { postTrainingRuns } from '../../../experiments/fp16-comparison/post-training-runs.js';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';

/** Runs that ended with the same loss, whatever they learned. */
function finishedAll(specs: readonly RunSpec[]): FinishedRun[] {
  return specs.map((spec) => ({
    ...spec,
    id: runId(spec),
    validationLoss: Math.abs(Math.log(spec.training.schedule.peak / 6e-3)),
    validationTokens: 1,
    parameters: 1,
    curve: [],
    seconds: 1,
    backend: { name: 'test', version: '', threads: 1 },
  }));
}

describe('postTrainingRuns', () => {
  it('tunes every arm, then runs the same shape, seeds and steps in all three', () => {
    const tuning = postTrainingRuns('full', []);
    expect(tuning.every(({ role }) => role === 'tune')).toBe(true);
    // Twice: the best rate of an arm may lie at the edge of its grid at first.
    const more = postTrainingRuns('full', finishedAll(tuning));
    const all = postTrainingRuns('full', finishedAll(more));
    const finals = all.filter(({ role }) => role === 'final');
    expect(finals).toHaveLength(9);
    const differing = new Set(
      finals.map(({ model, training: { steps, batch, context } }) =>
        JSON.stringify({ shape: { ...model, bitlm: undefined }, steps, batch, context }),
      ),
    );
    expect(differing.size).toBe(1);
    expect(finals.filter(({ evaluations }) => evaluations?.includes('ptq')).map(({ arm }) => arm)).toEqual(
      Array.from({ length: 3 }, () => 'ptq-full-precision'),
    );
  });
});
