/** The runs of one arm on one corpus: the searches of its rate, and the reported runs. */
import type { TrainingOptions } from '@bitnet-notebooks/lib';
import { cosineTraining } from '../sweep/cosine-training.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { searchRate, type RateSearch } from '../sweep/rate-search.js';
import type { RunSpec } from '../sweep/run-spec.js';
import { sizedModel } from '../sweep/sized-model.js';
import { frontierArm, type FrontierArm } from './arms.js';
import { seedsAt, type CorpusPlan, type FrontierShape } from './plan.js';
import { rateAtWidth } from './rate-at-width.js';

/** Points of a loss curve. */
const CURVE_POINTS = 8;

function trainingOf(plan: CorpusPlan, arm: FrontierArm, peak: number, seed: number): TrainingOptions {
  const { steps, windows } = plan;
  const { quantizedShare = 1 } = arm;
  return {
    ...cosineTraining(plan, { peak, steps, seed, curvePoints: CURVE_POINTS, curveWindows: windows.curve }),
    ...(quantizedShare < 1 && { quantizeFrom: Math.round(steps * (1 - quantizedShare)) }),
  };
}

interface RunOptions {
  plan: CorpusPlan;
  arm: FrontierArm;
  shape: FrontierShape;
  peak: number;
  seed: number;
}

/** A tuning run: of full length, on validation alone. */
function tuningRun({ plan, arm, shape, peak, seed }: RunOptions): RunSpec {
  return {
    name: `${nameOf(plan, arm, shape)}-lr${peak}-tune${seed}`,
    arm: arm.name,
    role: 'tune',
    corpus: plan.corpus,
    model: sizedModel(plan, shape, arm),
    training: trainingOf(plan, arm, peak, seed),
    finalWindows: plan.windows.tuning,
  };
}

/** A reported run, with what is measured on its trained model. */
function finalRun({ plan, arm, shape, peak, seed }: RunOptions): RunSpec {
  const isTable3 = plan.table3.some((one) => sameShape(one, shape));
  const evaluations = [
    'stored',
    ...(arm.name === 'full-precision' ? ['fp16', 'stored-after-training'] : []),
    ...(arm.name === 'full-precision' && isTable3 ? ['table-3'] : []),
  ];
  return {
    name: `${nameOf(plan, arm, shape)}-lr${peak}-seed${seed}`,
    arm: arm.name,
    role: 'final',
    corpus: plan.corpus,
    model: sizedModel(plan, shape, arm),
    training: trainingOf(plan, arm, peak, seed),
    finalWindows: plan.windows.tuning,
    testWindows: plan.windows.test,
    evaluations,
  };
}

function nameOf({ name }: CorpusPlan, arm: FrontierArm, { layers, width }: FrontierShape): string {
  return `frontier-${name}-${arm.name}-${layers}x${width}`;
}

function sameShape(a: FrontierShape, b: FrontierShape): boolean {
  return a.layers === b.layers && a.width === b.width && a.inner === b.inner;
}

/** The search of an arm's rate at one of the tuned shapes. */
export function rateSearchOf(
  plan: CorpusPlan,
  arm: FrontierArm,
  shape: FrontierShape,
  finished: readonly FinishedRun[],
): RateSearch {
  const { tuningSeeds, rateFactor, rates, extensions } = plan;
  return searchRate(
    { lowest: rateFactor * arm.lowestRate, count: rates, seeds: tuningSeeds, extensions },
    (peak, seed) => tuningRun({ plan, arm, shape, peak, seed }),
    finished,
  );
}

/**
 * The runs of one arm that are known so far: its searches, and once these have found its rates the reported runs. The rate of a shape
 * follows from those of the tuned shapes (rate-at-width.ts).
 */
export function runsOfArm(plan: CorpusPlan, arm: FrontierArm, finished: readonly FinishedRun[]): RunSpec[] {
  const tuned = arm.rateOf === undefined ? arm : frontierArm(arm.rateOf);
  const searches = plan.tunedShapes.map((shape) => ({
    width: shape.width,
    search: rateSearchOf(plan, tuned, shape, finished),
  }));
  const tuning = arm.rateOf === undefined ? searches.flatMap(({ search }) => search.runs) : [];
  const found = searches.flatMap(({ width, search: { best } }) =>
    best === undefined ? [] : [{ width, rate: best }],
  );
  if (found.length < searches.length) return tuning;
  const finals = plan.shapes.flatMap((shape) =>
    seedsAt(plan, arm.name, shape).map((seed) =>
      finalRun({ plan, arm, shape, peak: rateAtWidth(found, shape.width), seed }),
    ),
  );
  return [...tuning, ...finals];
}
