import { common, type Quantity } from './chart-options.js';
import { orderedColors } from '../colors.js';
import { type ChartOptions, toValues, type Figure, type LineTrace } from '../figure.js';

/** One curve, with a region between `low` and `high` where both are given. */
export interface LineSeries {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  /** Draws `low` and `high` as error bars; as a band by default. */
  bars?: boolean;
  markers?: boolean;
  dash?: LineTrace['dash'];
  faint?: boolean;
  /** #rrggbb; by default the palette's next colour. */
  color?: string;
}

/** Options of `lineFigure`. */
export interface LineFigureOptions extends ChartOptions {
  x: Quantity;
  y: Quantity;
  series: readonly LineSeries[];
  /** The series have an order, such as sizes: their colours follow it. */
  ordered?: boolean;
}

/** Curves over numbers: error against bits, share of zeros over training, energy against sequence length. */
export function lineFigure(options: LineFigureOptions): Figure {
  const colors = options.ordered === true ? orderedColors(options.series.length) : [];
  return {
    ...common(options),
    x: options.x,
    y: options.y,
    traces: options.series.map((series, i): LineTrace => {
      const { name, x, y, low, high, bars, markers, dash, faint } = series;
      const interval = low && high ? { low: toValues(low), high: toValues(high) } : undefined;
      return {
        kind: 'line',
        name,
        x: toValues(x),
        y: toValues(y),
        markers,
        dash,
        faint,
        color: series.color ?? colors[i],
        band: bars === true ? undefined : interval,
        errorY: bars === true ? interval : undefined,
      };
    }),
  };
}
