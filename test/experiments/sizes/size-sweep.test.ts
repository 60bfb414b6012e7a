import { describe, expect, it } from 'vitest';
import { pairRuns } from '../../../experiments/fp16-comparison/experiment.js';
import { interpolateRate } from '../../../experiments/sweep/tuning.js';
import type { RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { zipfSweep } from '../../../experiments/sizes/sweeps.js';
import { sizeSweepRuns } from '../../../experiments/sizes/size-sweep.js';
import { finishAll } from '../finish-runs.js';

/** The best rate falls with width: ln rate = ln 0.05 − ½ ln width. */
function madeUp({ model, training }: RunSpec): Partial<FinishedRun> {
  const best = 0.05 / Math.sqrt(model.hidden_size);
  return { validationLoss: Math.log(training.schedule.peak / best) ** 2 };
}

const pairs = finishAll(pairRuns, 'full', madeUp);

describe('interpolateRate', () => {
  const tuned = [
    { width: 10, rate: 8e-3 },
    { width: 40, rate: 2e-3 },
  ];

  it('is linear in the logarithms between tuned widths', () => {
    expect(interpolateRate(tuned, 20)).toBe(4e-3);
    expect(interpolateRate(tuned, 40)).toBe(2e-3);
  });

  it('keeps the nearest rate beyond them', () => {
    expect(interpolateRate(tuned, 4)).toBe(8e-3);
    expect(interpolateRate(tuned, 400)).toBe(2e-3);
    expect(() => interpolateRate([], 4)).toThrow('interpolate rate: there must be a tuned width, got none.');
  });
});

describe('the pairs', () => {
  const finalsOf = (name: string, arm: string): FinishedRun[] =>
    pairs.filter((run) => run.role === 'final' && run.corpus.name === name && run.arm === arm);

  it('are nine sizes of Zipf facts and seven of Tiny Shakespeare, three seeds each', () => {
    for (const arm of ['full-precision', 'b1.58']) {
      for (const [name, sizes] of [
        ['zipf-facts', 9],
        ['tiny-shakespeare', 7],
      ] as const) {
        const finals = finalsOf(name, arm);
        expect(new Set(finals.map(({ model }) => model.hidden_size)).size).toBe(sizes);
        expect(finals).toHaveLength(3 * sizes);
      }
    }
  });

  it('have the same data in the same order by seed, and are tuned on another seed', () => {
    for (const { role, training, corpus } of pairs) {
      expect(training.seeds.batches).toBe(training.seeds.weights);
      expect(training.seeds.weights === 100).toBe(role === 'tune');
      expect(training.batch * training.context).toBe(corpus.name === 'zipf-facts' ? 480 * 6 : 512);
    }
  });

  it('take rates that follow the tuned ones', () => {
    const rates = new Map(
      finalsOf('zipf-facts', 'b1.58').map(({ model, training }) => [
        model.hidden_size,
        training.schedule.peak,
      ]),
    );
    expect(rates.get(12)).toBeGreaterThan(rates.get(40)!);
    expect(rates.get(40)).toBeGreaterThan(rates.get(104)!);
  });

  it('wait for tuning before they name final runs', () => {
    const runs = sizeSweepRuns(zipfSweep('full'), []);
    expect(runs.every(({ role }) => role === 'tune')).toBe(true);
  });
});
