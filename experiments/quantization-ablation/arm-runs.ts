/** The reported runs of one arm, at its own rate and at others. */
import type { RateCurve } from '@bitnet-notebooks/lib';
import type { Arm } from './arms.js';
import { nameIn, type Block } from './blocks.js';
import { isSameRate, peakOf, tunedCurve } from './rates.js';
import { seedOf } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';
import { writtenRate } from '../sweep/rate-search.js';

/** The reported runs of an arm in a block. */
export interface ArmRuns {
  arm: Arm;
  curve: RateCurve;
  rate: number;
  /** At its own rate, ascending seeds. */
  own: FinishedRun[];
  /** At all rates that it was reported at. */
  all: FinishedRun[];
  /** Losses as they are pooled: runs at another rate than the own one count as an arm of their own. */
  losses: { arm: string; seed: number; loss: number }[];
}

/** An arm's reported runs in a block; undefined where it has none, or no curve to tell its rate. */
export function reportedRuns(arm: Arm, block: Block, finished: readonly FinishedRun[]): ArmRuns | undefined {
  const name = nameIn(block, arm.name);
  const all = finished
    .filter((run) => run.arm === name && run.role === 'final')
    .toSorted((a, b) => seedOf(a) - seedOf(b));
  const curve = all.length > 0 ? tunedCurve(name, finished) : undefined;
  if (curve === undefined) return undefined;
  const isOwn = (run: FinishedRun): boolean => isSameRate(peakOf(run), curve.best);
  return {
    arm,
    curve,
    rate: writtenRate(curve.best),
    own: all.filter(isOwn),
    all,
    losses: all.map((run) => ({
      arm: isOwn(run) ? arm.name : atRate(arm.name, peakOf(run)),
      seed: seedOf(run),
      loss: lossOf(run),
    })),
  };
}

/** The name under which runs at another rate than the arm's own are pooled. */
export function atRate(name: string, rate: number): string {
  return `${name} at ${rate}`;
}
