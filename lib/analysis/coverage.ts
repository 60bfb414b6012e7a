/** How often an interval holds the truth: measured on made-up losses of a known law. */
import { RandomStream } from '../random.js';
import type { BootstrapOptions } from './bootstrap.js';
import type { MeasuredLoss } from './loss-points.js';
import { powerLawIntervals } from './scaling-intervals.js';

/** A law and the noise of its seeds. */
export interface MadeUpSweep {
  a: number;
  b: number;
  c: number;
  /** Standard deviation of a loss over seeds, nats. */
  noise: number;
  sizes: readonly number[];
  seeds: number;
}

/** Nine sizes and three seeds at equal tokens, with the noise of such runs. */
export const MADE_UP_SWEEP: Readonly<MadeUpSweep> = Object.freeze({
  a: 120,
  b: -0.5,
  c: 0.9,
  noise: 0.015,
  sizes: [5_214, 8_400, 12_600, 23_000, 44_700, 73_600, 109_000, 168_000, 280_000],
  seeds: 3,
});

/** Losses of one trial: the law with normal noise. */
export function madeUpLosses(
  { a, b, c, noise, sizes, seeds }: Readonly<MadeUpSweep>,
  trial: number,
): MeasuredLoss[] {
  const random = new RandomStream(trial, 'bootstrap', 2 ** 32 + trial);
  return sizes.flatMap((parameters) =>
    Array.from({ length: seeds }, (_, seed) => ({
      parameters,
      seed,
      loss: a * parameters ** b + c + noise * random.normal(),
    })),
  );
}

/** Share of trials whose 95 % interval held the true b and the true c. */
export function coverage(
  trials: number,
  sweep: Readonly<MadeUpSweep> = MADE_UP_SWEEP,
  options: BootstrapOptions = {},
): Record<'b' | 'c', number> {
  const held = { b: 0, c: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const { b, c } = powerLawIntervals(madeUpLosses(sweep, trial), options);
    if (b.low <= sweep.b && sweep.b <= b.high) held.b++;
    if (c.low <= sweep.c && sweep.c <= c.high) held.c++;
  }
  return { b: held.b / trials, c: held.c / trials };
}
