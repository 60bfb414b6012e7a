import { common, type Quantity } from './chart-options.js';
import { type ChartOptions, FigureError, type Figure, type HistogramTrace } from '../figure.js';

/** Values to be counted, or counts in given bins. */
export type HistogramSeries = { name: string; color?: string } & (
  | { values: ArrayLike<number> }
  | { edges: ArrayLike<number>; counts: ArrayLike<number> }
);

/** Options of `histogramFigure`. */
export interface HistogramFigureOptions extends ChartOptions {
  /** What is counted. */
  x: Quantity;
  series: readonly HistogramSeries[];
  /** Bins for the series that are given as values, the same for all; 60 by default. */
  bins?: number;
  /** First and last edge of the bins; by default the lowest and highest value of all series. */
  range?: readonly [number, number];
  /** `share` in percent of each series' values, or `count`; `share` by default. */
  show?: 'share' | 'count';
  /** `linear` by default. */
  scale?: 'linear' | 'log';
}

const DEFAULT_BINS = 60;
const MAX_BINS = 1000;

/** How often values occur, for one series or several over each other: weights before and after quantization. */
export function histogramFigure(options: HistogramFigureOptions): Figure {
  const bins = options.bins ?? DEFAULT_BINS;
  if (!Number.isInteger(bins) || bins < 1 || bins > MAX_BINS) {
    throw new FigureError(
      `figure "${options.title}": bins must be a whole number from 1 to ${MAX_BINS}, got ${bins}.`,
    );
  }
  const share = (options.show ?? 'share') === 'share';
  const [low, high] = options.range ?? rangeOf(options.series);
  const notes = [...(options.notes ?? [])];
  const traces = options.series.map((series): HistogramTrace => {
    const { name, color } = series;
    let edges: number[];
    let counts: number[];
    let total: number;
    if ('values' in series) {
      edges = Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
      const counted = count(series.values, low, high, bins);
      counts = counted.counts;
      total = series.values.length;
      const outside = total - counts.reduce((sum, n) => sum + n, 0) - counted.notFinite;
      if (counted.notFinite > 0)
        notes.push(`${name}: ${counted.notFinite} values are not finite and not counted`);
      if (outside > 0) notes.push(`${name}: ${outside} values lie outside the bins`);
    } else {
      edges = Array.from(series.edges);
      counts = Array.from(series.counts);
      total = counts.reduce((sum, n) => sum + n, 0);
    }
    return {
      kind: 'histogram',
      name,
      color,
      edges,
      counts: share ? counts.map((n) => (total === 0 ? 0 : (100 * n) / total)) : counts,
    };
  });
  return {
    ...common(options),
    notes,
    x: options.x,
    y: {
      title: share ? 'Share in each bin' : 'Count in each bin',
      unit: share ? '%' : 'values',
      scale: options.scale,
    },
    traces,
  };
}

function rangeOf(series: readonly HistogramSeries[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const one of series) {
    if (!('values' in one)) continue;
    for (let i = 0; i < one.values.length; i += 1) {
      const value = one.values[i];
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Counts of values in equal bins; the last bin holds its upper edge, too. */
function count(
  values: ArrayLike<number>,
  low: number,
  high: number,
  bins: number,
): { counts: number[]; notFinite: number } {
  const counts = Array.from({ length: bins }, () => 0);
  let notFinite = 0;
  const perUnit = bins / (high - low);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (!Number.isFinite(value)) notFinite += 1;
    else if (value >= low && value <= high) {
      counts[Math.min(Math.floor((value - low) * perUnit), bins - 1)] += 1;
    }
  }
  return { counts, notFinite };
}
