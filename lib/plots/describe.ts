import { drawable, type DrawnTrace } from './draw/drawable.js';
import type { Figure, Values } from './figure.js';

/** A figure in a few lines of text, for terminals, for diffs and for who cannot see it. */
export function describeFigure(figure: Figure): string {
  const drawn = drawable(figure);
  return [
    drawn.title,
    ...(drawn.subtitle === undefined ? [] : [drawn.subtitle]),
    `x: ${drawn.x.label}. y: ${drawn.y.label}.`,
    ...drawn.traces.map((trace) => `- ${trace.name}: ${describeTrace(trace)}`),
    ...drawn.lines.map((line) => `- line at ${line.axis} = ${written(line.at)}: ${line.label}`),
    ...drawn.notes,
  ].join('\n');
}

function describeTrace(trace: DrawnTrace): string {
  switch (trace.kind) {
    case 'line':
    case 'scatter':
      return typeof trace.y.find((value) => value !== null) === 'string'
        ? pairs(trace.y, trace.x as Values)
        : series(trace.x, trace.y as Values);
    case 'bar':
      return pairs(trace.at, trace.values);
    case 'histogram':
      return `${trace.counts.length} bins from ${written(trace.edges[0])} to ${written(trace.edges.at(-1))}`;
    case 'heatmap':
      return `${trace.rows} × ${trace.columns} values, ${extent(trace.values)}`;
  }
}

/** Names and values that are listed one by one. */
const MAX_PAIRS = 12;

function pairs(names: readonly (number | string | null)[], values: Values): string {
  if (names.length > MAX_PAIRS) return `${names.length} values, ${extent(values)}`;
  return names.map((name, i) => `${name} ${written(values[i])}`).join(', ');
}

function series(x: readonly (number | string | null)[], y: Values): string {
  const shown = y.flatMap((value, i) => (value === null || x[i] === null ? [] : [i]));
  if (shown.length === 0) return 'no points';
  const [first, last] = [shown[0], shown.at(-1)!];
  const at = (i: number): string => `${written(y[i])} at ${written(x[i])}`;
  if (shown.length === 1) return `1 point, ${at(first)}`;
  return `${shown.length} points from ${at(first)} to ${at(last)}, ${extent(y)}`;
}

function extent(values: Values): string {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? 'none known' : `lowest ${written(low)}, highest ${written(high)}`;
}

function written(value: number | string | null | undefined): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : (value ?? 'none');
}
