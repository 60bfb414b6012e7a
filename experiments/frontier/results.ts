/** What the runs come to: for every form and size its bytes, losses and joules, and how far a run strays. */
import {
  countParameters,
  interval,
  mean,
  modelEnergy,
  PooledArms,
  type Estimate,
  type ModelConfig,
  type TransformerShape,
} from '@bitnet-notebooks/lib';
import { bySeed, seedOf } from '../sweep/by-seed.js';
import { finalRuns, lossOf, type FinishedRun } from '../sweep/finished-run.js';
import { groupBy } from '../sweep/group-by.js';
import { requireOneVersion } from '../sweep/versions.js';
import { shapeOf } from '../sweep/sized-model.js';
import { FORMS, type Form } from './forms.js';

/** One form at one size. */
export interface FrontierPoint {
  form: Form;
  /** `2×96`: layers and width. */
  shape: string;
  /** Learned values. */
  parameters: number;
  /** Of the tensors in the file: all of the model. The mean over the seeds, which differ in their entropy. */
  bytes: number;
  /** Of a sequence of the length that was trained, by the papers' formula at 7 nm. */
  joules: number;
  /** Test loss by seed, nats per token; Infinity where the run diverged. */
  losses: ReadonlyMap<number, number>;
  /** Mean over the seeds; its interval is that of a run's spread, pooled over all arms of the corpus. */
  loss: Estimate;
}

/** How far a run strays, nats, pooled over the arms and sizes of a corpus, with degrees of freedom. */
export interface Spread {
  /** Around its arm, and around what its seed shifts in all arms. */
  noise: number;
  noiseDegrees: number;
  /** Around its arm alone: what counts where sizes differ, whose seeds shift differently. */
  total: number;
  totalDegrees: number;
}

/** One corpus. */
export interface CorpusFrontier {
  corpus: FinishedRun['corpus']['name'];
  /** Ascending in parameters within each form. */
  points: FrontierPoint[];
  /** Undefined for a single seed. */
  spread: Spread | undefined;
  /** The reported runs. */
  runs: FinishedRun[];
}

/** The frontier of every corpus that has final runs. @throws Error for runs of several versions */
export function frontierOf(finished: readonly FinishedRun[]): CorpusFrontier[] {
  const finals = finalRuns(finished);
  requireOneVersion('frontier', finals);
  const corpora = [...new Set(finals.map(({ corpus }) => corpus.name))];
  return corpora.map((corpus) => {
    const runs = finals.filter((run) => run.corpus.name === corpus);
    const spread = spreadOf(runs);
    const points = FORMS.flatMap((form) => pointsOf(form, runs, spread));
    return { corpus, points, spread, runs };
  });
}

/** @throws Error that names the corpora there are */
export function frontierOn(all: readonly CorpusFrontier[], corpus: string): CorpusFrontier {
  const found = all.find((one) => one.corpus === corpus);
  if (found) return found;
  throw new Error(
    `frontier: the corpus must be one of ${all.map((one) => one.corpus).join(', ')}, got ${corpus}.`,
  );
}

function pointsOf(form: Form, runs: readonly FinishedRun[], spread: Spread | undefined): FrontierPoint[] {
  const own = runs.filter(({ arm }) => arm === form.arm);
  const points = [...groupBy(own, shapeOf)].flatMap(([shape, some]): FrontierPoint[] => {
    const bytes = some.flatMap(({ measured }) => measured?.[form.bytes] ?? []);
    // Not measured, or no run that did not diverge: there is no file.
    if (bytes.length === 0) return [];
    const losses = new Map([...bySeed(some)].map(([seed, run]) => [seed, lossOfForm(run, form)]));
    const [{ model, parameters, training }] = some;
    const value = mean([...losses.values()]);
    const error = spread ? spread.total / Math.sqrt(losses.size) : Infinity;
    const loss = interval({
      value,
      standardError: error,
      degrees: spread?.totalDegrees ?? 0,
      count: losses.size,
    });
    const { total: joules } = modelEnergy(asShape(model), form.arithmetic, { tokens: training.context });
    return [{ form, shape, parameters, bytes: mean(bytes), joules, losses, loss }];
  });
  return points.toSorted((a, b) => a.parameters - b.parameters);
}

/** Infinity where the run diverged. @throws Error for a run that was not measured in this form */
function lossOfForm(run: FinishedRun, { loss }: Form): number {
  if (run.validationLoss === null) return Infinity;
  const value = run.measured?.[loss];
  if (value !== undefined) return value;
  throw new Error(
    `frontier: run ${run.name} must have measured ${loss}, and has not. Make the record again.`,
  );
}

/** Pooled over the sizes; undefined where no arm has two runs at a size. */
function spreadOf(runs: readonly FinishedRun[]): Spread | undefined {
  let [noiseSquares, noiseDegrees, totalSquares, totalDegrees] = [0, 0, 0, 0];
  for (const some of groupBy(runs, shapeOf).values()) {
    const losses = some.map((run) => ({
      arm: run.arm,
      seed: seedOf(run),
      loss: lossOf(run),
    }));
    const finite = losses.filter(({ loss }) => loss < Infinity);
    const [arms, seeds] = [new Set(finite.map(({ arm }) => arm)), new Set(finite.map(({ seed }) => seed))];
    if (finite.length > arms.size + seeds.size) {
      const { deviation, degrees } = new PooledArms(losses);
      noiseSquares += degrees * deviation ** 2;
      noiseDegrees += degrees;
    }
    for (const own of groupBy(finite, ({ arm }) => arm).values()) {
      const center = mean(own.map(({ loss }) => loss));
      totalSquares += own.reduce((sum, { loss }) => sum + (loss - center) ** 2, 0);
      totalDegrees += own.length - 1;
    }
  }
  if (noiseDegrees === 0) return undefined;
  return {
    noise: Math.sqrt(noiseSquares / noiseDegrees),
    noiseDegrees,
    total: Math.sqrt(totalSquares / totalDegrees),
    totalDegrees,
  };
}

/** A config as the formulas of energy and the kernel's measurements take it. */
export function asShape(config: ModelConfig): TransformerShape {
  return {
    name: shapeOf({ model: config }),
    hidden: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    intermediate: config.intermediate_size,
    gated: config.hidden_act !== 'gelu',
    vocabulary: config.vocab_size,
    tied: config.tie_word_embeddings,
  };
}

/** Parameters in the matrices that are quantized, and in all else. */
export function parametersOf(run: FinishedRun): { quantized: number; rest: number } {
  const { quantized, total } = countParameters(run.model);
  return { quantized, rest: total - quantized };
}
