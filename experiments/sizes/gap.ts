/** The gap between b1.58 and full precision, pair by pair, and how it goes with size. */
import { bootstrap, meanInterval, sizesOf, type Estimate, type MeasuredLoss } from '@bitnet-notebooks/lib';
import type { SizeCurve } from '../scaling-law/results.js';

/** The gap at one size, nats. */
export interface GapAtSize {
  parameters: number;
  gap: Estimate;
}

/** b1.58 − full precision, by size and seed; pairs share their data and the seed of their first weights. */
export function gapPoints(curves: readonly SizeCurve[]): MeasuredLoss[] {
  const of = (arm: string): MeasuredLoss[] => curves.find((curve) => curve.arm === arm)?.points ?? [];
  const full = of('full-precision');
  return of('b1.58').flatMap(({ parameters, seed, loss }) => {
    // Quantizing adds no parameter, so the sizes of a pair are the same.
    const pair = full.find((point) => point.parameters === parameters && point.seed === seed);
    return pair ? [{ parameters, seed, loss: loss - pair.loss }] : [];
  });
}

export function gapsBySize(curves: readonly SizeCurve[]): GapAtSize[] {
  const points = gapPoints(curves);
  return sizesOf(points).map((parameters) => ({
    parameters,
    gap: meanInterval(points.filter((point) => point.parameters === parameters).map(({ loss }) => loss)),
  }));
}

/** Change of the gap per tenfold size, nats: the slope of a line through gap over log₁₀ N, pairs drawn. */
export function sizeGapTrend(curves: readonly SizeCurve[]): Estimate {
  return bootstrap([gapPoints(curves)], ([drawn]) => ({ trend: slope(drawn) })).trend;
}

function slope(points: readonly MeasuredLoss[]): number {
  const x = points.map(({ parameters }) => Math.log10(parameters));
  const y = points.map(({ loss }) => loss);
  const meanX = x.reduce((sum, value) => sum + value, 0) / x.length;
  const meanY = y.reduce((sum, value) => sum + value, 0) / y.length;
  let xx = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    xx += (x[i] - meanX) ** 2;
    xy += (x[i] - meanX) * (y[i] - meanY);
  }
  return xy / xx;
}
