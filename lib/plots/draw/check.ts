/** What must hold for a figure to be drawn: lengths that match, edges that ascend, axes that fit their traces. */
import { FigureError, type Axis, type Figure, type Interval, type Trace } from '../figure.js';

/** Largest side of a chart in pixels; beyond it a picture is a mistake. */
const MAX_SIDE = 4000;

/** Bounds of a range, so that its length is a number, too. */
const MAX_BOUND = 1e300;

/** Throws a FigureError that names figure and trace where the description contradicts itself. */
export function checkFigure(figure: Figure): void {
  const fail = (message: string): never => {
    throw new FigureError(`figure "${figure.title}": ${message}`);
  };
  for (const side of ['width', 'height'] as const) {
    const pixels = figure[side];
    if (pixels !== undefined && !(pixels >= 100 && pixels <= MAX_SIDE)) {
      fail(`${side} must be 100 to ${MAX_SIDE} pixels, got ${pixels}. Leave it out for the default.`);
    }
  }
  for (const name of ['x', 'y'] as const) checkAxis(figure[name], `${name} axis`, fail);
  for (const trace of figure.traces) checkTrace(trace, figure, fail);
  const kinds = new Set(figure.traces.map((trace) => trace.kind));
  if (kinds.has('bar') && kinds.has('histogram')) {
    fail('bars and histograms must not share a chart. Make two figures.');
  }
  if (figure.traces.filter((trace) => trace.kind === 'heatmap').length > 1) {
    fail('one heatmap at most must be in a chart. Make two figures.');
  }
}

type Fail = (message: string) => never;

function checkAxis(axis: Axis, name: string, fail: Fail): void {
  if (axis.title === '') fail(`${name}: title must say what is shown, got ''. Name the quantity.`);
  const { range } = axis;
  if (range === undefined) return;
  const [from, to] = range;
  if (!(from < to && from >= -MAX_BOUND && to <= MAX_BOUND)) {
    fail(
      `${name}: range must be two ascending numbers within ±1e300, got ${from} to ${to}. Use \`reversed\` to turn it.`,
    );
  }
  if (axis.scale === 'log' && from <= 0) fail(`${name}: a log range must begin above 0, got ${from}.`);
}

function checkTrace(trace: Trace, figure: Figure, fail: Fail): void {
  const at = `trace "${trace.name}"`;
  const sameLength = (what: string, length: number | undefined, count: number): void => {
    if (length !== undefined && length !== count) {
      fail(`${at}: ${what} must have ${count} values, got ${length}. Give one for every point.`);
    }
  };
  const interval = (what: string, bounds: Interval | undefined, count: number): void => {
    sameLength(`${what}.low`, bounds?.low.length, count);
    sameLength(`${what}.high`, bounds?.high.length, count);
  };
  if (trace.color !== undefined && !/^#[0-9a-f]{6}$/i.test(trace.color)) {
    fail(`${at}: color must be #rrggbb, got ${trace.color}.`);
  }
  switch (trace.kind) {
    case 'line':
      sameLength('y', trace.y.length, trace.x.length);
      interval('band', trace.band, trace.x.length);
      interval('errorY', trace.errorY, trace.x.length);
      checkPositions(trace.x, figure.x, `${at}: x`, fail);
      return;
    case 'scatter':
      sameLength('y', trace.y.length, trace.x.length);
      interval('errorX', trace.errorX, trace.x.length);
      interval('errorY', trace.errorY, trace.x.length);
      sameLength('labels', trace.labels?.length, trace.x.length);
      checkPositions(trace.x, figure.x, `${at}: x`, fail);
      checkPositions(trace.y, figure.y, `${at}: y`, fail);
      return;
    case 'bar': {
      sameLength('values', trace.values.length, trace.at.length);
      interval('error', trace.error, trace.at.length);
      sameLength('labels', trace.labels?.length, trace.at.length);
      const [names, others] = figure.y.scale === 'category' ? [figure.y, figure.x] : [figure.x, figure.y];
      if (names.scale !== 'category' || others.scale === 'category') {
        fail(`${at}: bars must have one category axis and one axis of numbers. Set the scales.`);
      }
      checkPositions(trace.at, names, `${at}: at`, fail);
      if (figure.bars === 'stacked' && others.scale === 'log') {
        fail(`${at}: stacked bars must have a linear axis, got a log axis. Lengths do not add up there.`);
      }
      return;
    }
    case 'histogram':
      sameLength('counts', trace.counts.length, trace.edges.length - 1);
      if (trace.edges.some((edge, i) => !Number.isFinite(edge) || (i > 0 && edge <= trace.edges[i - 1]))) {
        fail(`${at}: edges must be finite and ascend. Sort them and leave out what is double.`);
      }
      if (figure.x.scale === 'category' || figure.y.scale === 'category') {
        fail(`${at}: a histogram must have two axes of numbers, got a category axis.`);
      }
      return;
    case 'heatmap':
      sameLength('values', trace.values.length, trace.rows * trace.columns);
      checkCells(trace.columns, figure.x, `${at}: columns`, fail);
      checkCells(trace.rows, figure.y, `${at}: rows`, fail);
      return;
  }
}

function checkPositions(
  positions: readonly (number | string | null)[],
  axis: Axis,
  what: string,
  fail: Fail,
): void {
  const named = axis.scale === 'category';
  const wrong = positions.find((value) => value !== null && (typeof value === 'string') !== named);
  if (wrong !== undefined) {
    fail(
      `${what} must be ${named ? 'names on a category axis' : 'numbers'}, got ${JSON.stringify(wrong)}. ` +
        `Set the axis' scale or the values.`,
    );
  }
  const { categories } = axis;
  if (!named || categories === undefined) return;
  const known = new Set<number | string | null>(categories);
  const unknown = positions.find((value) => value !== null && !known.has(value));
  if (unknown !== undefined) {
    fail(`${what} must be one of the axis' categories (${categories.join(', ')}), got ${unknown}.`);
  }
}

function checkCells(count: number, axis: Axis, what: string, fail: Fail): void {
  if (axis.scale === 'log') fail(`${what}: a heatmap must not have a log axis. Use a linear one.`);
  if (axis.scale === 'category' && axis.categories?.length !== count) {
    fail(`${what} must be as many as the axis' categories (${axis.categories?.length ?? 0}), got ${count}.`);
  }
}
