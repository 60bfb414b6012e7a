/**
 * A checked figure with nothing left open: colours, categories and the range of each axis are settled, and what a log
 * axis cannot show is taken out and said. Both renderers draw from this, so they cannot differ.
 */
import { checkFigure } from './check.js';
import { orderedColors, PALETTE } from '../colors.js';
import { domainOf } from './domain.js';
import type { Annotation, Axis, Figure, ReferenceLine, Trace } from '../figure.js';
import { isEmpty, isOn, onLogAxes, placed, reachingTheEdge, withGaps } from './showable.js';

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
