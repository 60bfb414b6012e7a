/** Pairs of one shape, in full precision and as b1.58, as recorded runs tell them. */
import {
  ablationOptions,
  countParameters,
  mean,
  meanInterval,
  pairedDifference,
  undecided,
  type Estimate,
} from '@bitnet-notebooks/lib';
import type { CorpusSpec, FinishedRun } from '../sweep/run-spec.js';
import { bySeed, commonSeeds } from '../sweep/seeds.js';

/** One shape on one corpus, both arms, by the seeds that they share. */
export interface Pair {
  corpus: CorpusSpec['name'];
  /** `2×64`: layers and width. */
  shape: string;
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

/**
 * The loss that a run is judged by, nats per token: of Zipf facts that of the looked-up values, since the keys are
 * random. Infinity for a run that diverged.
 */
function judgedLoss({ validationLoss, lossByKind }: FinishedRun): number {
  return lossByKind?.v ?? validationLoss ?? Infinity;
}

/** All pairs among the runs, by corpus and then by size. */
export function pairsOf(finished: readonly FinishedRun[]): Pair[] {
  const finals = finished.filter(
    ({ role, arm }) => role === 'final' && (arm === 'full-precision' || arm === 'b1.58'),
  );
  const groups = new Map<string, FinishedRun[]>();
  for (const run of finals) {
    const { num_hidden_layers: layers, hidden_size: width } = run.model;
    const key = `${run.corpus.name} ${layers}×${width}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const pairs = [...groups.values()].flatMap((runs) => pairOf(runs) ?? []);
  return pairs.toSorted((a, b) => a.corpus.localeCompare(b.corpus) || a.parameters - b.parameters);
}

function pairOf(runs: readonly FinishedRun[]): Pair | undefined {
  const of = (quantizer: 'none' | 'absmean-ternary'): Map<number, FinishedRun> =>
    bySeed(runs.filter(({ model }) => ablationOptions(model).weight_quantizer === quantizer));
  const [full, ternary] = [of('none'), of('absmean-ternary')];
  const seeds = commonSeeds([full, ternary]);
  if (seeds.length === 0) return undefined;
  const losses = (arm: Map<number, FinishedRun>): number[] => seeds.map((seed) => judgedLoss(arm.get(seed)!));
  const { model, corpus } = full.get(seeds[0])!;
  const { total, quantized } = countParameters(model);
  const rounding = seeds.flatMap((seed) => roundingOf(full.get(seed)!) ?? []);
  return {
    corpus: corpus.name,
    shape: `${model.num_hidden_layers}×${model.hidden_size}`,
    parameters: total,
    quantized,
    full: meanInterval(losses(full)),
    ternary: meanInterval(losses(ternary)),
    gap: pairedDifference(losses(ternary), losses(full)),
    gaps: new Map(seeds.map((seed) => [seed, judgedLoss(ternary.get(seed)!) - judgedLoss(full.get(seed)!)])),
    ...(rounding.length > 0 && { halfPrecision: meanInterval(rounding) }),
  };
}

/** What rounding to half precision adds to a run's loss, over the same windows. */
export function roundingOf({ measured }: FinishedRun): number | undefined {
  const [rounded, unrounded] = [measured?.fp16, measured?.['fp16-unrounded']];
  return rounded === undefined || unrounded === undefined ? undefined : rounded - unrounded;
}

/** A budget that both arms spend alike: bytes of weights, or seconds of decoding a token. */
export interface EqualBudget {
  pair: Pair;
  /** What the b1.58 model spends. */
  budget: number;
  /** Loss of a full-precision model that spends as much, between its two neighbours on the logarithm of the budget. */
  fullLoss: number;
  /** b1.58 − full precision at equal budget. */
  gap: number;
}

/** Budgets of a model in both forms. */
export type BudgetOf = (pair: Pair, form: 'full' | 'ternary') => number;

/** Bytes of the weights in memory: full precision in 16 bits; b1.58 in 2 bits and the rest in 16. */
export const bytesBudget: BudgetOf = ({ parameters, quantized }, form) =>
  form === 'full' ? 2 * parameters : quantized / 4 + 2 * (parameters - quantized);

/**
 * Each b1.58 model beside the full-precision one of equal budget, where such a one lies among those that were trained.
 * Pairs with a run that diverged are left out.
 * @param all pairs of one corpus, ascending
 */
export function atEqualBudget(all: readonly Pair[], budgetOf: BudgetOf): EqualBudget[] {
  const pairs = all.filter(
    ({ full, ternary }) => Number.isFinite(full.value) && Number.isFinite(ternary.value),
  );
  const curve = pairs.map((pair) => ({ budget: Math.log(budgetOf(pair, 'full')), loss: pair.full.value }));
  return pairs.flatMap((pair) => {
    const budget = budgetOf(pair, 'ternary');
    const above = curve.findIndex((point) => point.budget >= Math.log(budget));
    if (above < 1) return [];
    const [low, high] = [curve[above - 1], curve[above]];
    const share = (Math.log(budget) - low.budget) / (high.budget - low.budget);
    const fullLoss = low.loss + share * (high.loss - low.loss);
    return [{ pair, budget, fullLoss, gap: pair.ternary.value - fullLoss }];
  });
}

/**
 * Slope of the gap against log₂ of the parameters: nats for each doubling, negative where the gap shrinks. By least squares
 * for each seed apart that all pairs have; the interval is over seeds, and rules nothing out where there is none.
 * @param pairs of one corpus, two at least
 */
export function gapTrend(pairs: readonly Pair[]): Estimate {
  const x = pairs.map(({ parameters }) => Math.log2(parameters));
  const middle = mean(x);
  const spread = x.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const slopes = commonSeeds(pairs.map(({ gaps }) => gaps)).map(
    (seed) => x.reduce((sum, value, i) => sum + (value - middle) * pairs[i].gaps.get(seed)!, 0) / spread,
  );
  // A gap to a run that diverged has no place on a line.
  return slopes.length > 0 && slopes.every(Number.isFinite) ? meanInterval(slopes) : undecided(slopes);
}
