/**
 * Made-up results of an ablation whose truth is known: how often do the intervals hold it, and how often does a family of
 * comparisons without any effect report one? Each trial goes the whole way, from the tuning runs to the interval.
 */
import { RandomStream } from '../random.js';
import { interval, pValue, type Contrast } from './contrast.js';
import { holm } from './holm.js';
import { PooledArms, type ArmLoss } from './pooled-arms.js';
import { atBestRate, fitRateCurve, type RateCurve, type RateLoss } from './rate-curve.js';

/** What the made-up world is like, and how it is measured. */
export interface MadeUpAblation {
  /** Arms beside the reference. */
  arms: number;
  seeds: number;
  /** Seeds of the tuning runs. */
  tuningSeeds: number;
  /** Rates that are tried, from the lowest in steps of √2. */
  rates: number;
  /** Standard deviation of a run around its arm and seed, nats. */
  noise: number;
  /** Standard deviation of what a seed shifts in all arms, nats. */
  shift: number;
  /** Loss of a rate that is off by an octave, nats. */
  curvature: number;
  /** How much steeper the side of the large rates is: nats an octave³. */
  skew: number;
  /** True differences to the reference; 0 for a family without effects. */
  effect: number;
}

/** Near the ablation's own: eight seeds, two tuning seeds at seven rates. */
export const MADE_UP_ABLATION: Readonly<MadeUpAblation> = Object.freeze({
  arms: 20,
  seeds: 8,
  tuningSeeds: 2,
  rates: 7,
  noise: 0.012,
  shift: 0.01,
  curvature: 0.03,
  skew: 0.005,
  effect: 0,
});

/** What the trials came to; shares from 0 to 1. */
export interface AblationCoverage {
  /** Intervals of single comparisons that hold the true difference of the best losses. */
  held: number;
  /** Single comparisons without effect whose interval excludes zero. */
  falseAlarms: number;
  /** Families without effect in which Holm's procedure reports any. */
  familyAlarms: number;
  /** Half of an interval's width, nats, in the mean. */
  halfWidth: number;
}

/** Goes the whole way `trials` times. */
export function ablationCoverage(
  trials: number,
  world: Readonly<MadeUpAblation> = MADE_UP_ABLATION,
): AblationCoverage {
  let [held, alarms, families, width] = [0, 0, 0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const contrasts = madeUpContrasts(world, trial);
    for (const contrast of contrasts) {
      const { low, high } = interval(contrast);
      if (low <= world.effect && world.effect <= high) held++;
      if (low > 0 || high < 0) alarms++;
      width += (high - low) / 2;
    }
    if (holm(contrasts.map((one) => pValue(one))).some(({ adjustedP }) => adjustedP < 0.05)) families++;
  }
  const comparisons = trials * world.arms;
  return {
    held: held / comparisons,
    falseAlarms: alarms / comparisons,
    familyAlarms: families / trials,
    halfWidth: width / comparisons,
  };
}

/** The comparisons of one trial: every arm with the reference. */
function madeUpContrasts(world: Readonly<MadeUpAblation>, trial: number): Contrast[] {
  const random = new RandomStream(trial, 'bootstrap', 2 ** 33 + trial);
  const names = Array.from({ length: world.arms + 1 }, (_, i) => `arm ${i}`);
  const finals: ArmLoss[] = [];
  const costs = new Map<string, { cost: number }>();
  const shifts = Array.from({ length: world.seeds }, () => world.shift * random.normal());
  names.forEach((arm, i) => {
    // The best rate lies anywhere between the second and the second but last that are tried.
    const best = (1 + random.uniform() * (world.rates - 3)) / 2;
    const lossAt = (octave: number): number => {
      const off = octave - best;
      return (i === 0 ? 0 : world.effect) + world.curvature * off ** 2 + world.skew * off ** 3;
    };
    const curve = tunedCurve(world, lossAt, random);
    costs.set(arm, curve);
    const octave = Math.log2(curve.best);
    shifts.forEach((shift, seed) => {
      finals.push({ arm, seed, loss: lossAt(octave) + shift + world.noise * random.normal() });
    });
  });
  const pooled = new PooledArms(finals);
  return names
    .slice(1)
    .map((arm) => atBestRate(pooled.contrast(arm, names[0]), costs.get(arm), costs.get(names[0])));
}

/** Tuning runs at rates in steps of √2 from 1 on, and as many beyond as it takes until the lowest point lies inside. */
function tunedCurve(
  world: Readonly<MadeUpAblation>,
  lossAt: (octave: number) => number,
  random: RandomStream,
): RateCurve {
  const shifts = Array.from({ length: world.tuningSeeds }, () => world.shift * random.normal());
  const runsAt = (octave: number): RateLoss[] =>
    shifts.map((shift, seed) => ({
      rate: 2 ** octave,
      seed,
      loss: lossAt(octave) + shift + world.noise * random.normal(),
    }));
  let [low, high] = [0, (world.rates - 1) / 2];
  const runs = Array.from({ length: world.rates }, (_, step) => runsAt(step / 2)).flat();
  for (let grown = 0; ; grown++) {
    const curve = fitRateCurve(runs);
    if (curve.missing === undefined || grown === 4) return curve;
    runs.push(...(curve.missing === 'lower' ? runsAt((low -= 0.5)) : runsAt((high += 0.5))));
  }
}
