import { OWN_COLOR } from '../colors.js';
import type { Axis, Figure, LineTrace, Trace } from '../figure.js';
import { toValues } from '../figure.js';

/** Points of one's own: numbers, or names on an axis of names. */
export interface OwnPoints {
  /** Name in the legend; 'mine' by default. */
  name?: string;
  x: ArrayLike<number> | readonly string[];
  y: ArrayLike<number> | readonly string[];
}

const DASHES: readonly LineTrace['dash'][] = ['solid', 'dash', 'dot'];

/**
 * Lays one's own points over a figure, such as one of recorded runs: `show(overlay(pairsFigure(…), { x: [5e4], y: [2.1] }))`.
 * Points on two axes of numbers are joined; where one axis has names they are diamonds. All axes stay what they are,
 * and grow to hold the points.
 * @throws FigureError, when the figure is drawn, for names that the axis does not have
 */
export function overlay(figure: Figure, ...own: readonly OwnPoints[]): Figure {
  const traces = own.map(({ name = 'mine', x, y }, i): Trace => {
    const common = { name: own.length > 1 && name === 'mine' ? `mine, ${i + 1}` : name, color: OWN_COLOR };
    if (isNames(x) || isNames(y))
      return { ...common, kind: 'scatter', x: positions(x), y: positions(y), symbol: 'diamond' };
    return {
      ...common,
      kind: 'line',
      x: toValues(x),
      y: toValues(y),
      markers: true,
      dash: DASHES[i % DASHES.length],
    };
  });
  return {
    ...figure,
    x: grown(figure.x, ...own.map(({ x }) => x)),
    y: grown(figure.y, ...own.map(({ y }) => y)),
    traces: [...figure.traces, ...traces],
  };
}

/** An axis whose range was given, made to hold more. */
function grown(axis: Axis, ...more: readonly (ArrayLike<number> | readonly string[])[]): Axis {
  if (axis.range === undefined) return axis;
  const values = more.flatMap((one) => (isNames(one) ? [] : Array.from(one)));
  return { ...axis, range: [Math.min(axis.range[0], ...values), Math.max(axis.range[1], ...values)] };
}

function isNames(values: ArrayLike<number> | readonly string[]): values is readonly string[] {
  return typeof values[0] === 'string';
}

function positions(values: ArrayLike<number> | readonly string[]): (number | string | null)[] {
  return isNames(values) ? [...values] : toValues(values);
}
