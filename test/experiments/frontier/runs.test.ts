import { describe, expect, it } from 'vitest';
import { FRONTIER_ARMS, frontierArm } from '../../../experiments/frontier/arms.js';
import { frontier } from '../../../experiments/frontier/experiment.js';
import { FORMS } from '../../../experiments/frontier/forms.js';
import { frontierPlans } from '../../../experiments/frontier/plan.js';
import { rateAtWidth } from '../../../experiments/frontier/rate-at-width.js';
import { sizedModel } from '../../../experiments/sweep/sized-model.js';
import { runId } from '../../../experiments/sweep/run-spec.js';
import { finishAll } from '../made-up-runs.js';

/** A loss that is lowest at a rate, and lower for larger models. */
const atRate = (best: number) => (spec: { training: { schedule: { peak: number } } }) =>
  2 + 0.1 * Math.log2(spec.training.schedule.peak / best) ** 2;

describe('the runs of the frontier', () => {
  const all = finishAll(frontier, 'full', atRate(8e-3));
  const finals = all.filter(({ role }) => role === 'final');

  it('are every arm at every shape with three seeds, eight at the largest where a claim hangs on it', () => {
    const claimed = ['full-precision', 'llama', 'b1.58', 'b1', 'late-half', 'late-fifth'];
    for (const { corpus, shapes, arms } of frontierPlans('full')) {
      expect(shapes.length).toBeGreaterThanOrEqual(6);
      for (const arm of arms) {
        const counts = new Map<string, number>();
        for (const { model } of finals.filter((run) => run.corpus.name === corpus.name && run.arm === arm)) {
          const shape = `${model.num_hidden_layers}×${model.hidden_size}`;
          counts.set(shape, (counts.get(shape) ?? 0) + 1);
        }
        const largest = claimed.includes(arm) ? 8 : 3;
        expect([...counts.values()]).toEqual([...shapes.slice(1).map(() => 3), largest]);
      }
    }
    expect(new Set(finals.map(runId)).size).toBe(finals.length);
  });

  it('share data, steps and seeds, and are judged by test text that no tuning run reads', () => {
    for (const plan of frontierPlans('full')) {
      const own = all.filter((run) => run.corpus.name === plan.corpus.name);
      expect(
        new Set(own.map(({ training: { steps, batch, context } }) => [steps, batch, context].join())).size,
      ).toBe(1);
      for (const { role, testWindows, training } of own) {
        expect(testWindows).toBe(role === 'final' ? plan.windows.test : undefined);
        const seeds = role === 'final' ? plan.largestSeeds : plan.tuningSeeds;
        expect(seeds).toContain(training.seeds.weights);
      }
      expect(plan.largestSeeds.some((seed) => plan.tuningSeeds.includes(seed))).toBe(false);
    }
  });

  it('train each arm at the lowest point of its own curve, 6 and 8 bits at full precision’s', () => {
    const rates = (arm: string): number[] => [
      ...new Set(finals.filter((run) => run.arm === arm).map((run) => run.training.schedule.peak)),
    ];
    expect(rates('b1.58').every((rate) => Math.abs(rate / 8e-3 - 1) < 0.01)).toBe(true);
    expect(rates('int8-trained')).toEqual([
      ...new Set(
        finals
          .filter((run) => run.arm === 'full-precision' && run.corpus.name === 'tiny-shakespeare')
          .map((run) => run.training.schedule.peak),
      ),
    ]);
  });

  it('quantize late arms from a share of their steps on, and no other arm', () => {
    for (const { arm, training } of finals) {
      const { quantizedShare = 1 } = frontierArm(arm);
      const expected = quantizedShare === 1 ? undefined : training.steps * (1 - quantizedShare);
      expect(training.quantizeFrom).toBe(expected);
    }
  });

  it('measure every form that a series is made of', () => {
    const asked = new Set(finals.flatMap(({ evaluations = [] }) => evaluations));
    expect([...asked].sort()).toEqual(['fp16', 'stored', 'stored-after-training', 'table-3']);
    expect(FORMS.every(({ arm }) => FRONTIER_ARMS.some(({ name }) => name === arm))).toBe(true);
    expect(new Set(FORMS.map(({ name }) => name)).size).toBe(FORMS.length);
  });

  it('have groups that divide every longer row, in every arm at every shape', () => {
    for (const preset of ['smoke', 'laptop', 'full'] as const)
      for (const plan of frontierPlans(preset))
        for (const shape of plan.shapes)
          for (const arm of FRONTIER_ARMS) expect(() => sizedModel(plan, shape, arm)).not.toThrow();
  });

  it('are part of those of full on laptop, but for the rates', () => {
    const shapes = new Set(finals.map(({ model, arm }) => JSON.stringify([arm, model])));
    for (const run of finishAll(frontier, 'laptop', atRate(8e-3)).filter(({ role }) => role === 'final')) {
      expect(shapes).toContain(JSON.stringify([run.arm, run.model]));
    }
  });
});

describe('rateAtWidth', () => {
  const tuned = [
    { width: 32, rate: 0.016 },
    { width: 128, rate: 0.004 },
  ];

  it('is a power of the width, between the tuned widths and beyond, by no more than a factor of two', () => {
    expect([32, 64, 128, 192].map((width) => rateAtWidth(tuned, width))).toEqual([
      0.016, 0.008, 0.004, 0.00267,
    ]);
    expect([1024, 4].map((width) => rateAtWidth(tuned, width))).toEqual([0.002, 0.032]);
  });

  it('serves all widths where one was tuned', () => {
    expect(rateAtWidth(tuned.slice(0, 1), 500)).toBe(0.016);
    expect(() => rateAtWidth([], 32)).toThrow('there must be a tuned width');
  });
});
