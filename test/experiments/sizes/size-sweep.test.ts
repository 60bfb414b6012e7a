import { describe, expect, it } from 'vitest';
import { interpolateRate } from '../../../experiments/sweep/tuning.js';
import { readRecorded } from '../../../experiments/record/recorded.js';
import { runId, type Preset, type RunSpec } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { scalingLaw } from '../../../experiments/scaling-law/experiment.js';
import { zipfSweep } from '../../../experiments/sizes/sweeps.js';
import { sizeSweepRuns } from '../../../experiments/sizes/size-sweep.js';
import { finishAll } from '../finish-runs.js';

/** The best rate falls with width: ln rate = ln 0.05 − ½ ln width. */
function madeUp({ model, training }: RunSpec): Partial<FinishedRun> {
  const best = 0.05 / Math.sqrt(model.hidden_size);
  return { validationLoss: Math.log(training.schedule.peak / best) ** 2 };
}

const all = (preset: Preset): FinishedRun[] => finishAll((...of) => scalingLaw.runs(...of), preset, madeUp);
const ids = (runs: readonly FinishedRun[]): Set<string> => new Set(runs.map(({ id }) => id));

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

describe('scaling-law', () => {
  it('has nine sizes and three seeds of both main arms in full', () => {
    for (const name of ['full-precision', 'b1.58']) {
      const finals = all('full').filter(
        ({ arm, role, corpus, training }) =>
          arm === name && role === 'final' && corpus.name === 'zipf-facts' && training.steps === 600,
      );
      expect(new Set(finals.map(({ model }) => model.hidden_size)).size).toBe(9);
      expect(new Set(finals.map(({ training }) => training.seeds.weights)).size).toBe(3);
      expect(finals).toHaveLength(27);
    }
  });

  it('gives all arms of a seed the same data, in the same order, and tunes on another seed', () => {
    for (const { role, training, corpus } of all('full')) {
      expect(training.seeds.batches).toBe(training.seeds.weights);
      expect(training.seeds.weights === 100).toBe(role === 'tune');
      expect(training.batch * training.context).toBe(corpus.name === 'zipf-facts' ? 480 * 6 : 512);
    }
  });

  it('takes rates that follow the tuned ones', () => {
    const rates = new Map(
      all('full')
        .filter(({ role, arm, corpus }) => role === 'final' && arm === 'b1' && corpus.name === 'zipf-facts')
        .map(({ model, training }) => [model.hidden_size, training.schedule.peak]),
    );
    expect(rates.get(12)).toBeGreaterThan(rates.get(40)!);
    expect(rates.get(40)).toBeGreaterThan(rates.get(104)!);
  });

  it('runs in laptop only what was recorded in full, at the rates that full found', async () => {
    const { runs } = await readRecorded('scaling-law');
    const recorded = ids(runs);
    const laptop = scalingLaw.runs('laptop', runs);
    expect(laptop.map(({ role }) => role)).toEqual(Array.from({ length: 7 * 2 * 2 }, () => 'final'));
    for (const spec of laptop) expect(recorded, spec.name).toContain(runId(spec));
  });

  it('waits for tuning before it names final runs', () => {
    const runs = sizeSweepRuns(zipfSweep('full'), []);
    expect(runs.every(({ role }) => role === 'tune')).toBe(true);
  });
});
