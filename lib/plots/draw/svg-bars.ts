/** Bars and histograms as SVG paths, one for each trace. */
import { barSlots } from './bar-slots.js';
import type { DrawnFigure, DrawnTrace } from './drawable.js';
import type { BarTrace, HistogramTrace } from '../figure.js';
import { text, whisker, type PlotArea } from './svg-marks.js';
import { pixel } from './text.js';

/** Stroke around bars and bins whose fill lets others through. */
export const BAR_OUTLINE = 1.5;

/** Opacity of what a histogram fills: several lie over each other. */
export function histogramOpacity(figure: DrawnFigure): number {
  return figure.traces.filter((trace) => trace.kind === 'histogram').length > 1 ? 0.3 : 0.8;
}

/** Opacity of bars: paler where error bars must be seen on them; an outline keeps their full colour. */
export function barOpacity(trace: BarTrace): number {
  return trace.error === undefined ? 1 : 0.35;
}

/** Bars with their error bars and labels. */
export function drawBars(trace: DrawnTrace & BarTrace, figure: DrawnFigure, plot: PlotArea): string {
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

/** The outline of a histogram over its ground; empty bins stay open. */
export function drawHistogram(
  trace: DrawnTrace & HistogramTrace,
  figure: DrawnFigure,
  plot: PlotArea,
): string {
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
