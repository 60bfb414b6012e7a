import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule, type ScheduleOptions, type TwoStageOptions } from '../../lib/training/schedule.js';
import { excess, golden } from '../golden/vectors.js';

interface Reference {
  args: Record<string, number>;
  lr: number[];
}
const { schedules } = golden('ops/optim.json') as { schedules: Record<string, Reference> };

/** The options that stand for the reference's arguments. */
const REFERENCE: Record<string, (args: Record<string, number>) => ScheduleOptions> = {
  warmup_cosine: ({ warm, total, peak, mn }) => ({
    kind: 'cosine',
    warmupSteps: warm,
    totalSteps: total,
    peak,
    minimum: mn,
    weightDecay: 0.1,
  }),
  warmup_linear: ({ warm, total, peak, mn }) => ({
    kind: 'linear',
    warmupSteps: warm,
    totalSteps: total,
    peak,
    minimum: mn,
    weightDecay: 0.1,
  }),
  two_stage: ({ warm, total, peak1, peak2, mid }) => ({
    kind: 'two-stage-linear',
    warmupSteps: warm,
    totalSteps: total,
    peak: peak1,
    secondPeak: peak2,
    dropStep: mid,
    weightDecay: 0.1,
  }),
  torch_CosineAnnealingLR_T20: ({ peak, eta_min, T_max }) => ({
    kind: 'cosine',
    warmupSteps: 0,
    totalSteps: T_max,
    peak,
    minimum: eta_min,
    weightDecay: 0,
  }),
};

const TWO_STAGE: TwoStageOptions = {
  kind: 'two-stage-cosine',
  warmupSteps: 10,
  totalSteps: 200,
  peak: 2e-3,
  secondPeak: 4e-4,
  dropStep: 100,
  weightDecay: 0.1,
};

describe('schedule', () => {
  it.each(Object.keys(schedules))('%s gives the reference learning rates', (name) => {
    const { args, lr } = schedules[name];
    const rates = schedule(REFERENCE[name](args));
    // The last values are near 0: there the error is measured against the peak.
    const tolerance = { relative: 1e-6, absolute: 1e-18 };
    expect(
      excess(
        lr.map((_, step) => rates(step).learningRate),
        lr,
        tolerance,
      ),
    ).toBeLessThanOrEqual(1);
  });

  it('the weight decay of two-stage-linear is constant, then none', () => {
    const rates = schedule({ ...TWO_STAGE, kind: 'two-stage-linear' });
    expect([0, 5, 99, 100, 150, 200].map((step) => rates(step).weightDecay)).toEqual([
      0.1, 0.1, 0.1, 0, 0, 0,
    ]);
  });

  it('two-stage-cosine: half a cosine each, the weight decay follows the first', () => {
    const rates = schedule(TWO_STAGE);
    expect(rates(10)).toEqual({ learningRate: 2e-3, weightDecay: 0.1 });
    expect(rates(100)).toEqual({ learningRate: 4e-4, weightDecay: 0 });
    expect(rates(150).learningRate).toBeCloseTo(2e-4, 15);
    expect(rates(200).learningRate).toBeCloseTo(0, 15);
    const { learningRate, weightDecay } = rates(70);
    expect(weightDecay / 0.1).toBeCloseTo(learningRate / 2e-3, 15);
    expect(learningRate).toBeCloseTo(1e-3 * (1 + Math.cos((Math.PI * 60) / 190)), 15);
  });

  const lengths = fc
    .record({
      total: fc.integer({ min: 4, max: 200 }),
      warm: fc.double({ min: 0, max: 0.4, noNaN: true }),
      drop: fc.double({ min: 0.5, max: 0.9, noNaN: true }),
      fall: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      peak: fc.double({ min: 1e-5, max: 1, noNaN: true }),
    })
    .map(({ total, warm, drop, fall, peak }) => ({
      totalSteps: total,
      warmupSteps: Math.floor(total * warm),
      dropStep: Math.min(total - 1, Math.max(Math.floor(total * drop), Math.floor(total * warm) + 1)),
      fall,
      peak,
    }));

  it.each(['cosine', 'linear'] as const)('%s rises to its peak, then falls without a jump', (kind) => {
    fc.assert(
      fc.property(lengths, ({ totalSteps, warmupSteps, peak }) => {
        const rates = schedule({ kind, totalSteps, warmupSteps, peak, minimum: peak / 10, weightDecay: 0 });
        const lr = Array.from({ length: totalSteps + 3 }, (_, step) => rates(step).learningRate);
        const steepest = ((Math.PI / 2) * peak) / (totalSteps - warmupSteps);
        for (let step = 1; step < lr.length; step++) {
          const change = lr[step] - lr[step - 1];
          const rising = step < warmupSteps;
          expect(rising ? change : -change).toBeGreaterThanOrEqual(-1e-12);
          expect(Math.abs(change)).toBeLessThanOrEqual((rising ? peak / warmupSteps : steepest) * (1 + 1e-9));
        }
        expect(Math.max(...lr)).toBeCloseTo(peak, 12);
        expect(lr.at(-1)).toBeCloseTo(peak / 10, 12);
      }),
    );
  });

  it.each(['two-stage-linear', 'two-stage-cosine'] as const)(
    '%s jumps at dropStep and nowhere else',
    (kind) => {
      fc.assert(
        fc.property(lengths, ({ totalSteps, warmupSteps, dropStep, fall, peak }) => {
          const base = { kind, totalSteps, warmupSteps, dropStep, peak, weightDecay: 0.1 };
          const decay = (dropStep - warmupSteps) / (totalSteps - warmupSteps);
          const before =
            peak * (kind === 'two-stage-linear' ? 1 - decay : 0.5 + 0.5 * Math.cos(Math.PI * decay));
          const secondPeak = before * fall;
          const rates = schedule({ ...base, secondPeak });
          const steepest = ((Math.PI / 2) * peak) / (totalSteps - dropStep);
          for (let step = warmupSteps + 1; step <= totalSteps; step++) {
            const change = rates(step).learningRate - rates(step - 1).learningRate;
            expect(change).toBeLessThanOrEqual(1e-12);
            expect(-change).toBeLessThanOrEqual(step === dropStep ? peak : steepest * (1 + 1e-9));
          }
          expect(rates(dropStep)).toEqual({ learningRate: secondPeak, weightDecay: 0 });
          expect(rates(dropStep - 1).learningRate).toBeGreaterThanOrEqual(before * (1 - 1e-9));
          expect(rates(dropStep - 1).weightDecay).toBeGreaterThan(0);
        }),
      );
    },
  );

  it('is data: options that went through JSON give the same rates', () => {
    const again = JSON.parse(JSON.stringify(TWO_STAGE)) as ScheduleOptions;
    for (const step of [0, 9, 10, 99, 100, 300])
      expect(schedule(again)(step)).toEqual(schedule(TWO_STAGE)(step));
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['unknown kind', { kind: 'step' }, /kind must be one of cosine, linear.*got "step"/],
    ['no steps', { totalSteps: 0 }, /totalSteps must be a whole number from 1, got 0/],
    ['half a step', { totalSteps: 10.5 }, /totalSteps.*got 10.5/],
    [
      'warm-up as long as the run',
      { warmupSteps: 200 },
      /warmupSteps must be a whole number from 0 to 199, got 200/,
    ],
    ['negative warm-up', { warmupSteps: -1 }, /got -1/],
    ['peak 0', { peak: 0 }, /peak must be a number above 0, got 0/],
    ['peak NaN', { peak: NaN }, /got NaN/],
    ['missing peak', { peak: undefined }, /got undefined/],
    ['negative weight decay', { weightDecay: -0.1 }, /weightDecay must be a number from 0, got -0.1/],
    ['drop in the warm-up', { dropStep: 10 }, /dropStep must be a whole number from 11 to 199, got 10/],
    ['no drop', { secondPeak: 2e-3 }, /secondPeak must lie between 0 and 0.0010.*got 0.002/],
    [
      'one stage, minimum above peak',
      { kind: 'linear', minimum: 1 },
      /minimum must be a number from 0 to 0.002, got 1/,
    ],
    ['one stage, no minimum', { kind: 'cosine' }, /minimum.*got undefined/],
  ])('refuses %s', (_, change, message) => {
    expect(() => schedule({ ...TWO_STAGE, ...change })).toThrow(message);
  });

  it('refuses a step that is none', () => {
    const rates = schedule(TWO_STAGE);
    expect(() => rates(-1)).toThrow(/step must be a whole number from 0, got -1/);
    expect(() => rates(0.5)).toThrow(/got 0.5/);
    expect(() => rates(NaN)).toThrow(/got NaN/);
  });

  it('ends weight decay where it is told to, whatever the stages do', () => {
    const shared = { peak: 1, warmupSteps: 0, totalSteps: 10, weightDecay: 0.1 };
    const decays = (options: ScheduleOptions): number[] =>
      [0, 4, 5, 9].map((step) => schedule(options)(step).weightDecay);
    const cosine = { kind: 'cosine', minimum: 0, ...shared } as const;
    expect(decays({ ...cosine, weightDecayUntil: 5 })).toEqual([0.1, 0.1, 0, 0]);
    expect(decays({ ...cosine, weightDecayUntil: 10 })).toEqual(decays(cosine));
    const stages = { kind: 'two-stage-linear', secondPeak: 0.3, dropStep: 5, ...shared } as const;
    expect(decays({ ...stages, weightDecayUntil: 10 })).toEqual([0.1, 0.1, 0.1, 0.1]);
    expect(decays({ ...stages, weightDecayUntil: 5 })).toEqual(decays(stages));
    expect(() => schedule({ ...cosine, weightDecayUntil: 11 })).toThrow(/weightDecayUntil must be .* got 11/);
  });
});
