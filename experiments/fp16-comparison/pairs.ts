/** Pairs of equal shape and training, full precision and b1.58: runs that the scaling law and the fp16 comparison share. */
import type { FinishedRun, Preset, RunSpec } from '../sweep/run-spec.js';
import { MAIN_ARMS, shakespeareSweep, zipfSweep } from '../sizes/sweeps.js';
import { sizeSweepRuns, type SizeSweep } from '../sizes/size-sweep.js';

/** Of the laptop preset, whose time is short: models of 0.1 M parameters or more, in both sweeps. */
const SMALLEST_LAPTOP_WIDTH = 64;

/** The pairs on both corpora, with the tuning runs that their rates follow from. */
export function pairRuns(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  return [shakespeareSweep(preset), zipfSweep(preset)].flatMap((sweep) =>
    sizeSweepRuns(onlyPairs(sweep, preset === 'laptop' ? SMALLEST_LAPTOP_WIDTH : 0), finished),
  );
}

function onlyPairs(sweep: SizeSweep, smallest: number): SizeSweep {
  const main: readonly string[] = MAIN_ARMS;
  return {
    ...sweep,
    otherLengths: undefined,
    arms: sweep.arms
      .filter(({ name }) => main.includes(name))
      .map((arm) => ({ ...arm, shapes: arm.shapes.filter(({ width }) => width >= smallest) })),
  };
}
