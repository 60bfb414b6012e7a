/** What the finished runs of the quantization ablation come to, arm by arm. */
import { meanInterval, type Estimate } from '@bitnet-notebooks/lib';
import { ARMS, type Arm } from './arms.js';
import { differenceBySeed, seedOf } from '../sweep/by-seed.js';
import { requireOneVersion } from '../sweep/versions.js';
import { lossOf, type CurvePoint, type FinishedRun } from '../sweep/finished-run.js';

/** The reported runs of one arm at one learning rate. */
export interface ArmResult {
  arm: string;
  label: string;
  axis: Arm['axis'] | 'configuration A';
  /** Peak learning rate, the best of the arm's tuning runs unless `resultAt` was asked for another. */
  rate: number;
  /** Validation loss by seed, nats per token; Infinity for a run that diverged. */
  bySeed: ReadonlyMap<number, number>;
  /** The same in the order of the seeds. */
  losses: number[];
  loss: Estimate;
  /** The arm that it is compared with. */
  against: string;
  /** Loss minus that of `against`, seed by seed; over the seeds that both have; absent where they share none. */
  difference?: Estimate;
  /** Loss curve of each seed. */
  curves: CurvePoint[][];
}

/** Configuration A is a larger copy of the two reference arms. */
const AT_A: readonly Pick<Arm, 'name' | 'label' | 'against'>[] = [
  { name: 'a-b1.58', label: 'b1.58 at configuration A', against: 'a-full-precision' },
  { name: 'a-full-precision', label: 'full precision at configuration A', against: 'a-full-precision' },
];

/** The learning rate with the lowest loss among the arm's tuning runs; undefined where it has none. */
export function tunedRate(arm: string, finished: readonly FinishedRun[]): number | undefined {
  const tuning = finished.filter((run) => run.arm === arm && run.role === 'tune');
  const best = tuning.reduce<FinishedRun | undefined>(
    (best, run) => (lossOf(run) < (best ? lossOf(best) : Infinity) ? run : best),
    undefined,
  );
  return best?.training.schedule.peak;
}

/** True where the arm's best rate lies inside the rates that were tried, with a worse one on either side. */
export function isInsideGrid(arm: string, finished: readonly FinishedRun[]): boolean {
  const best = tunedRate(arm, finished);
  const rates = finished
    .filter((run) => run.arm === arm && run.role === 'tune')
    .map(({ training }) => training.schedule.peak);
  return best !== undefined && Math.min(...rates) < best && best < Math.max(...rates);
}

/** True where the arm diverged at every rate that it was tried at: it then has no reported runs. */
export function divergedEverywhere(arm: string, finished: readonly FinishedRun[]): boolean {
  const own = finished.filter((run) => run.arm === arm);
  return own.length > 0 && own.every((run) => lossOf(run) === Infinity);
}

/** Every arm that has results at its own best rate, in the order of ARMS, then configuration A. */
export function armResults(finished: readonly FinishedRun[]): ArmResult[] {
  return [...ARMS.map(({ name }) => name), ...AT_A.map(({ name }) => name)]
    .map((name) => resultOf(name, finished))
    .filter((result) => result !== undefined);
}

/** An arm at its own best rate; undefined where it has no results. */
export function resultOf(arm: string, finished: readonly FinishedRun[]): ArmResult | undefined {
  return resultAt(arm, tunedRate(arm, finished), finished);
}

/** An arm at a given rate; its difference is to `against` at that arm's own best rate. */
export function resultAt(
  name: string,
  rate: number | undefined,
  finished: readonly FinishedRun[],
): ArmResult | undefined {
  const arm = [...ARMS, ...AT_A].find((one) => one.name === name);
  const own = finalsAt(name, rate, finished);
  if (!arm || own.length === 0) return undefined;
  const bySeed = lossesBySeed(own);
  const losses = [...bySeed.values()];
  const reference = finalsAt(arm.against, tunedRate(arm.against, finished), finished);
  requireOneVersion(`average ${name}`, [...own, ...reference]);
  const difference = differenceBySeed(bySeed, lossesBySeed(reference));
  return {
    arm: name,
    label: arm.label,
    axis: 'axis' in arm ? (arm as Arm).axis : 'configuration A',
    rate: rate!,
    bySeed,
    losses,
    loss: meanInterval(losses),
    against: arm.against,
    ...(name !== arm.against && difference && { difference }),
    curves: own.map(({ curve }) => curve),
  };
}

function finalsAt(arm: string, rate: number | undefined, finished: readonly FinishedRun[]): FinishedRun[] {
  return finished
    .filter((run) => run.arm === arm && run.role === 'final' && run.training.schedule.peak === rate)
    .toSorted((a, b) => seedOf(a) - seedOf(b));
}

function lossesBySeed(runs: readonly FinishedRun[]): Map<number, number> {
  return new Map(runs.map((run) => [seedOf(run), lossOf(run)]));
}
