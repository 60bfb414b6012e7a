/** Traces as SVG paths; one path for all points of a trace keeps the picture small. */
import type { DrawnFigure, DrawnTrace } from './drawable.js';
import type { LineTrace, ScatterTrace, Values } from '../figure.js';
import { keepExtremes, straighten, type Pixel } from './keep-extremes.js';
import { drawBars, drawHistogram } from './svg-bars.js';
import { heatmapCells } from './svg-heatmap.js';
import { dots, errorBars, point, symbols, text, type PlotArea } from './svg-marks.js';
import { pixel } from './text.js';

/** Pixels along x that a line is thinned in; a faint one is noise, whose reach is all that can be seen. */
const BUCKET_PIXELS = 2;
const FAINT_BUCKET_PIXELS = 4;
/** How far a line may lie beside its points, in pixels. */
const TOLERANCE = 0.2;
/** Strokes of lines, in pixels. */
export const LINE_WIDTH = 2;
export const FAINT_WIDTH = 1;

/** All traces of a figure: heatmap and bands first, so that nothing hides a line. */
export function drawTraces(figure: DrawnFigure, plot: PlotArea): string {
  const bands = figure.traces.map((trace) => (trace.kind === 'line' ? drawBand(trace, plot) : ''));
  return bands.join('') + figure.traces.map((trace) => drawTrace(trace, figure, plot)).join('');
}

function drawTrace(trace: DrawnTrace, figure: DrawnFigure, plot: PlotArea): string {
  switch (trace.kind) {
    case 'line':
      return drawLine(trace, plot);
    case 'scatter':
      return drawScatter(trace, plot);
    case 'bar':
      return drawBars(trace, figure, plot);
    case 'histogram':
      return drawHistogram(trace, figure, plot);
    case 'heatmap':
      return heatmapCells(trace, figure, plot.x, plot.y);
  }
}

/** Width, opacity and pattern of a line, as attributes. */
export function lineStyle({ dash, faint }: LineTrace): string {
  const dashes =
    dash === 'dash' ? ' stroke-dasharray="7 5"' : dash === 'dot' ? ' stroke-dasharray="1 5"' : '';
  return faint === true
    ? ` stroke-width="${FAINT_WIDTH}"${dashes}`
    : ` stroke-width="${LINE_WIDTH}"${dashes}`;
}

function drawBand(trace: DrawnTrace & LineTrace, plot: PlotArea): string {
  const { band } = trace;
  if (band === undefined) return '';
  const at = trace.x.map((value) => (value === null ? null : plot.x(value)));
  const kept = keepExtremes(at.length, [band.low, band.high], (i) => bucket(at[i], plot, BUCKET_PIXELS));
  const path = stretches(kept, (i) => at[i] !== null && band.low[i] !== null && band.high[i] !== null)
    .map((stretch) => {
      const side = (bound: Values): Pixel[] =>
        straighten(
          stretch.map((i): Pixel => [at[i]!, plot.y(bound[i]!)]),
          TOLERANCE,
        );
      return `${polyline([...side(band.low), ...side(band.high).reverse()])}z`;
    })
    .join('');
  return path && `<path d="${path}" fill="${trace.color}" fill-opacity=".18"/>`;
}

function drawLine(trace: DrawnTrace & LineTrace, plot: PlotArea): string {
  const at = trace.x.map((value) => (value === null ? null : plot.x(value)));
  const wide = trace.faint === true ? FAINT_BUCKET_PIXELS : BUCKET_PIXELS;
  const kept = keepExtremes(at.length, [trace.y], (i) => bucket(at[i], plot, wide));
  const path = stretches(kept, (i) => at[i] !== null && trace.y[i] !== null)
    .map((stretch) => stretch.map((i): Pixel => [at[i]!, plot.y(trace.y[i]!)]))
    .map((points) => polyline(straighten(points, TOLERANCE)))
    .join('');
  const drawn =
    path &&
    `<path d="${path}" fill="none" stroke="${trace.color}"${lineStyle(trace)} stroke-linejoin="round" stroke-linecap="round"/>`;
  const marks =
    trace.markers === true
      ? dots(
          trace.x.map((x, i) => point(x, trace.y[i], plot)),
          trace.color,
        )
      : '';
  return drawn + marks + errorBars(trace.x, trace.y, undefined, trace.errorY, trace.color, plot);
}

/**
 * A path through the points, in steps from each to the next, which take few characters. Every step is counted from
 * the rounded point before it, so errors do not add up. A point by itself is a step of no length: a round dot.
 */
function polyline(points: readonly Pixel[]): string {
  let path = '';
  let [x, y] = [0, 0];
  points.forEach(([left, top], i) => {
    const [nextX, nextY] = [Math.round(left * 10), Math.round(top * 10)];
    const [right, down] = [pixel((nextX - x) / 10), pixel((nextY - y) / 10)];
    path += `${i === 0 ? 'M' : 'l'}${right}${down.startsWith('-') ? '' : ','}${down}`;
    [x, y] = [nextX, nextY];
  });
  return points.length === 1 ? `${path}h0` : path;
}

function bucket(place: number | null | undefined, plot: PlotArea, pixels: number): number {
  return place == null ? -1 : Math.floor((place - plot.left) / pixels);
}

/** The indices between gaps, stretch by stretch. */
function stretches(indices: readonly number[], defined: (index: number) => boolean): number[][] {
  const found: number[][] = [];
  let open: number[] | undefined;
  for (const index of indices) {
    if (!defined(index)) open = undefined;
    else if (open === undefined) found.push((open = [index]));
    else open.push(index);
  }
  return found;
}

function drawScatter(trace: DrawnTrace & ScatterTrace, plot: PlotArea): string {
  const points = trace.x.map((x, i) => point(x, trace.y[i], plot));
  const texts = (trace.labels ?? []).map((label, i) => {
    const place = points[i];
    return place ? text(place[0] + 8, place[1] + 4, 'start', label) : '';
  });
  return (
    errorBars(trace.x, trace.y, trace.errorX, trace.errorY, trace.color, plot) +
    symbols(points, trace.symbol, trace.color) +
    texts.join('')
  );
}
