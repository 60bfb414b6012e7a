/** The pictures of the scaling law's measurements: curves, gaps, shifts and tokens. Fits: fit-figures.ts. */
import {
  lineFigure,
  meanBySize,
  meanInterval,
  scatterFigure,
  shiftBySize,
  sizesOf,
  type Estimate,
  type Figure,
  type LineSeries,
  type MeasuredLoss,
} from '@bitnet-notebooks/lib';
import type { Pair } from '../sizes/pairs.js';
import type { ScalingResults, SizeCurve } from './results.js';

/** The axis of sizes. */
export const PARAMETERS = { title: 'Parameters N', unit: 'values', scale: 'log', format: '~s' } as const;

/** Means over the seeds, with Student's intervals where there are several seeds everywhere. */
export function meansWithBars(
  points: readonly MeasuredLoss[],
  floor: number,
): { x: number[]; y: number[]; low?: number[]; high?: number[] } {
  const means = meanBySize(points);
  const x = means.map(({ parameters }) => parameters);
  const y = means.map(({ loss }) => loss - floor);
  const losses = x.map((size) => points.filter((one) => one.parameters === size).map(({ loss }) => loss));
  if (losses.some(({ length }) => length < 2)) return { x, y };
  const intervals = losses.map((values) => meanInterval(values.map((loss) => loss - floor)));
  // A logarithmic axis has no place for what reaches zero.
  const low = intervals.map((one, i) => (floor > 0 ? Math.max(one.low, y[i] / 3) : one.low));
  return { x, y, low, high: intervals.map(({ high }) => high) };
}

/** `5.2 k`, `4.1 M`. */
export function count(parameters: number): string {
  return parameters < 1e6 ? `${(parameters / 1e3).toFixed(1)} k` : `${(parameters / 1e6).toFixed(1)} M`;
}

/** Loss curves of every size of an arm, while they train: one seed. */
export function sizeCurvesFigure({ label, runs }: SizeCurve, entropyPerToken: number): Figure {
  const oneSeed = runs.filter(({ training }) => training.seeds.weights === runs[0].training.seeds.weights);
  const bySize = oneSeed.toSorted((x, y) => x.parameters - y.parameters);
  return lineFigure({
    title: `Loss while training, ${label}`,
    subtitle: 'All positions together; the line is the exact entropy',
    x: { title: 'Step', unit: 'updates' },
    y: { title: 'Validation loss', unit: 'nats per token' },
    lines: [{ axis: 'y', at: entropyPerToken, label: 'entropy' }],
    ordered: true,
    series: bySize.map(({ parameters, curve }): LineSeries => ({
      name: count(parameters),
      x: curve.map(({ step }) => step),
      y: curve.map(({ validationLoss }) => validationLoss),
    })),
  });
}

/** What b1.58 loses against full precision, by size, on both corpora. */
export function sizeGapFigure({ pairs }: ScalingResults): Figure {
  const series = (name: string, gaps: readonly Pair[]): LineSeries[] => {
    if (gaps.length === 0) return [];
    const of = (pick: (gap: Estimate) => number): number[] => gaps.map(({ gap }) => pick(gap));
    return [
      {
        name,
        x: gaps.map(({ parameters }) => parameters),
        y: of(({ value }) => value),
        low: of(({ low }) => low),
        high: of(({ high }) => high),
        bars: true,
        markers: true,
      },
    ];
  };
  return lineFigure({
    title: 'The gap to full precision',
    subtitle: 'b1.58 − full precision, same seeds, 95 % intervals (Student)',
    x: PARAMETERS,
    y: { title: 'Gap', unit: 'nats per token' },
    lines: [{ axis: 'y', at: 0, label: '' }],
    series: [...series('Zipf facts, values', pairs.zipf), ...series('Tiny Shakespeare', pairs.shakespeare)],
  });
}

/** The size k·N of full precision that does what b1.58 does with N. */
export function shiftFigure({ zipf, shakespeare }: ScalingResults): Figure {
  const series = (name: string, curves: readonly SizeCurve[]): LineSeries[] => {
    const of = (arm: string): MeasuredLoss[] => curves.find((curve) => curve.arm === arm)?.points ?? [];
    const shifts = shiftBySize(of('b1.58'), of('full-precision'));
    return shifts.length === 0
      ? []
      : [{ name, x: shifts.map((one) => one.parameters), y: shifts.map(({ k }) => k), markers: true }];
  };
  return lineFigure({
    title: 'How many full-precision parameters is a ternary one worth?',
    subtitle: 'k with L_ternary(N) = L_fp(k·N)',
    x: PARAMETERS,
    y: { title: 'k', unit: '', scale: 'log' },
    lines: [
      { axis: 'y', at: 0.446, label: 'precision law 0.446' },
      { axis: 'y', at: 0.25, label: 'twice the width 0.25' },
    ],
    series: [...series('Zipf facts', zipf), ...series('Tiny Shakespeare', shakespeare)],
  });
}

/** Excess over the entropy against tokens, a curve for each size. */
export function tokensFigure({ lengths, entropy }: ScalingResults, arm: string): Figure {
  const points = lengths[arm] ?? [];
  const sizes = sizesOf(points).filter(
    (size) =>
      new Set(points.flatMap(({ parameters, tokens }) => (parameters === size ? [tokens] : []))).size > 1,
  );
  return lineFigure({
    title: `Excess loss against tokens, ${arm}`,
    x: { title: 'Tokens D', unit: 'tokens', scale: 'log', format: '~s' },
    y: { title: 'Loss on values − entropy', unit: 'nats', scale: 'log' },
    ordered: true,
    series: sizes.map((size): LineSeries => {
      const ofSize = points.filter(({ parameters, seed }) => parameters === size && seed === 1);
      const sorted = ofSize.toSorted((x, y) => x.tokens - y.tokens);
      return {
        name: `${count(size)} parameters`,
        x: sorted.map(({ tokens }) => tokens),
        y: sorted.map(({ loss }) => loss - entropy),
        markers: true,
      };
    }),
  });
}

/** Tiny Shakespeare: validation loss against size. */
export function shakespeareFigure({ shakespeare }: ScalingResults): Figure {
  return scatterFigure({
    title: 'Tiny Shakespeare: loss against size',
    x: PARAMETERS,
    y: { title: 'Validation loss', unit: 'nats per character' },
    series: shakespeare.map(({ label, points }) => ({ name: label, ...meansWithBars(points, 0) })),
  });
}
