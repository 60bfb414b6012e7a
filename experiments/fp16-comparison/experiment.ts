/**
 * The comparison with full precision: pairs of equal shape up to 4 million parameters, and one shape whose full-precision
 * model is quantized after training. Every arm's rate is tuned; arms share seeds and the order of the data.
 */
import { sizeSweepRuns, type SizeSweep } from '../sizes/size-sweep.js';
import { shakespeareSweep, zipfSweep } from '../sizes/sweeps.js';
import type { Experiment } from '../sweep/experiment.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import { fp16Claims } from './claims.js';
import { fp16Table } from './table.js';
import { postTrainingRuns } from './post-training-runs.js';

/** Of the laptop preset, whose time is short: models of 0.1 M parameters or more, in both sweeps. */
const SMALLEST_LAPTOP_WIDTH = 64;

/** The pairs on both corpora, with the tuning runs that their rates follow from. */
export function pairRuns(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  return [shakespeareSweep(preset), zipfSweep(preset)].flatMap((sweep) =>
    sizeSweepRuns(fromSize(sweep, preset === 'laptop' ? SMALLEST_LAPTOP_WIDTH : 0), finished),
  );
}

function fromSize(sweep: SizeSweep, smallest: number): SizeSweep {
  const arms = sweep.arms.map((arm) => ({
    ...arm,
    shapes: arm.shapes.filter(({ width }) => width >= smallest),
  }));
  return { ...sweep, arms };
}

/** What notebook 3a shows. */
export const fp16Comparison: Experiment = {
  name: 'fp16-comparison',
  title: 'What 1.58 bits cost: b1.58 beside full precision, and weights quantized after training',
  runs: (preset, finished) => [
    ...postTrainingRuns(preset, finished),
    // Half of the pairs are enough to see that all works.
    ...pairRuns(preset, finished).filter(
      ({ corpus }) => preset !== 'smoke' || corpus.name === 'tiny-shakespeare',
    ),
  ],
  table: fp16Table,
  claims: fp16Claims,
};
