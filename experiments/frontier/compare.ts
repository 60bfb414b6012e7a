/** Two forms of weights compared: at equal shape, and at equal bytes. */
import {
  atBestRate,
  divergedContrast,
  mean,
  standardDeviation,
  type Contrast,
  type RateCurve,
} from '@bitnet-notebooks/lib';
import { commonSeeds } from '../sweep/by-seed.js';
import type { CorpusFrontier, FrontierPoint } from './results.js';

/** Expected loss from not knowing the best rate, by arm. */
export type RateCosts = ReadonlyMap<string, Pick<RateCurve, 'cost'>>;

/** A comparison, and the sizes that it was made at. */
export interface Comparison {
  /** First form − second, nats per token; negative where the first is better. */
  contrast: Contrast;
  /** Points of the first form that count. */
  points: FrontierPoint[];
}

/** The points of a form on a corpus, ascending in parameters. */
export function pointsOfForm({ points }: CorpusFrontier, form: string): FrontierPoint[] {
  return points.filter((point) => point.form.name === form);
}

/**
 * Two forms of one shape, over the seeds that both have. Forms of the same runs differ by what was done to their weights alone:
 * Student's t over the seeds. Of others the noise of a run counts, pooled over all arms, and that rates are not known exactly.
 * @returns undefined where the shape has not both
 */
export function atEqualShape(
  frontier: CorpusFrontier,
  [first, second]: readonly [string, string],
  shape: string,
  costs: RateCosts = new Map(),
): Comparison | undefined {
  const point = (form: string): FrontierPoint | undefined =>
    pointsOfForm(frontier, form).find((one) => one.shape === shape);
  const [own, other] = [point(first), point(second)];
  if (!own || !other) return undefined;
  const seeds = commonSeeds([own.losses, other.losses]);
  if (seeds.length === 0) return undefined;
  const differences = seeds.map((seed) => own.losses.get(seed)! - other.losses.get(seed)!);
  const count = seeds.length;
  const value = mean(differences);
  const points = [own];
  if (!Number.isFinite(value)) return { contrast: divergedContrast(value, count), points };
  if (own.form.arm === other.form.arm) {
    const spread = count > 1 ? standardDeviation(differences) : Infinity;
    return {
      contrast: { value, standardError: spread / Math.sqrt(count), degrees: count - 1, count },
      points,
    };
  }
  const { spread } = frontier;
  const contrast = {
    value,
    standardError: spread ? spread.noise * Math.sqrt(2 / count) : Infinity,
    degrees: spread?.noiseDegrees ?? 0,
    count,
  };
  return { contrast: atBestRate(contrast, costs.get(own.form.arm), costs.get(other.form.arm)), points };
}

/** What the second form reaches with as many bytes: shares of its two neighbours. */
interface Between {
  low: FrontierPoint;
  high: FrontierPoint;
  /** Of `high`; the rest is `low`'s. */
  share: number;
}

/**
 * A form beside another of as many bytes, averaged over all sizes whose bytes lie among those of the other. Its loss there is read off
 * the line between its two neighbours on the logarithm of the bytes.
 * @returns undefined where no size does
 */
export function atEqualBytes(
  frontier: CorpusFrontier,
  [first, second]: readonly [string, string],
  costs: RateCosts = new Map(),
): Comparison | undefined {
  const others = pointsOfForm(frontier, second).toSorted((a, b) => a.bytes - b.bytes);
  const pairs = pointsOfForm(frontier, first).flatMap((point) => {
    const between = neighbours(others, point.bytes);
    return between ? [{ point, between }] : [];
  });
  if (pairs.length === 0) return undefined;
  const gaps = pairs.map(({ point, between }) => gapOf(point, between));
  const value = mean(gaps);
  const points = pairs.map(({ point }) => point);
  const count = Math.min(...points.map(({ losses }) => losses.size));
  if (!Number.isFinite(value)) return { contrast: divergedContrast(value, count), points };
  const { spread } = frontier;
  // How much each point's mean weighs in the average: its runs' variance comes in with the square.
  const weights = new Map<FrontierPoint, number>();
  const weigh = (point: FrontierPoint, weight: number): void => {
    weights.set(point, (weights.get(point) ?? 0) + weight / pairs.length);
  };
  for (const { point, between } of pairs) {
    weigh(point, 1);
    weigh(between.low, between.share - 1);
    weigh(between.high, -between.share);
  }
  const variance = [...weights].reduce((sum, [{ losses }, weight]) => sum + weight ** 2 / losses.size, 0);
  const contrast = {
    value,
    standardError: spread ? spread.total * Math.sqrt(variance) : Infinity,
    degrees: spread?.totalDegrees ?? 0,
    count,
  };
  const [own, other] = [points[0].form.arm, others[0].form.arm];
  return {
    contrast: own === other ? contrast : atBestRate(contrast, costs.get(own), costs.get(other)),
    points,
  };
}

function gapOf({ loss }: FrontierPoint, { low, high, share }: Between): number {
  return loss.value - ((1 - share) * low.loss.value + share * high.loss.value);
}

function neighbours(ascending: readonly FrontierPoint[], bytes: number): Between | undefined {
  const above = ascending.findIndex((point) => point.bytes >= bytes);
  if (above < 1) return undefined;
  const [low, high] = [ascending[above - 1], ascending[above]];
  return { low, high, share: Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes) };
}

/** The points that nothing beats: no other point has fewer bytes (or joules) and a lower loss. Ascending. */
export function onFrontier(
  points: readonly FrontierPoint[],
  costOf: (point: FrontierPoint) => number,
): FrontierPoint[] {
  const ascending = points
    .filter(({ loss }) => Number.isFinite(loss.value))
    .toSorted((a, b) => costOf(a) - costOf(b) || a.loss.value - b.loss.value);
  let lowest = Infinity;
  return ascending.filter(({ loss }) => {
    const isLower = loss.value < lowest;
    lowest = Math.min(lowest, loss.value);
    return isLower;
  });
}
