/**
 * A grid over sizes and tokens, as data: every cell is trained for itself, with a cosine that ends there, at a rate read off a
 * surface over the grid that rate curves at a few places determine.
 *
 * Cells do not share a trunk of constant rate from which short decays branch off. With tokens in steps of two that saves a third of the
 * computing, but it ties all lengths to one rate, where the best one falls with length, and to one noise.
 */
import {
  countParameters,
  fitRateSurface,
  type ModelConfig,
  type RateSurface,
  type TrainingOptions,
  type TunedPlace,
} from '@bitnet-notebooks/lib';
import { cosineTraining } from '../sweep/cosine-training.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { searchRate, writtenRate } from '../sweep/rate-search.js';
import type { CorpusSpec, RunSpec } from '../sweep/run-spec.js';
import { sizedModel, type ModelChange, type Shape, type SizedModels } from '../sweep/sized-model.js';

/** A size trained for a number of steps. */
export interface GridPlace {
  shape: Shape;
  steps: number;
}

/** A place where the rate is searched. */
export interface TuningPlace extends GridPlace {
  /** Lowest rate that is tried at first. */
  lowest: number;
  /** More than one where runs stray most. */
  seeds?: number;
}

/** What is compared. */
export interface GridArm extends ModelChange {
  name: string;
}

/** All cells of one language, or of a text. */
export interface Grid extends SizedModels {
  /** Opens the names of its runs. */
  name: string;
  corpus: CorpusSpec;
  arms: readonly GridArm[];
  cells: readonly (GridPlace & { seeds: readonly number[] })[];
  tuning: readonly TuningPlace[];
  batch: number;
  weightDecay: number;
  /** Windows that a tuning run is judged by, and those of the test part that a reported run is. */
  windows: { tuning: number; test: number | 'all' };
}

/** How rates are searched: as many rates in steps of √2 at first, and beyond them at most. */
export interface Tuning {
  count: number;
  extensions: number;
}

/** First seed of the tuning runs; final runs have others. */
const TUNING_SEED = 100;

/** Points of a loss curve. */
const CURVE_POINTS = 8;

/** Learned values outside the embedding: those that are ternary, and the gains of norms. N in this experiment. */
export function bodyParameters(model: ModelConfig): number {
  return countParameters(model).total - model.vocab_size * model.hidden_size;
}

/** D of a run. */
export function tokensOf({
  steps,
  batch,
  context,
}: Pick<TrainingOptions, 'steps' | 'batch' | 'context'>): number {
  return steps * batch * context;
}

/** All runs of the grids known so far: tuning runs, and final runs at the rates that follow from them, by grid and arm. */
export function gridRuns(
  grids: readonly Grid[],
  tuning: Tuning,
  finished: readonly FinishedRun[],
): RunSpec[] {
  return grids.flatMap((grid) =>
    grid.arms.flatMap((arm) => {
      const { runs, surface } = searchSurface(grid, arm, tuning, finished);
      return surface ? [...runs, ...finalRuns(grid, arm, surface)] : runs;
    }),
  );
}

/** What tuning comes to: its runs, and the surface of rates once all of them are known. */
export function searchSurface(
  grid: Grid,
  arm: GridArm,
  { count, extensions }: Tuning,
  finished: readonly FinishedRun[],
): { runs: RunSpec[]; surface?: RateSurface } {
  const searches = grid.tuning.map((place) => {
    const seeds = Array.from({ length: place.seeds ?? 1 }, (_, i) => TUNING_SEED + i);
    const search = { lowest: place.lowest, count, seeds, extensions };
    const runAt = (peak: number, seed: number): RunSpec =>
      specOf(grid, { arm, ...place, role: 'tune', peak, seed });
    return { place, ...searchRate(search, runAt, finished) };
  });
  const runs = searches.flatMap((search) => search.runs);
  const places = searches.flatMap(({ place: { shape, steps }, curve }): TunedPlace[] => {
    if (curve === undefined) return [];
    const parameters = bodyParameters(sizedModel(grid, shape, arm));
    const { best, octaves, curvature } = curve;
    return [{ parameters, tokens: tokensOf({ ...grid, steps }), best, octaves, curvature }];
  });
  return { runs, ...(places.length === searches.length && { surface: fitRateSurface(places) }) };
}

function finalRuns(grid: Grid, arm: GridArm, surface: RateSurface): RunSpec[] {
  return grid.cells.flatMap(({ shape, steps, seeds }) => {
    const parameters = bodyParameters(sizedModel(grid, shape, arm));
    const rate = surface.at(parameters, tokensOf({ ...grid, steps }));
    const peak = writtenRate(rate, 2);
    return seeds.map((seed) => cellRun(grid, arm, { shape, steps, peak, seed }));
  });
}

interface RunOptions extends GridPlace {
  arm: GridArm;
  role: RunSpec['role'];
  peak: number;
  seed: number;
}

/** A reported run of any shape, length, rate and seed: a cell of the grid, or one beyond it. */
export function cellRun(
  grid: Grid,
  arm: GridArm,
  place: GridPlace & { peak: number; seed: number },
): RunSpec {
  return specOf(grid, { arm, role: 'final', ...place });
}

/** Rates are chosen on validation, losses reported on test. */
function specOf(grid: Grid, { arm, shape, role, peak, steps, seed }: RunOptions): RunSpec {
  const place = `${shape.layers}x${shape.width}-${steps}steps`;
  return {
    name: `${grid.name}-${arm.name}-${place}-lr${peak}-${role === 'final' ? 'seed' : 'tune'}${seed}`,
    arm: arm.name,
    role,
    corpus: grid.corpus,
    model: sizedModel(grid, shape, arm),
    training: cosineTraining(grid, {
      peak,
      steps,
      seed,
      curvePoints: CURVE_POINTS,
      curveWindows: Math.min(256, grid.windows.tuning),
    }),
    finalWindows: grid.windows.tuning,
    ...(role === 'final' && { testWindows: grid.windows.test }),
  };
}
