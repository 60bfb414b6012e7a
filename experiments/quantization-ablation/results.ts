/**
 * What the finished runs of the quantization ablation come to: block by block, arm by arm. Losses are those on the test part,
 * which no rate was chosen by; a block's arms share one estimate of how far a run strays.
 */
import {
  atBestRate,
  divergedContrast,
  ifDetermined,
  interval,
  meanInterval,
  PooledArms,
  type Contrast,
  type Estimate,
  type RateCurve,
} from '@bitnet-notebooks/lib';
import { ARMS, type Arm } from './arms.js';
import { atRate, reportedRuns, type ArmRuns } from './arm-runs.js';
import { BLOCKS, nameIn, type Block } from './blocks.js';
import { blockNotes } from './notes.js';
import { divergedEverywhere, isSameRate } from './rates.js';
import { seedOf } from '../sweep/by-seed.js';
import { requireOneVersion } from '../sweep/versions.js';
import { lossOf, type CurvePoint, type FinishedRun } from '../sweep/finished-run.js';

/** The reported runs of one arm at its own rate. */
export interface ArmResult {
  /** Its name in the record, with its block's prefix. */
  arm: string;
  block: Block;
  label: string;
  axis: Arm['axis'];
  /** Peak learning rate: the lowest point of `curve`. */
  rate: number;
  curve: RateCurve;
  /** Loss by seed, nats a character, ascending seeds; Infinity for a run that diverged. */
  bySeed: ReadonlyMap<number, number>;
  /** The same in the order of the seeds. */
  losses: number[];
  /** Student's interval of the arm by itself: luck that arms share is in it. */
  loss: Estimate;
  /** The arm that it is compared with. */
  against: string;
  /** Loss minus that of `against`, both at their best rates, by the block's pooled spread; absent where that arm has no runs. */
  contrast?: Contrast;
  /** Its 95 % interval. */
  difference?: Estimate;
  /** Loss curve of each seed, on validation text. */
  curves: CurvePoint[][];
}

/** All arms of one size. */
export interface BlockResults {
  block: Block;
  /** Steps of the reported runs. */
  steps: number;
  /** In the order of `ARMS`. */
  arms: ArmResult[];
  /** Standard deviation of a run around its arm and seed, nats, and its degrees of freedom; absent for too few runs. */
  spread?: { deviation: number; degrees: number };
  /** What a reader has to know before trusting the block: missing seeds, arms that diverged. */
  notes: string[];
  /**
   * One arm − another, by their names in `ARMS`, each at its best rate with the uncertainty of both rates; undefined where
   * one has no runs. An arm that diverged lost by more than any number.
   */
  contrast(this: void, arm: string, against: string): Contrast | undefined;
  /** The same with both at one given rate: nothing was tuned, so nothing is added. */
  contrastAt(this: void, rate: number, arm: string, against: string): Contrast | undefined;
}

/** Every block that has reported runs. @throws Error for runs of several versions, or of several lengths in a block */
export function ablationResults(finished: readonly FinishedRun[]): BlockResults[] {
  return BLOCKS.flatMap((block) => blockResults(block, finished) ?? []);
}

/** Every arm that has reported runs at its own rate, block by block. */
export function armResults(finished: readonly FinishedRun[]): ArmResult[] {
  return ablationResults(finished).flatMap(({ arms }) => arms);
}

/** An arm by its name in the record; undefined where it has no reported runs. */
export function resultOf(arm: string, finished: readonly FinishedRun[]): ArmResult | undefined {
  return armResults(finished).find((result) => result.arm === arm);
}

function blockResults(block: Block, finished: readonly FinishedRun[]): BlockResults | undefined {
  const arms = ARMS.flatMap((arm) => reportedRuns(arm, block, finished) ?? []);
  if (arms.length === 0) return undefined;
  const finals = arms.flatMap(({ all }) => all);
  requireOneVersion(`average ${block.label}`, finals);
  const steps = oneLength(block, finals);
  // Absent for runs that are too few, or share too few seeds, to show a spread: a note of the block says so.
  const pooled = ifDetermined(() => new PooledArms(arms.flatMap(({ losses }) => losses)));
  const nameAt = (name: string, rate?: number): string | undefined => {
    const own = arms.find(({ arm }) => arm.name === name);
    const isOwn = rate === undefined || (own && isSameRate(rate, own.rate));
    const wanted = isOwn ? name : atRate(name, rate);
    return own?.losses.some(({ arm }) => arm === wanted) ? wanted : undefined;
  };
  const between = (one: string | undefined, other: string | undefined): Contrast | undefined =>
    one !== undefined && other !== undefined ? pooled?.contrast(one, other) : undefined;
  const curveOf = (name: string): RateCurve | undefined => arms.find(({ arm }) => arm.name === name)?.curve;
  const contrast = (name: string, against: string): Contrast | undefined => {
    if (divergedEverywhere(nameIn(block, name), finished) && curveOf(against)) return LOST;
    const found = between(nameAt(name), nameAt(against));
    return found && atBestRate(found, curveOf(name), curveOf(against));
  };
  return {
    block,
    steps,
    arms: arms.filter(({ own }) => own.length > 0).map((runs) => resultFrom(runs, block, contrast)),
    ...(pooled && { spread: { deviation: pooled.deviation, degrees: pooled.degrees } }),
    notes: blockNotes(block, arms, pooled, finished),
    contrast,
    contrastAt: (rate, name, against) => between(nameAt(name, rate), nameAt(against, rate)),
  };
}

/** More than any number. */
const LOST: Contrast = divergedContrast(Infinity, 0);

function resultFrom(
  { arm, curve, rate, own }: ArmRuns,
  block: Block,
  contrast: BlockResults['contrast'],
): ArmResult {
  const losses = own.map(lossOf);
  const difference = arm.name === arm.against ? undefined : contrast(arm.name, arm.against);
  return {
    arm: nameIn(block, arm.name),
    block,
    label: arm.label,
    axis: arm.axis,
    rate,
    curve,
    bySeed: new Map(own.map((run) => [seedOf(run), lossOf(run)])),
    losses,
    loss: meanInterval(losses),
    against: nameIn(block, arm.against),
    ...(difference && { contrast: difference, difference: interval(difference) }),
    curves: own.map((run) => run.curve),
  };
}

/** Runs of several lengths are no seeds of each other. */
function oneLength(block: Block, runs: readonly FinishedRun[]): number {
  const lengths = [...new Set(runs.map(({ training }) => training.steps))];
  if (lengths.length === 1) return lengths[0];
  throw new Error(
    `average ${block.label}: all reported runs must have one length, got ${lengths.join(' and ')} steps. ` +
      'Give --runs an empty folder, or take the runs of one preset.',
  );
}
