/**
 * A figure as plain data: what is shown, not how it is drawn. `plotly.ts` turns it into an interactive chart and
 * `svg.ts` into a static picture, so both always show the same.
 */

/** Numbers along an axis or of a series; null is a gap. */
export type Values = readonly (number | null)[];

/** Where points lie on an axis: numbers, or names of categories on a category axis; null is a gap. */
export type Positions = readonly (number | string | null)[];

/** Lower and upper bound of each point, in the units of its axis. */
export interface Interval {
  low: Values;
  high: Values;
}

/** One axis. Its title is written with the unit in brackets: `Loss (nats per token)`. */
export interface Axis {
  title: string;
  /** Unit in words or symbols; '' only for names and pure numbers. */
  unit: string;
  /** `linear` by default. */
  scale?: 'linear' | 'log' | 'category';
  /** First and last value shown; taken from the data by default. Not used by category axes. */
  range?: readonly [number, number];
  /** Names on a category axis, in order; by default in the order in which the traces bring them. */
  categories?: readonly string[];
  /** How ticks are written, as a d3-format specifier; by default what suits the range. */
  format?: string;
  /** Lets values grow to the left or downwards. A vertical category axis always begins at the top. */
  reversed?: boolean;
}

/** What every trace has. */
interface Named {
  /** Name in the legend and in messages. */
  name: string;
  /** Colour as #rrggbb; by default the palette's next one. */
  color?: string;
  /** False leaves the trace out of the legend; true by default. */
  inLegend?: boolean;
}

/** Points joined in their order; gaps stay open. */
export interface LineTrace extends Named {
  kind: 'line';
  x: Positions;
  y: Values;
  dash?: 'solid' | 'dash' | 'dot';
  /** Thin and pale, for what stands behind the main curves. */
  faint?: boolean;
  /** Marks every point; false by default. */
  markers?: boolean;
  /** Region between two curves, such as a confidence band. */
  band?: Interval;
  /** Error bars along y. */
  errorY?: Interval;
}

/** Points by themselves, with intervals where given. */
export interface ScatterTrace extends Named {
  kind: 'scatter';
  x: Positions;
  y: Positions;
  symbol?: 'circle' | 'circle-open' | 'diamond' | 'diamond-open';
  errorX?: Interval;
  errorY?: Interval;
  /** Text beside each point. */
  labels?: readonly string[];
}

/** Bars from zero, one at each category; they lie where the category axis is y. */
export interface BarTrace extends Named {
  kind: 'bar';
  at: readonly string[];
  values: Values;
  error?: Interval;
  /** Text at the end of each bar. */
  labels?: readonly string[];
}

/** Counts in bins. */
export interface HistogramTrace extends Named {
  kind: 'histogram';
  /** Bounds of the bins, ascending; one more than there are counts. */
  edges: readonly number[];
  counts: Values;
}

/** A matrix in colours. */
export interface HeatmapTrace extends Named {
  kind: 'heatmap';
  rows: number;
  columns: number;
  /** `[rows, columns]`, row-major. */
  values: Values;
  /** `sequential` from little to much, `diverging` around zero. */
  colors: 'sequential' | 'diverging';
  /** Values of the first and last colour; by default those of the data, symmetric for `diverging`. */
  range?: readonly [number, number];
  /** What the colours mean. */
  title: string;
  /** Unit of the values; '' for pure numbers. */
  unit: string;
  /** Outer bounds of the cells along each numeric axis; by default cell i lies at i. */
  xSpan?: readonly [number, number];
  ySpan?: readonly [number, number];
}

/** One series of a figure. */
export type Trace = LineTrace | ScatterTrace | BarTrace | HistogramTrace | HeatmapTrace;

/** A straight line across the plot at a known value. */
export interface ReferenceLine {
  /** The axis that `at` is a value of: `y` gives a horizontal line. */
  axis: 'x' | 'y';
  at: number;
  label: string;
}

/** Text at a point of the plot. */
export interface Annotation {
  x: number | string;
  y: number | string;
  text: string;
  /** Where the text stands, seen from the point; `above` by default. */
  side?: 'above' | 'below' | 'left' | 'right';
}

/** What stands on a chart beside its data. */
export interface ChartOptions {
  title: string;
  /** What the reader should see, in one line. */
  subtitle?: string;
  /** Straight lines at known values, such as a paper's number. */
  lines?: readonly ReferenceLine[];
  annotations?: readonly Annotation[];
  /** Small print below the chart. */
  notes?: readonly string[];
  /** Pixels; 720 × 400 by default. */
  width?: number;
  height?: number;
}

/** A chart: axes, traces and what is written on them. */
export interface Figure extends ChartOptions {
  x: Axis;
  y: Axis;
  traces: readonly Trace[];
  /** How bars at one category share it; `grouped` by default. */
  bars?: 'grouped' | 'stacked';
}

/** Thrown for a figure that cannot be drawn as described; the message names figure and trace. */
export class FigureError extends Error {
  override readonly name = 'FigureError';
}

/** Numbers as a figure keeps them: NaN and infinities become gaps. */
export function toValues(numbers: ArrayLike<number | null>): (number | null)[] {
  return Array.from(numbers, (value) => (value !== null && Number.isFinite(value) ? value : null));
}
