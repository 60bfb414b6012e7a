/** Own runs beside recorded ones: drawn and listed together, marked, never averaged with them. */
import type { Figure, Trace } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { byVersion } from '../sweep/versions.js';

/** Where a result comes from. */
export interface Marked<T> {
  /** `recorded`, or `yours` with the version where it is another one than the record's. */
  from: string;
  value: T;
}

/** Runs that belong together, the recorded ones first; tuning runs stand in each group. */
function groups(recorded: readonly FinishedRun[], own: readonly FinishedRun[]): Marked<FinishedRun[]>[] {
  const before = byVersion(recorded);
  const known = new Set(before.map(({ version }) => version));
  return [
    ...before.map(({ runs, version }) => ({
      from: before.length > 1 ? `recorded, ${version}` : 'recorded',
      value: runs,
    })),
    ...byVersion(own).map(({ runs, version }) => ({
      from: known.has(version) ? 'yours' : `yours, ${version}`,
      value: runs,
    })),
  ];
}

/**
 * Rows of recorded runs and of own ones, each marked with where it comes from.
 * @param rowsOf what runs of one version come to, such as `armResults`
 */
export function besideRecorded<T>(
  recorded: readonly FinishedRun[],
  own: readonly FinishedRun[],
  rowsOf: (runs: readonly FinishedRun[]) => readonly T[],
): Marked<T>[] {
  return groups(recorded, own).flatMap(({ from, value }) =>
    rowsOf(value).map((row): Marked<T> => ({ from, value: row })),
  );
}

/**
 * The recorded chart with own runs in it: their lines are dashed, their points open, and their names say whose they are.
 * @param draw the chart of runs of one version
 */
export function figureBesideRecorded(
  recorded: readonly FinishedRun[],
  own: readonly FinishedRun[],
  draw: (runs: readonly FinishedRun[]) => Figure,
): Figure {
  const [first, ...others] = groups(recorded, own).map(({ from, value }) => ({ from, figure: draw(value) }));
  if (first === undefined) throw new Error('figure beside recorded: there must be runs to draw, got none.');
  return {
    ...first.figure,
    x: holding(first.figure.x, others, 'x'),
    y: holding(first.figure.y, others, 'y'),
    traces: [
      ...first.figure.traces,
      ...others.flatMap(({ from, figure }) => figure.traces.map((trace) => marked(trace, from))),
    ],
  };
}

/** An axis that holds what the others' axes do, where it has categories or a range. */
function holding(axis: Figure['x'], others: readonly { figure: Figure }[], which: 'x' | 'y'): Figure['x'] {
  const ranges = [axis, ...others.map(({ figure }) => figure[which])].flatMap(({ range }) => range ?? []);
  if (axis.range !== undefined) return { ...axis, range: [Math.min(...ranges), Math.max(...ranges)] };
  if (axis.categories === undefined) return axis;
  const all = [axis.categories, ...others.map(({ figure }) => figure[which].categories ?? [])].flat();
  return { ...axis, categories: [...new Set(all)] };
}

function marked(trace: Trace, from: string): Trace {
  const name = `${trace.name} (${from})`;
  if (trace.kind === 'line') return { ...trace, name, dash: 'dash' };
  if (trace.kind === 'scatter') {
    const symbol = trace.symbol?.startsWith('diamond') ? 'diamond-open' : 'circle-open';
    return { ...trace, name, symbol };
  }
  return { ...trace, name };
}
