/**
 * A grid over sizes and tokens, as data: every cell is trained for itself, with a cosine that ends there, at a rate read off a
 * plane over the grid that rate curves at a few places determine.
 *
 * Cells do not share a trunk of constant rate from which short decays branch off. With tokens in steps of two that saves a third of the
 * computing, but it ties all lengths to one rate, where the best one falls with length, and to one noise.
 */
import {
  countParameters,
  fitRatePlane,
  type ModelConfig,
  type RatePlane,
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

/** Seed of the tuning runs; final runs have others. */
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

/**
 * All runs of the grids known so far: tuning runs, and final runs at the rates that follow from them.
 * @param families grids that have the same arms and share their planes' slopes
 */
export function gridRuns(
  families: readonly (readonly Grid[])[],
  tuning: Tuning,
  finished: readonly FinishedRun[],
): RunSpec[] {
  return families.flatMap((grids) =>
    grids[0].arms.flatMap((arm) => {
      const { runs, plane } = searchPlane(grids, arm, tuning, finished);
      return plane ? [...runs, ...grids.flatMap((grid) => finalRuns(grid, arm, plane))] : runs;
    }),
  );
}

/** What tuning comes to: its runs, the curves' lowest points, and the plane once all of them are known. */
export function searchPlane(
  grids: readonly Grid[],
  arm: GridArm,
  { count, extensions }: Tuning,
  finished: readonly FinishedRun[],
): { runs: RunSpec[]; places: TunedPlace[]; plane?: RatePlane } {
  const searches = grids.flatMap((grid) =>
    grid.tuning.map((place) => {
      const search = { lowest: place.lowest, count, seeds: [TUNING_SEED], extensions };
      const runAt = (peak: number, seed: number): RunSpec =>
        specOf(grid, { arm, ...place, role: 'tune', peak, seed });
      return { grid, place, ...searchRate(search, runAt, finished) };
    }),
  );
  const runs = searches.flatMap((search) => search.runs);
  const places = searches.flatMap(({ grid, place: { shape, steps }, curve }) => {
    if (curve === undefined) return [];
    const parameters = bodyParameters(sizedModel(grid, shape, arm));
    const { best, octaves, curvature } = curve;
    return [
      { language: grid.name, parameters, tokens: tokensOf({ ...grid, steps }), best, octaves, curvature },
    ];
  });
  return { runs, places, ...(places.length === searches.length && { plane: fitRatePlane(places) }) };
}

function finalRuns(grid: Grid, arm: GridArm, plane: RatePlane): RunSpec[] {
  return grid.cells.flatMap(({ shape, steps, seeds }) => {
    const parameters = bodyParameters(sizedModel(grid, shape, arm));
    const rate = plane.at(grid.name, parameters, tokensOf({ ...grid, steps }));
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
    name: `${grid.name}-${arm.name}-${place}-lr${peak}-${role === 'final' ? `seed${seed}` : 'tune'}`,
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
