import { common, type Quantity } from './chart-options.js';
import { seriesColor } from '../colors.js';
import {
  type ChartOptions,
  toValues,
  type Figure,
  type Interval,
  type LineTrace,
  type ScatterTrace,
  type Trace,
} from '../figure.js';

/** A curve fitted to points, with the band that it may lie in. */
export interface Fit {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  /** Name in the legend, such as the formula; without one the colour of its points identifies the fit. */
  name?: string;
  /** `solid` by default. */
  dash?: LineTrace['dash'];
}

/** Points that belong together. */
export interface ScatterSeries {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Bounds of each point along y and along x. */
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  lowX?: ArrayLike<number>;
  highX?: ArrayLike<number>;
  fit?: Fit;
  symbol?: ScatterTrace['symbol'];
  labels?: readonly string[];
  /** #rrggbb; by default the palette's next colour. */
  color?: string;
}

/** Options of `scatterFigure`. */
export interface ScatterFigureOptions extends ChartOptions {
  x: Quantity;
  y: Quantity;
  series: readonly ScatterSeries[];
}

/** Measured points with their intervals and the curves fitted to them: excess loss against parameters. */
export function scatterFigure(options: ScatterFigureOptions): Figure {
  const fits: Trace[] = [];
  const points: Trace[] = [];
  options.series.forEach((series, i) => {
    const color = series.color ?? seriesColor(i);
    const { name, fit, symbol, labels } = series;
    if (fit !== undefined) {
      fits.push({
        kind: 'line',
        name: fit.name ?? `${name}, fit`,
        inLegend: fit.name !== undefined,
        x: toValues(fit.x),
        y: toValues(fit.y),
        band: interval(fit.low, fit.high),
        dash: fit.dash,
        color,
      });
    }
    points.push({
      kind: 'scatter',
      name,
      x: toValues(series.x),
      y: toValues(series.y),
      errorX: interval(series.lowX, series.highX),
      errorY: interval(series.low, series.high),
      symbol,
      labels,
      color,
    });
  });
  return { ...common(options), x: options.x, y: options.y, traces: [...fits, ...points] };
}

function interval(
  low: ArrayLike<number> | undefined,
  high: ArrayLike<number> | undefined,
): Interval | undefined {
  return low && high ? { low: toValues(low), high: toValues(high) } : undefined;
}
