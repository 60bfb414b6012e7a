/**
 * A sweep over model sizes, as data: the same training for every size and arm, with the learning rate tuned at a few
 * widths and interpolated between them.
 */
import { cosineTraining } from '../sweep/cosine-training.js';
import type { CorpusSpec, RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { sizedModel, type ModelChange, type Shape, type SizedModels } from '../sweep/sized-model.js';
import { interpolateRate, tuneRate, type RateAtWidth } from '../sweep/tuning.js';

/** What is compared. */
export interface SizeArm extends ModelChange {
  name: string;
  /** Widths that its learning rate is tuned at, ascending. */
  tunedWidths: readonly number[];
  /** Peak learning rates that are tried at first; the grid grows where the best lies at an edge. */
  grid: readonly number[];
  /** Rates that are known already: nothing is tuned. */
  rates?: readonly RateAtWidth[];
  /** Sizes and seeds of its final runs. */
  shapes: readonly Shape[];
  seeds: readonly number[];
}

/** Sizes, arms, seeds and training of a sweep. */
export interface SizeSweep extends SizedModels {
  /** Opens the names of its runs. */
  name: string;
  corpus: CorpusSpec;
  arms: readonly SizeArm[];
  /** Every shape that a tuned width may stand for. */
  shapes: readonly Shape[];
  steps: number;
  tuningSteps: number;
  /** Rates that tuning may add beyond the grid. */
  extensions: number;
  batch: number;
  weightDecay: number;
  /** Validation windows of the points of a loss curve, of tuning runs, and of final runs (absent: all of a text). */
  windows: { curve: number; tuning: number; final?: number };
}

/** Seed of the tuning runs; final runs have others. */
const TUNING_SEED = 100;

/** Points of a loss curve. */
const CURVE_POINTS = 16;

interface RunOptions {
  arm: SizeArm;
  shape: Shape;
  role: RunSpec['role'];
  peak: number;
  steps: number;
  seed: number;
}

function specOf(sweep: SizeSweep, { arm, shape, role, peak, steps, seed }: RunOptions): RunSpec {
  const isFinal = role === 'final';
  const size = `${sweep.name}-${arm.name}-${shape.layers}x${shape.width}`;
  return {
    name: `${size}-lr${peak}-${isFinal ? `seed${seed}` : 'tune'}`,
    arm: arm.name,
    role,
    corpus: sweep.corpus,
    model: sizedModel(sweep, shape, arm),
    training: cosineTraining(sweep, {
      peak,
      steps,
      seed,
      curvePoints: CURVE_POINTS,
      curveWindows: sweep.windows.curve,
    }),
    finalWindows: isFinal ? sweep.windows.final : sweep.windows.tuning,
    // The same everywhere, so that the pairs of the fp16 comparison are runs of this sweep.
    ...(isFinal && arm.options.weight_quantizer === 'none' && { evaluations: ['fp16'] }),
  };
}

/** All runs of a sweep known so far: tuning runs, and final runs at the rates that follow from them. */
export function sizeSweepRuns(sweep: SizeSweep, finished: readonly FinishedRun[]): RunSpec[] {
  return sweep.arms.flatMap((arm) => runsOfArm(sweep, arm, finished));
}

function runsOfArm(sweep: SizeSweep, arm: SizeArm, finished: readonly FinishedRun[]): RunSpec[] {
  const tuned = (arm.rates ? [] : arm.tunedWidths).map((width) => {
    const shape = shapeOfWidth(sweep, width);
    const runAt = (peak: number): RunSpec =>
      specOf(sweep, { arm, shape, role: 'tune', peak, steps: sweep.tuningSteps, seed: TUNING_SEED });
    return { width, ...tuneRate(arm.grid, runAt, finished, sweep.extensions) };
  });
  const tuning = tuned.flatMap(({ runs }) => runs);
  const found = tuned.flatMap(({ width, best }) => (best === undefined ? [] : [{ width, rate: best }]));
  if (found.length < tuned.length) return tuning;
  const known = arm.rates ?? found;
  const final = (shape: Shape, seed: number): RunSpec => {
    const peak = interpolateRate(known, shape.width);
    return specOf(sweep, { arm, shape, role: 'final', peak, steps: sweep.steps, seed });
  };
  return [...tuning, ...arm.shapes.flatMap((shape) => arm.seeds.map((seed) => final(shape, seed)))];
}

function shapeOfWidth({ shapes, name }: SizeSweep, width: number): Shape {
  const shape = shapes.find((one) => one.width === width);
  if (shape) return shape;
  throw new Error(`sweep ${name}: a width must be one of its shapes' widths, got ${width}.`);
}
