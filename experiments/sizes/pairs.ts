/**
 * Pairs of one shape, in full precision and as b1.58, and what the gap between them does with size: what the fp16 comparison
 * is answered by.
 */
import {
  ablationOptions,
  countParameters,
  interval,
  meanInterval,
  sizeTrend,
  undecided,
  type Contrast,
  type Estimate,
} from '@bitnet-notebooks/lib';
import { bySeed, commonSeeds, differenceBySeed } from '../sweep/by-seed.js';
import { finalRuns, lossOf, roundingOf, type FinishedRun } from '../sweep/finished-run.js';
import { groupBy } from '../sweep/group-by.js';
import { shapeOf } from '../sweep/sized-model.js';
import { requireOneVersion } from '../sweep/versions.js';
import type { CorpusSpec } from '../sweep/run-spec.js';

export { roundingOf };

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
  const finals = finalRuns(finished).filter(({ arm }) => arm === 'full-precision' || arm === 'b1.58');
  const groups = groupBy(finals, (run) => `${run.corpus.name} ${shapeOf(run)} ${run.training.steps}`);
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

/**
 * Change of the gap with every `per`-fold of the parameters, nats, negative where the gap shrinks. Sizes are what repeats:
 * their scatter around the line, such as that of learning rates from a coarse grid, makes the standard error. A slope
 * for each seed apart would take that scatter, which all seeds of a size share, for trend.
 * @param pairs of one corpus
 * @returns undefined for fewer than three sizes, and where a run diverged: a gap to it has no place on a line
 */
function gapSlope(pairs: readonly Pair[], per = 2): Contrast | undefined {
  const differences = pairs.map(({ parameters, gap }) => ({ size: parameters, value: gap.value }));
  const sizes = new Set(differences.map(({ size }) => size));
  const all = pairs.flatMap(({ gaps }) => [...gaps.values()]);
  if (sizes.size < 3 || !all.every(Number.isFinite)) return undefined;
  const { value, standardError, ...rest } = sizeTrend(differences).slope;
  const doublings = Math.log2(per);
  return { value: value * doublings, standardError: standardError * doublings, ...rest };
}

/** The {@link gapSlope} with its 95 % interval, which rules nothing out where there is no slope. */
export function gapTrend(pairs: readonly Pair[], per = 2): Estimate {
  const slope = gapSlope(pairs, per);
  return slope ? interval(slope) : undecided([]);
}
