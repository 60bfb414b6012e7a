/**
 * A checked figure with nothing left open: colours, categories and the range of each axis are settled, and what a log
 * axis cannot show is taken out and said. Both renderers draw from this, so they cannot differ.
 */
import { checkFigure } from './check.js';
import { orderedColors, PALETTE } from '../colors.js';
import { domainOf } from './domain.js';
import type { Annotation, Axis, Figure, Interval, ReferenceLine, Trace, Values } from '../figure.js';

/** Size in pixels of a picture; charts take the width that there is. */
const WIDTH = 720;
const HEIGHT = 400;
/** What a chart that takes the width there is must be able to do with: half a window, beside JupyterLab's list of files. */
export const LEAST_WIDTH = 560;

/** An axis as it is drawn. */
export interface DrawnAxis {
  /** Title with the unit in brackets. */
  label: string;
  scale: 'linear' | 'log' | 'category';
  /** First and last value shown, ascending; category i lies at i. */
  domain: readonly [number, number];
  categories: readonly string[];
  reversed: boolean;
  format: string | undefined;
}

/** A trace whose colour is settled. */
export type DrawnTrace = Trace & { color: string };

/** A figure as it is drawn. */
export interface DrawnFigure {
  title: string;
  subtitle: string | undefined;
  x: DrawnAxis;
  y: DrawnAxis;
  traces: readonly DrawnTrace[];
  bars: 'grouped' | 'stacked';
  lines: readonly ReferenceLine[];
  annotations: readonly Annotation[];
  notes: readonly string[];
  width: number;
  height: number;
  /** Whether the width was asked for; else a chart takes what there is. */
  fixedWidth: boolean;
  /** Whether the height was asked for; else what stands above and below the plot may add to it. */
  fixedHeight: boolean;
}

/**
 * A figure made ready to be drawn, `width` pixels wide where the figure does not say; throws FigureError where it
 * contradicts itself.
 */
export function drawable(figure: Figure, width: number = WIDTH): DrawnFigure {
  checkFigure(figure);
  const notes = [...(figure.notes ?? [])];
  const uncolored = figure.traces.filter(({ color }) => color === undefined).length;
  // More series than the palette has colours would share them.
  const colors = uncolored > PALETTE.length ? orderedColors(uncolored) : PALETTE;
  let next = 0;
  const traces = figure.traces.map((trace): DrawnTrace => {
    const shown = onLogAxes(withGaps(trace), figure, notes);
    return { ...shown, color: trace.color ?? colors[next++] };
  });
  if (traces.every(isEmpty)) notes.push('No data.');
  const cleared = {
    ...figure,
    traces,
    lines: (figure.lines ?? [])
      .filter(({ axis, at }) => isOn(figure[axis], at))
      .map((line) => ({ ...line, at: placed(line.at) })),
    annotations: (figure.annotations ?? [])
      .filter(({ x, y }) => isOn(figure.x, x) && isOn(figure.y, y))
      .map((note) => ({ ...note, x: placed(note.x), y: placed(note.y) })),
  };
  const x = drawnAxis(cleared, 'x');
  const y = drawnAxis(cleared, 'y');
  return {
    title: figure.title,
    subtitle: figure.subtitle,
    x,
    y,
    traces: traces.map((trace) => reachingTheEdge(trace, x, y)),
    bars: figure.bars ?? 'grouped',
    lines: cleared.lines,
    annotations: cleared.annotations,
    notes,
    width: figure.width ?? width,
    fixedWidth: figure.width !== undefined,
    height: figure.height ?? HEIGHT,
    fixedHeight: figure.height !== undefined,
  };
}

/** Whether a value has a place on an axis. */
function isOn(axis: Axis, value: number | string): boolean {
  if (typeof value === 'string') return axis.scale === 'category';
  const place = placeable(value);
  return place !== null && (axis.scale !== 'log' || place > 0);
}

/** A value that is on an axis, as it is placed there. */
function placed<T extends number | string>(value: T): T {
  return (typeof value === 'number' ? placeable(value) : value) as T;
}

/** An axis title with its unit. */
export function axisLabel(axis: { title: string; unit: string }): string {
  return axis.unit === '' ? axis.title : `${axis.title} (${axis.unit})`;
}

/** Where a value lies along an axis: its number, or the index of its category. */
export function placeOn(axis: DrawnAxis, value: number | string): number {
  return typeof value === 'number' ? value : axis.categories.indexOf(value);
}

function drawnAxis(figure: Figure & { traces: readonly DrawnTrace[] }, name: 'x' | 'y'): DrawnAxis {
  const axis: Axis = figure[name];
  const scale = axis.scale ?? 'linear';
  const categories = scale === 'category' ? (axis.categories ?? namesOn(figure, name)) : [];
  return {
    label: axisLabel(axis),
    scale,
    domain: scale === 'category' ? [-0.5, Math.max(categories.length, 1) - 0.5] : domainOf(figure, name),
    categories,
    // A vertical list is read from the top.
    reversed: axis.reversed ?? (scale === 'category' && name === 'y'),
    format: axis.format,
  };
}

function namesOn(figure: Figure, name: 'x' | 'y'): string[] {
  const names = new Set<string>();
  for (const trace of figure.traces) {
    const positions =
      trace.kind === 'bar' ? trace.at : trace.kind === 'line' || trace.kind === 'scatter' ? trace[name] : [];
    for (const position of positions) if (typeof position === 'string') names.add(position);
  }
  return [...names];
}

const HUGE = 1e300;
const TINY = 1e-300;

function placeable(value: number): number | null {
  const size = Math.abs(value);
  if (!(size <= HUGE)) return null;
  return size < TINY ? 0 : value;
}

/** Whether a trace has no value to show. */
export function isEmpty(trace: Trace): boolean {
  const values =
    trace.kind === 'histogram'
      ? trace.counts
      : trace.kind === 'line' || trace.kind === 'scatter'
        ? trace.y
        : trace.values;
  return values.every((value) => value === null);
}

/**
 * NaN and infinities have no place in a picture or in JSON: they become gaps. So does what lies beyond 1e300, since
 * the range of an axis must be a number, too; numbers within 1e-300 of zero are zero, since a share of a range must be.
 */
function withGaps(trace: Trace): Trace {
  const finite = <T extends number | string | null>(values: readonly T[]): (T | number | null)[] =>
    values.map((value) => (typeof value === 'number' ? placeable(value) : value));
  const bounds = (interval: Interval | undefined): Interval | undefined =>
    interval && { low: finite(interval.low), high: finite(interval.high) };
  switch (trace.kind) {
    case 'line':
      return {
        ...trace,
        x: finite(trace.x),
        y: finite(trace.y),
        band: bounds(trace.band),
        errorY: bounds(trace.errorY),
      };
    case 'scatter':
      return {
        ...trace,
        x: finite(trace.x),
        y: finite(trace.y),
        errorX: bounds(trace.errorX),
        errorY: bounds(trace.errorY),
      };
    case 'bar':
      return { ...trace, values: finite(trace.values), error: bounds(trace.error) };
    case 'histogram':
      return {
        ...trace,
        edges: trace.edges.map((edge) => placeable(edge) ?? Math.sign(edge) * HUGE),
        counts: finite(trace.counts).map((count, i) =>
          placeable(trace.edges[i]) === null || placeable(trace.edges[i + 1]) === null ? null : count,
        ),
      };
    case 'heatmap':
      return { ...trace, values: finite(trace.values) };
  }
}

/** The trace without the points that a log axis has no place for; `notes` gets a line for each trace that lost some. */
function onLogAxes(trace: Trace, figure: Figure, notes: string[]): Trace {
  const logX = figure.x.scale === 'log';
  const logY = figure.y.scale === 'log';
  if (!logX && !logY) return trace;
  let dropped = 0;
  const positive = <T extends number | string | null>(values: readonly T[]): (T | null)[] =>
    values.map((value) => {
      if (typeof value !== 'number' || value > 0) return value;
      dropped += 1;
      return null;
    });
  let shown = trace;
  if (trace.kind === 'line') {
    shown = { ...trace, x: logX ? positive(trace.x) : trace.x, y: logY ? positive(trace.y) : trace.y };
  } else if (trace.kind === 'scatter') {
    shown = { ...trace, x: logX ? positive(trace.x) : trace.x, y: logY ? positive(trace.y) : trace.y };
  } else if (trace.kind === 'bar') {
    shown = { ...trace, values: positive(trace.values) };
  } else if (trace.kind === 'histogram') {
    // An empty bin is nothing to draw on any axis: only bins that begin at or below 0 are lost.
    const counts = trace.counts.map((count, i) => {
      const offAxis = (logX && trace.edges[i] <= 0) || (logY && count !== null && count <= 0);
      if (offAxis && count !== null && count !== 0) dropped += 1;
      return offAxis ? null : count;
    });
    shown = { ...trace, counts };
  }
  if (dropped > 0) {
    const what = trace.kind === 'histogram' ? 'bin' : trace.kind === 'bar' ? 'bar' : 'point';
    notes.push(
      `${trace.name}: ${dropped} ${what}${dropped === 1 ? '' : 's'} at or below 0 cannot be shown on a log axis`,
    );
  }
  return shown;
}

/** On a log axis a lower bound at or below 0 lies infinitely far down: it is drawn to the edge. */
function reachingTheEdge(trace: DrawnTrace, x: DrawnAxis, y: DrawnAxis): DrawnTrace {
  const bounded = (bounds: Interval | undefined, axis: DrawnAxis): Interval | undefined => {
    if (bounds === undefined || axis.scale !== 'log') return bounds;
    const clear = (values: Values): Values =>
      values.map((value) => (value !== null && value <= 0 ? axis.domain[0] : value));
    return { low: clear(bounds.low), high: clear(bounds.high) };
  };
  switch (trace.kind) {
    case 'line':
      return { ...trace, band: bounded(trace.band, y), errorY: bounded(trace.errorY, y) };
    case 'scatter':
      return { ...trace, errorX: bounded(trace.errorX, x), errorY: bounded(trace.errorY, y) };
    case 'bar':
      return { ...trace, error: bounded(trace.error, y.scale === 'category' ? x : y) };
    case 'histogram':
    case 'heatmap':
      return trace;
  }
}
