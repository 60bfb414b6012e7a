import { describe, expect, it } from 'vitest';
import { searchRate, type RateGrid, type RateSearch } from '../../../experiments/sweep/rate-search.js';
import { runId, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { finishRun } from '../finish-runs.js';
import { toyRun } from '../toy-experiment.js';

const GRID: RateGrid = { lowest: 1e-3, count: 5, seeds: [101, 102], extensions: 6 };
const runAt = (peak: number, seed: number): RunSpec => toyRun(`lr${peak}-seed${seed}`, 20, peak, seed);

/** Searches until nothing new appears, with a loss for every rate. */
function search(lossAt: (rate: number, seed: number) => number | null, grid = GRID): RateSearch {
  const finished: FinishedRun[] = [];
  for (;;) {
    const found = searchRate(grid, runAt, finished);
    const fresh = found.runs.filter((run) => !finished.some(({ id }) => id === runId(run)));
    if (fresh.length === 0) return found;
    for (const run of fresh) {
      const { schedule, seeds } = run.training;
      finished.push(finishRun(run, { validationLoss: lossAt(schedule.peak, seeds.weights) }));
    }
  }
}

const bowl =
  (best: number) =>
  (rate: number, seed: number): number =>
    2 + 0.1 * Math.log2(rate / best) ** 2 + 0.01 * seed;

const ratesOf = ({ runs }: RateSearch): number[] => [
  ...new Set(runs.map(({ training }) => training.schedule.peak)),
];

describe('searchRate', () => {
  it('tries rates in steps of √2, each with every seed, and reads the best off the curve', () => {
    const found = search(bowl(2.1e-3));
    expect(ratesOf(found)).toEqual([0.001, 0.00141, 0.002, 0.00283, 0.004]);
    expect(found.runs).toHaveLength(10);
    expect(found.best).toBe(0.0021);
    expect(found.curve!.isInside).toBe(true);
  });

  it.each([
    ['lower', 3e-4],
    ['higher', 2e-2],
  ])('goes on on the %s side until two rates lie beyond the lowest point', (_, best) => {
    const found = search(bowl(best), { ...GRID, extensions: 20 });
    expect(found.best).toBeCloseTo(best, 5);
    expect(ratesOf(found).filter((rate) => rate < best).length).toBeGreaterThanOrEqual(2);
    expect(ratesOf(found).filter((rate) => rate > best).length).toBeGreaterThanOrEqual(2);
  });

  it('goes lower where rates diverge, and has no best where all do', () => {
    const found = search((rate, seed) => (rate > 9e-4 ? null : bowl(5e-4)(rate, seed)));
    expect(found.best).toBeCloseTo(5e-4, 5);
    const hopeless = search(() => null);
    expect(hopeless.best).toBeUndefined();
    expect(ratesOf(hopeless)).toHaveLength(5 + GRID.extensions);
  });

  it('knows nothing while a run is missing', () => {
    const { runs } = searchRate(GRID, runAt, []);
    const finished = runs.slice(1).map((run) => finishRun(run, { validationLoss: 2 }));
    expect(searchRate(GRID, runAt, finished)).toEqual({ runs });
  });
});
