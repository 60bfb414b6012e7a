/** What of a figure has a place on its axes: the rest becomes gaps, or is left out and said. */
import type { Axis, Figure, Interval, Trace, Values } from '../figure.js';

/** What of a settled axis decides where bounds end. */
interface ShownAxis {
  scale: 'linear' | 'log' | 'category';
  domain: readonly [number, number];
}

const HUGE = 1e300;
const TINY = 1e-300;

function placeable(value: number): number | null {
  const size = Math.abs(value);
  if (!(size <= HUGE)) return null;
  return size < TINY ? 0 : value;
}

/** Whether a value has a place on an axis. */
export function isOn(axis: Axis, value: number | string): boolean {
  if (typeof value === 'string') return axis.scale === 'category';
  const place = placeable(value);
  return place !== null && (axis.scale !== 'log' || place > 0);
}

/** A value that is on an axis, as it is placed there. */
export function placed<T extends number | string>(value: T): T {
  return (typeof value === 'number' ? placeable(value) : value) as T;
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
export function withGaps(trace: Trace): Trace {
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
export function onLogAxes(trace: Trace, figure: Figure, notes: string[]): Trace {
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
export function reachingTheEdge<T extends Trace>(trace: T, x: ShownAxis, y: ShownAxis): T {
  const bounded = (bounds: Interval | undefined, axis: ShownAxis): Interval | undefined => {
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
