/** Lines, points, bars and histograms as SVG paths; one path for all points of a trace keeps the picture small. */
import { barSlots } from './bar-slots.js';
import { INK } from '../colors.js';
import type { DrawnFigure, DrawnTrace } from './drawable.js';
import type { BarTrace, HistogramTrace, Interval, LineTrace, ScatterTrace, Values } from '../figure.js';
import { keepExtremes, straighten, type Pixel } from './keep-extremes.js';
import { escapeXml, pixel, SMALL_TEXT } from './text.js';
import { heatmapCells } from './svg-heatmap.js';
import type { Scale } from './ticks.js';

/** Pixels along x that a line is thinned in; a faint one is noise, whose reach is all that can be seen. */
const BUCKET_PIXELS = 2;
const FAINT_BUCKET_PIXELS = 4;
/** How far a line may lie beside its points, in pixels. */
const TOLERANCE = 0.2;
/** Strokes of lines, in pixels. */
export const LINE_WIDTH = 2;
export const FAINT_WIDTH = 1;
/** Stroke around bars and bins whose fill lets others through. */
export const BAR_OUTLINE = 1.5;
/** Half the length of an error bar's cap, in pixels. */
const CAP = 3;

/** Scales of the plot and its bounds in pixels. */
export interface PlotArea {
  x: Scale;
  y: Scale;
  left: number;
  top: number;
  width: number;
  height: number;
}

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

/** Opacity of what a histogram fills: several lie over each other. */
export function histogramOpacity(figure: DrawnFigure): number {
  return figure.traces.filter((trace) => trace.kind === 'histogram').length > 1 ? 0.3 : 0.8;
}

/** Opacity of bars: paler where error bars must be seen on them; an outline keeps their full colour. */
export function barOpacity(trace: BarTrace): number {
  return trace.error === undefined ? 1 : 0.35;
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

function point(x: number | string | null, y: number | string | null, plot: PlotArea): Pixel | null {
  return x === null || y === null ? null : [plot.x(x), plot.y(y)];
}

/** Round dots: strokes of no length with round ends. Dots that fall on the same pixel are drawn once. */
function dots(points: readonly (Pixel | null)[], color: string, width = 6): string {
  const drawn = new Set<string>();
  for (const place of points) if (place !== null) drawn.add(`M${pixel(place[0])},${pixel(place[1])}h0`);
  if (drawn.size === 0) return '';
  return `<path d="${[...drawn].join('')}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linecap="round"/>`;
}

/** Outlines around 0,0 of the symbols that are not dots. */
const SYMBOLS = {
  'circle-open': 'm-4,0a4,4 0 1 0 8,0a4,4 0 1 0 -8,0z',
  diamond: 'm0,-5l5,5l-5,5l-5,-5z',
  'diamond-open': 'm0,-5l5,5l-5,5l-5,-5z',
};

/** Symbols at the given points, as one element. */
export function symbols(
  points: readonly (Pixel | null)[],
  symbol: ScatterTrace['symbol'],
  color: string,
): string {
  if (symbol === undefined || symbol === 'circle') return dots(points, color, 8);
  const path = points.map((place) =>
    place ? `M${pixel(place[0])},${pixel(place[1])}${SYMBOLS[symbol]}` : '',
  );
  const fill = symbol === 'diamond' ? color : 'none';
  return path.join('') && `<path d="${path.join('')}" fill="${fill}" stroke="${color}" stroke-width="2"/>`;
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

function errorBars(
  x: readonly (number | string | null)[],
  y: readonly (number | string | null)[],
  errorX: Interval | undefined,
  errorY: Interval | undefined,
  color: string,
  plot: PlotArea,
): string {
  let path = '';
  x.forEach((value, i) => {
    const place = point(value, y[i], plot);
    if (place === null) return;
    path += whisker(place[0], errorY?.low[i], errorY?.high[i], plot.y, true);
    path += whisker(place[1], errorX?.low[i], errorX?.high[i], plot.x, false);
  });
  return path && `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`;
}

/** One error bar with caps, across the axis at `place`. */
function whisker(
  place: number,
  low: number | null | undefined,
  high: number | null | undefined,
  scale: Scale,
  upright: boolean,
): string {
  if (low == null || high == null) return '';
  const [from, to] = [pixel(scale(low)), pixel(scale(high))];
  const [before, after, middle] = [place - CAP, place + CAP, place].map(pixel);
  return upright
    ? `M${before},${from}H${after}M${middle},${from}V${to}M${before},${to}H${after}`
    : `M${from},${before}V${after}M${from},${middle}H${to}M${to},${before}V${after}`;
}

function drawBars(trace: DrawnTrace & BarTrace, figure: DrawnFigure, plot: PlotArea): string {
  const lying = figure.y.scale === 'category';
  const [along, up, axis] = lying ? [plot.y, plot.x, figure.x] : [plot.x, plot.y, figure.y];
  let [path, whiskers, texts] = ['', '', ''];
  for (const slot of barSlots(figure).get(trace) ?? []) {
    const [from, to] = [along(slot.from), along(slot.to)];
    const [base, end] = [up(slot.base ?? axis.domain[0]), up(slot.end)];
    path += lying ? box(base, from, end, to) : box(from, base, to, end);
    const middle = (from + to) / 2;
    const [low, high] = [trace.error?.low[slot.index], trace.error?.high[slot.index]];
    whiskers += whisker(middle, low, high, up, !lying);
    const label = trace.labels?.[slot.index];
    if (label === undefined || label === '') continue;
    const reach = high == null ? end : lying ? Math.max(end, up(high)) : Math.min(end, up(high));
    texts += lying ? text(reach + 5, middle + 4, 'start', label) : text(middle, reach - 5, 'middle', label);
  }
  if (path === '') return '';
  const outline = trace.error === undefined ? '' : ` stroke="${trace.color}" stroke-width="${BAR_OUTLINE}"`;
  return (
    `<path d="${path}" fill="${trace.color}" fill-opacity="${barOpacity(trace)}"${outline}/>` +
    (whiskers && `<path d="${whiskers}" fill="none" stroke="${trace.color}" stroke-width="1.5"/>`) +
    texts
  );
}

function drawHistogram(trace: DrawnTrace & HistogramTrace, figure: DrawnFigure, plot: PlotArea): string {
  const base = figure.y.scale === 'log' ? figure.y.domain[0] : 0;
  let path = '';
  let open = false;
  trace.counts.forEach((count, i) => {
    const filled = count !== null && count !== 0;
    if (filled) {
      const from = `${pixel(plot.x(trace.edges[i]))},${pixel(plot.y(base))}`;
      path += `${open ? '' : `M${from}`}V${pixel(plot.y(count))}H${pixel(plot.x(trace.edges[i + 1]))}`;
    } else if (open) path += `V${pixel(plot.y(base))}`;
    open = filled;
  });
  if (open) path += `V${pixel(plot.y(base))}`;
  const [color, opacity] = [trace.color, histogramOpacity(figure)];
  return (
    path &&
    `<path d="${path}" fill="${color}" fill-opacity="${opacity}" stroke="${color}" stroke-width="${BAR_OUTLINE}"/>`
  );
}

/** A rectangle between two corners, with edges on tenths of a pixel so that neighbours meet. */
function box(fromX: number, fromY: number, toX: number, toY: number): string {
  return `M${pixel(fromX)},${pixel(fromY)}V${pixel(toY)}H${pixel(toX)}V${pixel(fromY)}z`;
}

function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', words: string): string {
  return `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" class="ink" fill="${INK}" font-size="${SMALL_TEXT}">${escapeXml(words)}</text>`;
}
