import { assert, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { tuneRate } from '../../../experiments/sweep/tuning.js';
import { finishRun } from '../finish-runs.js';
import { toyRun } from '../toy-experiment.js';

const runAt = (peak: number): RunSpec => toyRun(`lr${peak}`, 20, peak, 1);

/** Tunes until nothing new appears, with a loss for every rate. */
function tune(
  grid: number[],
  lossAt: (rate: number) => number | null,
  extensions?: number,
): ReturnType<typeof tuneRate> {
  const finished: FinishedRun[] = [];
  for (;;) {
    const tuned = tuneRate(grid, runAt, finished, extensions);
    const fresh = tuned.runs.filter((run) => !finished.some(({ id }) => id === runId(run)));
    if (fresh.length === 0) return tuned;
    finished.push(
      ...fresh.map((run) => finishRun(run, { validationLoss: lossAt(run.training.schedule.peak) })),
    );
  }
}

const bowl =
  (best: number) =>
  (rate: number): number =>
    Math.log(rate / best) ** 2;

describe('tuneRate', () => {
  it('has no best rate while a run is missing', () => {
    const first = tuneRate([1e-3, 2e-3], runAt, []);
    expect(first.best).toBeUndefined();
    expect(first.runs.map((run) => run.training.schedule.peak)).toEqual([1e-3, 2e-3]);
    expect(
      tuneRate([1e-3, 2e-3], runAt, [finishRun(first.runs[0], { validationLoss: 1 })]).best,
    ).toBeUndefined();
  });

  it('takes the middle of a grid that holds the best', () => {
    const { best, runs, atEdge } = tune([1e-3, 2e-3, 4e-3], bowl(2e-3));
    expect({ best, runs: runs.length, atEdge }).toEqual({ best: 2e-3, runs: 3, atEdge: false });
  });

  it('goes on beyond either edge, in the ratio of the grid, until the best is inside', () => {
    expect(tune([1e-3, 2e-3, 4e-3], bowl(8e-3)).best).toBe(8e-3);
    expect(tune([4e-3, 8e-3, 1.6e-2], bowl(2e-3)).best).toBe(2e-3);
    expect(tune([1e-3, 2e-3, 4e-3], bowl(8e-3)).runs).toHaveLength(5);
  });

  it('gives up beyond the edge after its extensions, and says so', () => {
    const { best, atEdge, runs } = tune([1e-3, 2e-3], bowl(1), 2);
    expect({ best, atEdge, runs: runs.length }).toEqual({ best: 8e-3, atEdge: true, runs: 4 });
  });

  it('never takes a rate that diverged, and none where all did', () => {
    expect(tune([1e-3, 2e-3, 4e-3], (rate) => (rate > 2e-3 ? null : -rate)).best).toBe(2e-3);
    const none = tune([1e-3, 2e-3], () => null);
    expect([none.best, none.atEdge]).toEqual([undefined, true]);
    // It has looked for a lower one.
    expect(none.runs.map((run) => run.training.schedule.peak)).toContain(5e-4);
    expect(tune([1e-3, 2e-3], (rate) => (rate > 5e-4 ? null : bowl(2.5e-4)(rate))).best).toBe(2.5e-4);
  });

  it('finds the best of a bowl within its reach to half a step of the grid, whatever the order of results', () => {
    assert(
      property(double({ min: 2.5e-4, max: 1.6e-2, noNaN: true }), (optimum) => {
        const { best, atEdge } = tune([1e-3, 2e-3, 4e-3], bowl(optimum));
        expect(atEdge).toBe(false);
        expect(Math.abs(Math.log2(best! / optimum))).toBeLessThanOrEqual(0.51);
      }),
    );
  });
});
