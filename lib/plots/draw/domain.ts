/** The range of an axis of numbers: everything that is drawn, and a little air. */
import type { Axis, BarTrace, Figure, Interval, Trace, Values } from '../figure.js';

type Add = (value: number | string | null) => void;

/** Share of the range that is left free on both sides of points and lines. */
const AIR = 0.04;
const LABEL_AIR = 0.1;

/** Ends of a log axis at the utmost: beyond them numbers lose their digits. */
const SMALLEST = 1e-306;
const LARGEST = 1e306;

/** First and last value that an axis of numbers shows, ascending. */
export function domainOf(figure: Figure, name: 'x' | 'y'): readonly [number, number] {
  const axis: Axis = figure[name];
  if (axis.range !== undefined) return [axis.range[0], axis.range[1]];
  const log = axis.scale === 'log';
  let low = Infinity;
  let high = -Infinity;
  const add = (value: number | string | null | undefined): void => {
    if (typeof value !== 'number' || !Number.isFinite(value) || (log && value <= 0)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const trace of figure.traces) addTrace(trace, name, log, add);
  if (figure.bars === 'stacked') addStacks(figure, name, add);
  for (const line of figure.lines ?? []) if (line.axis === name) add(line.at);
  for (const annotation of figure.annotations ?? []) add(annotation[name]);
  if (low > high) return log ? [1, 10] : [0, 1];
  return withAir(low, high, log, figure.traces, name);
}

function addTrace(trace: Trace, name: 'x' | 'y', log: boolean, add: Add): void {
  const addAll = (values: readonly (number | string | null)[] | undefined): void => values?.forEach(add);
  const addInterval = (bounds: Interval | undefined): void => {
    addAll(bounds?.low);
    addAll(bounds?.high);
  };
  switch (trace.kind) {
    case 'line':
      addAll(trace[name]);
      if (name === 'y') addInterval(trace.band);
      if (name === 'y') addInterval(trace.errorY);
      return;
    case 'scatter':
      addAll(trace[name]);
      addInterval(name === 'x' ? trace.errorX : trace.errorY);
      return;
    case 'bar':
      addAll(trace.values);
      addInterval(trace.error);
      if (!log) add(0);
      return;
    case 'histogram':
      if (name === 'x') return addOccupied(trace.edges, trace.counts, add);
      addAll(trace.counts);
      if (!log) add(0);
      else add(0.8); // a bin of one must have a height
      return;
    case 'heatmap': {
      const [count, span] = name === 'x' ? [trace.columns, trace.xSpan] : [trace.rows, trace.ySpan];
      addAll(span ?? [-0.5, count - 0.5]);
      return;
    }
  }
}

/** Outer edges of the bins that were given, empty ones included: a histogram shows where nothing is, too. */
function addOccupied(edges: readonly number[], counts: Values, add: (value: number) => void): void {
  counts.forEach((count, i) => {
    if (count === null) return;
    add(edges[i]);
    add(edges[i + 1]);
  });
}

function addStacks(figure: Figure, name: 'x' | 'y', add: (value: number) => void): void {
  if (figure[name].scale === 'category') return;
  const bars = figure.traces.filter((trace): trace is BarTrace => trace.kind === 'bar');
  const tops = new Map<string, { up: number; down: number }>();
  for (const trace of bars) {
    trace.at.forEach((category, i) => {
      const top = tops.get(category) ?? { up: 0, down: 0 };
      const value = trace.values[i] ?? 0;
      if (value > 0) top.up += value;
      else top.down += value;
      tops.set(category, top);
    });
  }
  for (const { up, down } of tops.values()) {
    add(up);
    add(down);
  }
}

function withAir(
  low: number,
  high: number,
  log: boolean,
  traces: readonly Trace[],
  name: 'x' | 'y',
): readonly [number, number] {
  if (traces.some((trace) => trace.kind === 'heatmap')) return [low, high];
  if (log) {
    // The quotient of two numbers that can be drawn may be none; the difference of their logarithms always is.
    const air = low === high ? Math.log(2) : (Math.log(high) - Math.log(low)) * AIR;
    return [Math.max(low / Math.exp(air), SMALLEST), Math.min(high * Math.exp(air), LARGEST)];
  }
  if (low === high) {
    const air = low === 0 ? 1 : Math.abs(low) * 0.1;
    return [low - air, high + air];
  }
  // Lines may begin at the edge, but not their marks, and one point alone is a mark; what is written at the end of bars
  // needs room.
  const lines =
    name === 'x' &&
    traces.every((trace) => trace.kind === 'line' && trace.markers !== true && trace.x.length !== 1);
  const labels = traces.some((trace) => trace.kind === 'bar' && trace.labels !== undefined);
  const air = (high - low) * (lines ? 0 : labels ? LABEL_AIR : AIR);
  // Bars stand on the axis: no air below zero.
  const standing = traces.some(
    (trace) => trace.kind === 'bar' || (trace.kind === 'histogram' && name === 'y'),
  );
  return [standing && low === 0 ? 0 : low - air, standing && high === 0 ? 0 : high + air];
}
