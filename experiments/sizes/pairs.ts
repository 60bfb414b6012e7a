/**
 * Pairs of one shape, in full precision and as b1.58, and what the gap between them does with size. The scaling law and
 * the fp16 comparison are answered by the same pairs.
 */
import {
  ablationOptions,
  bootstrap,
  countParameters,
  mean,
  meanInterval,
  undecided,
  type Estimate,
  type MeasuredLoss,
} from '@bitnet-notebooks/lib';
import { bySeed, commonSeeds, differenceBySeed } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';
import { requireOneVersion } from '../sweep/versions.js';
import type { CorpusSpec } from '../sweep/run-spec.js';

/** One shape on one corpus, both arms, by the seeds that they share. */
export interface Pair {
  corpus: CorpusSpec['name'];
  /** `2×64`: layers and width. */
  shape: string;
  /** Updates that both were trained for. */
  steps: number;
  /** Learned values, and those in the quantized matrices. */
  parameters: number;
  quantized: number;
  full: Estimate;
  ternary: Estimate;
  /** b1.58 − full precision, seed by seed. */
  gap: Estimate;
  /** The same by seed. */
  gaps: ReadonlyMap<number, number>;
  /** What rounding to half precision adds to the full-precision loss; undefined where it was not measured. */
  halfPrecision?: Estimate;
}

/** All pairs among the runs, by corpus and then by size. */
export function pairsOf(finished: readonly FinishedRun[]): Pair[] {
  const finals = finished.filter(
    ({ role, arm }) => role === 'final' && (arm === 'full-precision' || arm === 'b1.58'),
  );
  const groups = new Map<string, FinishedRun[]>();
  for (const run of finals) {
    const key = `${run.corpus.name} ${shapeOf(run)} ${run.training.steps}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const pairs = [...groups.values()].flatMap((runs) => pairOf(runs) ?? []);
  return pairs.toSorted((a, b) => a.corpus.localeCompare(b.corpus) || a.parameters - b.parameters);
}

function pairOf(runs: readonly FinishedRun[]): Pair | undefined {
  const of = (quantizer: 'none' | 'absmean-ternary'): Map<number, FinishedRun> =>
    bySeed(runs.filter(({ model }) => ablationOptions(model).weight_quantizer === quantizer));
  const arms = [of('none'), of('absmean-ternary')];
  const seeds = commonSeeds(arms);
  if (seeds.length === 0) return undefined;
  requireOneVersion(`pair of ${shapeOf(runs[0])}`, runs);
  const [full, ternary] = arms.map((arm) => new Map(seeds.map((seed) => [seed, lossOf(arm.get(seed)!)])));
  const runsInFull = seeds.map((seed) => arms[0].get(seed)!);
  const [first] = runsInFull;
  const rounding = runsInFull.flatMap((run) => roundingOf(run) ?? []);
  return {
    corpus: first.corpus.name,
    shape: shapeOf(first),
    steps: first.training.steps,
    parameters: first.parameters,
    quantized: countParameters(first.model).quantized,
    full: meanInterval([...full.values()]),
    ternary: meanInterval([...ternary.values()]),
    gap: differenceBySeed(ternary, full)!,
    gaps: new Map(seeds.map((seed) => [seed, ternary.get(seed)! - full.get(seed)!])),
    ...(rounding.length > 0 && { halfPrecision: meanInterval(rounding) }),
  };
}

function shapeOf({ model }: FinishedRun): string {
  return `${model.num_hidden_layers}×${model.hidden_size}`;
}

/** What rounding to half precision adds to a run's loss, over the same windows. */
export function roundingOf({ measured }: FinishedRun): number | undefined {
  const [rounded, unrounded] = [measured?.fp16, measured?.['fp16-unrounded']];
  return rounded === undefined || unrounded === undefined ? undefined : rounded - unrounded;
}

export interface TrendOptions {
  /** The growth in size that the change is told for: 2 is a doubling, 10 a tenfold size. 2 by default. */
  per?: number;
  /**
   * What the interval is over. `runs` draws pairs of (size, seed) again and again, so that the scatter between sizes, which
   * share a learning rate from a coarse grid, is in it: the nearer to the truth of the two, and still too narrow where
   * all seeds of a size are off alike. `seeds` is Student's over one slope for each seed: a scatter that
   * the seeds share counts as trend. `seeds` by default: the verdicts of the fp16 comparison were recorded by it.
   */
  over?: 'runs' | 'seeds';
}

/**
 * Change of the gap as models grow, nats, negative where the gap shrinks: the slope of a line through the gap over the
 * logarithm of the parameters, by least squares. A gap to a run that diverged leaves it
 * open, and so does a single size.
 * @param pairs of one corpus
 */
export function gapTrend(pairs: readonly Pair[], { per = 2, over = 'seeds' }: TrendOptions = {}): Estimate {
  const all = pairs.flatMap(({ gaps }) => [...gaps.values()]);
  const sizes = new Set(pairs.map(({ parameters }) => parameters));
  if (sizes.size < 2 || !all.every(Number.isFinite)) return undecided(all);
  const points = pairs.flatMap(({ parameters, gaps }) =>
    [...gaps].map(([seed, gap]): MeasuredLoss => ({ parameters, seed, loss: gap })),
  );
  if (over === 'runs') return bootstrap([points], ([drawn]) => ({ trend: slope(drawn, per) })).trend;
  const slopes = commonSeeds(pairs.map(({ gaps }) => gaps)).map((seed) =>
    slope(
      points.filter((point) => point.seed === seed),
      per,
    ),
  );
  return slopes.length > 0 ? meanInterval(slopes) : undecided([]);
}

/** By least squares: change of the value for each factor `per` of the parameters. */
function slope(points: readonly MeasuredLoss[], per: number): number {
  const x = points.map(({ parameters }) => Math.log(parameters) / Math.log(per));
  const middle = mean(x);
  const spread = x.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return points.reduce((sum, { loss }, i) => sum + (x[i] - middle) * loss, 0) / spread;
}
