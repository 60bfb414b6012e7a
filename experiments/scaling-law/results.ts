/** What the runs of the scaling-law experiment come to, as losses that can be fitted. */
import {
  perfectLosses,
  splitDiverged,
  ZipfFacts,
  type LossAtSize,
  type MeasuredLoss,
  type TokensPoint,
} from '@bitnet-notebooks/lib';
import { requireOneVersion } from '../sweep/versions.js';
import { pairsOf, type Pair } from '../sizes/pairs.js';
import { seedOf } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';

/** The arms in their order, and how they are written. */
const SCALING_ARMS: Readonly<Record<string, string>> = {
  'full-precision': 'full precision',
  'b1.58': 'b1.58',
  b1: 'b1',
  'b1.58-no-subln': 'b1.58 without SubLN',
};

/** One arm on one corpus. */
export interface SizeCurve {
  arm: string;
  label: string;
  /** Final losses at the sweep's length. On Zipf facts: on value positions, sampling noise taken out. */
  points: MeasuredLoss[];
  diverged: LossAtSize[];
  runs: FinishedRun[];
}

/** By how much the loss on key positions lies above the exact entropy: the measurement's own check. */
export interface KeyExcess {
  arm: string;
  parameters: number;
  /** Mean over the seeds, nats; of a and b. */
  a: number;
  b: number;
}

export interface ScalingResults {
  /** Exact entropy of a value, nats: what c would be with endless tokens. */
  entropy: number;
  /** Tokens that every model of the sweep on Zipf facts saw. */
  tokens: number;
  zipf: SizeCurve[];
  shakespeare: SizeCurve[];
  /** b1.58 beside full precision, shape by shape. */
  pairs: { zipf: Pair[]; shakespeare: Pair[] };
  /** All lengths at the sizes that have several, by arm. */
  lengths: Record<string, TokensPoint[]>;
  keys: KeyExcess[];
}

/** True once a run has ended that {@link scalingResults} can begin with. */
export function hasScalingResults(all: readonly FinishedRun[]): boolean {
  return all.some(({ role, corpus }) => role === 'final' && corpus.name === 'zipf-facts');
}

/**
 * @throws Error where runs are missing, or were not all computed by the same backend and version
 */
export function scalingResults(all: readonly FinishedRun[]): ScalingResults {
  const finals = all.filter(({ role }) => role === 'final');
  requireOneBackend(finals);
  requireOneVersion('scaling law', finals);
  const ofZipf = finals.filter(({ corpus }) => corpus.name === 'zipf-facts');
  if (!hasScalingResults(all)) {
    throw new Error(
      'scaling law: there must be finished runs on Zipf facts, got none. ' +
        'Make them: npm run experiment -- scaling-law --preset laptop',
    );
  }
  const { corpus, training, finalWindows = 0 } = ofZipf[0];
  const { name: _, ...options } = corpus as Extract<typeof corpus, { name: 'zipf-facts' }>;
  const language = new ZipfFacts(options);
  const perfect = perfectLosses(language, finalWindows, training.context);
  const entropy = language.entropy.kinds.find(({ name }) => name === 'v')!.entropy;
  const lossOnValues = (run: FinishedRun): number => lossOf(run) - perfect.v + entropy;
  const steps = mainSteps(ofZipf);
  const ofMainLength = ofZipf.filter((run) => run.training.steps === steps);
  const zipf = curvesOf(ofMainLength, lossOnValues);
  const ofText = finals.filter((run) => run.corpus.name === 'tiny-shakespeare');
  return {
    entropy,
    tokens: tokensOf(ofMainLength[0]),
    zipf,
    shakespeare: curvesOf(ofText, lossOf),
    pairs: { zipf: pairsOf(ofMainLength), shakespeare: pairsOf(ofText) },
    lengths: lengthsOf(ofZipf, lossOnValues),
    keys: zipf.flatMap((curve) => keyExcess(curve, perfect)),
  };
}

/** Losses of different backends agree to rounding only, which small gaps do not forgive. */
function requireOneBackend(runs: readonly FinishedRun[]): void {
  const found = [...new Set(runs.map(({ backend: { name, version } }) => `${name} ${version}`))];
  if (found.length > 1) {
    throw new Error(
      `scaling law: all runs must be computed by one backend, got ${found.join(' and ')} in one result. ` +
        'Run the experiment again in an empty runs folder.',
    );
  }
}

/** The length that most runs have: the sweep over sizes. */
function mainSteps(runs: readonly FinishedRun[]): number {
  const counts = new Map<number, number>();
  for (const { training } of runs) counts.set(training.steps, (counts.get(training.steps) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0][0];
}

function tokensOf({ training: { steps, batch, context } }: FinishedRun): number {
  return steps * batch * context;
}

type LossOf = (run: FinishedRun) => number;

function pointOf(run: FinishedRun, lossOn: LossOf): LossAtSize & { tokens: number } {
  const loss = lossOn(run);
  return {
    parameters: run.parameters,
    tokens: tokensOf(run),
    seed: seedOf(run),
    loss: Number.isFinite(loss) ? loss : null,
  };
}

function curvesOf(runs: readonly FinishedRun[], lossOn: LossOf): SizeCurve[] {
  return Object.entries(SCALING_ARMS).flatMap(([arm, label]) => {
    const ofArm = runs.filter((run) => run.arm === arm);
    if (ofArm.length === 0) return [];
    const { measured, diverged } = splitDiverged(ofArm.map((run) => pointOf(run, lossOn)));
    return [{ arm, label, points: measured, diverged, runs: ofArm }];
  });
}

function lengthsOf(runs: readonly FinishedRun[], lossOn: LossOf): Record<string, TokensPoint[]> {
  const byArm: Record<string, TokensPoint[]> = {};
  for (const arm of Object.keys(SCALING_ARMS)) {
    const points = runs.filter((run) => run.arm === arm).map((run) => pointOf(run, lossOn));
    const isMeasured = (point: (typeof points)[number]): point is TokensPoint => point.loss !== null;
    const measured = points.filter(isMeasured);
    if (new Set(measured.map(({ tokens }) => tokens)).size > 1) byArm[arm] = measured;
  }
  return byArm;
}

function keyExcess({ arm, runs }: SizeCurve, perfect: Record<string, number>): KeyExcess[] {
  const sizes = [...new Set(runs.map(({ parameters }) => parameters))].sort((x, y) => x - y);
  return sizes.flatMap((parameters) => {
    const found = runs.flatMap((run) =>
      run.parameters === parameters && run.lossByKind ? [run.lossByKind] : [],
    );
    if (found.length === 0) return [];
    const excess = (kind: 'a' | 'b'): number =>
      found.reduce((sum, losses) => sum + losses[kind], 0) / found.length - perfect[kind];
    return [{ arm, parameters, a: excess('a'), b: excess('b') }];
  });
}
