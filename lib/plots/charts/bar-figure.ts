import { common, type Quantity } from './chart-options.js';
import { type ChartOptions, toValues, type Figure, type Trace } from '../figure.js';

/** Bars of one colour, one at each category. */
export interface BarSeries {
  name: string;
  /** One value for each category; NaN leaves its place empty. */
  values: ArrayLike<number>;
  /** Bounds of each bar's error bar. */
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  /** Text at the end of each bar. */
  labels?: readonly string[];
  /** Draws marks instead of bars, such as a paper's numbers beside ours. */
  marks?: boolean;
  /** #rrggbb; by default the palette's next colour. */
  color?: string;
}

/** Options of `barFigure`. */
export interface BarFigureOptions extends ChartOptions {
  /** What the categories are. */
  category: { title: string };
  categories: readonly string[];
  /** What the bars' lengths mean. */
  value: Quantity;
  series: readonly BarSeries[];
  /** On each other instead of side by side. */
  stacked?: boolean;
  /** Lying bars with the names before them, the first one on top; for long names. */
  horizontal?: boolean;
}

/** Bars by category, side by side or stacked: bytes by kind, decode latency by model size, probabilities of tokens. */
export function barFigure(options: BarFigureOptions): Figure {
  const { categories } = options;
  const names = { title: options.category.title, unit: '', scale: 'category' as const, categories };
  const traces = options.series.map(({ name, values, low, high, labels, marks, color }): Trace => {
    const error = low && high ? { low: toValues(low), high: toValues(high) } : undefined;
    if (marks !== true) {
      return { kind: 'bar', name, at: categories, values: toValues(values), error, labels, color };
    }
    const lying = options.horizontal === true;
    return {
      kind: 'scatter',
      name,
      x: lying ? toValues(values) : categories,
      y: lying ? categories : toValues(values),
      errorX: lying ? error : undefined,
      errorY: lying ? undefined : error,
      symbol: 'diamond',
      labels,
      color,
    };
  });
  return {
    ...common(options),
    x: options.horizontal ? options.value : names,
    y: options.horizontal ? names : options.value,
    bars: options.stacked ? 'stacked' : 'grouped',
    traces,
  };
}

/** One row of `intervalFigure`. */
export interface IntervalRow {
  name: string;
  value: number;
  low: number;
  high: number;
  /** Name of the group that gives the row its colour. */
  group?: string;
}

/** Options of `intervalFigure`. */
export interface IntervalFigureOptions extends ChartOptions {
  /** What the names are. */
  category: { title: string };
  value: Quantity;
  rows: readonly IntervalRow[];
}

/** Values with their intervals, one row each, the first on top: differences to a reference arm. */
export function intervalFigure(options: IntervalFigureOptions): Figure {
  const { rows } = options;
  const groups = [...new Set(rows.map((row) => row.group ?? options.value.title))];
  const [besides, perRow] = [130, 26];
  return {
    ...common(options),
    height: options.height ?? Math.max(200, besides + perRow * rows.length),
    x: options.value,
    y: {
      title: options.category.title,
      unit: '',
      scale: 'category',
      categories: rows.map(({ name }) => name),
    },
    traces: groups.map((group): Trace => {
      const own = rows.filter((row) => (row.group ?? options.value.title) === group);
      return {
        kind: 'scatter',
        name: group,
        x: toValues(own.map(({ value }) => value)),
        y: own.map(({ name }) => name),
        errorX: { low: toValues(own.map(({ low }) => low)), high: toValues(own.map(({ high }) => high)) },
      };
    }),
  };
}
