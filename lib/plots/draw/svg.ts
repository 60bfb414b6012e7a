/** A figure as a static picture: an SVG of a few kilobytes that needs no script, no font file and no background. */
import { GRID_OPACITY, INK, PICTURE_STYLE } from '../colors.js';
import { drawable, type DrawnFigure } from './drawable.js';
import type { Annotation, Figure, HeatmapTrace, ReferenceLine } from '../figure.js';
import {
  EDGE,
  LEGEND_ROW,
  LINE_HEIGHT,
  layoutOf,
  NAMES_SHARE,
  SWATCH,
  TITLE_SIZE,
  type Layout,
} from './layout.js';
import { colorBar } from './svg-heatmap.js';
import { escapeXml, fitted, FONT, pixel, SMALL_TEXT, TEXT_SIZE, textWidth } from './text.js';
import { symbols, type PlotArea } from './svg-marks.js';
import { drawTraces, lineStyle } from './svg-traces.js';
import { scaleOf } from './ticks.js';

/**
 * Draws a figure as SVG text. Long lines are thinned to what the pixels show; their extremes stay.
 * @throws FigureError where the figure contradicts itself
 */
export function toSvg(figure: Figure): string {
  const drawn = drawable(figure);
  const layout = layoutOf(drawn);
  const { left, top, plotWidth: width, plotHeight: height } = layout;
  const plot: PlotArea = {
    left,
    top,
    width,
    height,
    x: scaleOf(drawn.x, left, left + width),
    y: scaleOf(drawn.y, top + height, top),
  };
  const heatmap = drawn.traces.find(
    (trace): trace is HeatmapTrace & { color: string } => trace.kind === 'heatmap',
  );
  // An inner <svg> cuts what leaves the plot; unlike a clip path it needs no id, which another figure could share.
  const inner =
    `<svg x="${pixel(left)}" y="${pixel(top)}" width="${pixel(width)}" height="${pixel(height)}" ` +
    `viewBox="${[left, top, width, height].map(pixel).join(' ')}" overflow="hidden">${drawTraces(drawn, plot)}</svg>`;
  const bounds = `width="${drawn.width}" height="${layout.height}" viewBox="0 0 ${drawn.width} ${layout.height}"`;
  // A line for each part, so that a change can be read in a diff.
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${bounds} role="img" aria-label="${escapeXml(drawn.title)}" ` +
      `font-family="${FONT}" font-size="${TEXT_SIZE}">${PICTURE_STYLE}`,
    header(layout),
    axes(drawn, layout, plot, heatmap !== undefined),
    inner,
    ...drawn.lines.map((line) => referenceLine(line, plot)),
    ...drawn.annotations.map((annotation) => annotationText(annotation, plot)),
    heatmap ? colorBar(heatmap, left + width + 14, top, height) : '',
    '</svg>',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function header(layout: Layout): string {
  let y = EDGE;
  let texts = '';
  for (const line of layout.titleLines) {
    texts += `<text x="${EDGE}" y="${pixel((y += TITLE_SIZE + 1))}" font-size="${TITLE_SIZE}" font-weight="600">${escapeXml(line)}</text>`;
    y += 4;
  }
  for (const line of layout.subtitleLines) {
    texts += `<text x="${EDGE}" y="${pixel(y + TEXT_SIZE)}">${escapeXml(line)}</text>`;
    y += LINE_HEIGHT;
  }
  let notes = layout.height - 8 - (layout.noteLines.length - 1) * (SMALL_TEXT + 4);
  for (const line of layout.noteLines) {
    texts += `<text x="${EDGE}" y="${pixel(notes)}" font-size="${SMALL_TEXT}">${escapeXml(line)}</text>`;
    notes += SMALL_TEXT + 4;
  }
  let swatches = '';
  for (const { trace, x, row } of layout.legend) {
    const [from, middle] = [layout.left + x, y + 8 + row * LEGEND_ROW + LEGEND_ROW / 2 - 4];
    swatches += swatch(trace, from, middle);
    texts += `<text x="${pixel(from + SWATCH + 6)}" y="${pixel(middle + 4)}">${escapeXml(trace.name)}</text>`;
  }
  return `<g class="ink" fill="${INK}">${texts}</g>${swatches}`;
}

function swatch(trace: Layout['legend'][number]['trace'], x: number, y: number): string {
  if (trace.kind === 'scatter') return symbols([[x + SWATCH / 2, y]], trace.symbol, trace.color);
  if (trace.kind !== 'line') {
    return `<rect x="${pixel(x + SWATCH - 12)}" y="${pixel(y - 6)}" width="12" height="12" fill="${trace.color}" fill-opacity=".8"/>`;
  }
  const dot = trace.markers === true ? symbols([[x + SWATCH / 2, y]], 'circle', trace.color) : '';
  return `<path d="M${pixel(x)},${pixel(y)}h${SWATCH}" stroke="${trace.color}"${lineStyle(trace)}/>${dot}`;
}

function axes(figure: DrawnFigure, layout: Layout, plot: PlotArea, heatmap: boolean): string {
  const [right, bottom] = [plot.left + plot.width, plot.top + plot.height];
  const inside = (place: number, from: number, to: number): boolean =>
    place >= from - 0.5 && place <= to + 0.5;
  let [grid, ticks, texts] = ['', '', ''];
  for (const { value, text } of layout.xTicks) {
    const x = plot.x(value);
    if (!inside(x, plot.left, right)) continue;
    if (figure.x.scale !== 'category') {
      ticks += `M${pixel(x)},${pixel(bottom)}v5`;
      if (!heatmap) grid += `M${pixel(x)},${pixel(plot.top)}V${pixel(bottom)}`;
    }
    texts +=
      layout.slant > 0
        ? `<text transform="translate(${pixel(x + 4)},${pixel(bottom + 14)})rotate(-${layout.slant})" text-anchor="end">${escapeXml(fitted(text, 160))}</text>`
        : `<text x="${pixel(x)}" y="${pixel(bottom + 8 + TEXT_SIZE)}" text-anchor="middle">${escapeXml(text)}</text>`;
  }
  for (const { value, text } of layout.yTicks) {
    const y = plot.y(value);
    if (!inside(y, plot.top, bottom)) continue;
    if (figure.y.scale !== 'category' && !heatmap) grid += `M${pixel(plot.left)},${pixel(y)}H${pixel(right)}`;
    texts += `<text x="${pixel(plot.left - 8)}" y="${pixel(y + 4)}" text-anchor="end">${escapeXml(fitted(text, figure.width * NAMES_SHARE))}</text>`;
  }
  const titleY = bottom + 8 + layout.tickHeight + 6 + TEXT_SIZE;
  texts += `<text x="${pixel(plot.left + plot.width / 2)}" y="${pixel(titleY)}" text-anchor="middle">${escapeXml(fitted(figure.x.label, plot.width + layout.left))}</text>`;
  texts += `<text transform="translate(${EDGE + TEXT_SIZE},${pixel(plot.top + plot.height / 2)})rotate(-90)" text-anchor="middle">${escapeXml(fitted(figure.y.label, plot.height + layout.top))}</text>`;
  // Bars stand on a line, whichever way they point; so do points on the axis of numbers.
  const line =
    figure.y.scale === 'category' && !heatmap
      ? `M${pixel(plot.x(baseOf(figure)))},${pixel(plot.top)}V${pixel(bottom)}`
      : `M${pixel(plot.left)},${pixel(bottom)}H${pixel(right)}`;
  return (
    (grid && `<path d="${grid}" stroke="${INK}" stroke-opacity="${GRID_OPACITY}"/>`) +
    `<path d="${line}${ticks}" stroke="${INK}"/><g class="ink" fill="${INK}">${texts}</g>`
  );
}

/** Where horizontal bars begin: at zero where it is shown. */
function baseOf(figure: DrawnFigure): number {
  const [from, to] = figure.x.domain;
  return figure.x.scale === 'linear' && from <= 0 && to >= 0 ? 0 : from;
}

function referenceLine({ axis, at, label }: ReferenceLine, plot: PlotArea): string {
  const place = plot[axis](at);
  const stroke = `stroke="${INK}" stroke-width="1.5" stroke-dasharray="5 4"`;
  const [right, bottom] = [plot.left + plot.width, plot.top + plot.height];
  if (axis === 'y') {
    if (place < plot.top - 0.5 || place > bottom + 0.5) return '';
    return (
      `<path d="M${pixel(plot.left)},${pixel(place)}H${pixel(right)}" ${stroke}/>` +
      `<text x="${pixel(right - 4)}" y="${pixel(place - 5)}" text-anchor="end" class="ink" fill="${INK}">${escapeXml(label)}</text>`
    );
  }
  if (place < plot.left - 0.5 || place > right + 0.5) return '';
  const late = place + 5 + textWidth(label) > right;
  return (
    `<path d="M${pixel(place)},${pixel(plot.top)}V${pixel(bottom)}" ${stroke}/>` +
    `<text x="${pixel(late ? place - 5 : place + 5)}" y="${pixel(plot.top + TEXT_SIZE)}" text-anchor="${late ? 'end' : 'start'}" class="ink" fill="${INK}">${escapeXml(label)}</text>`
  );
}

function annotationText({ x, y, text, side }: Annotation, plot: PlotArea): string {
  const [left, top] = [plot.x(x), plot.y(y)];
  if (!Number.isFinite(left) || !Number.isFinite(top)) return '';
  const [shiftX, shiftY, anchor] = {
    above: [0, -9, 'middle'],
    below: [0, 18, 'middle'],
    left: [-9, 4, 'end'],
    right: [9, 4, 'start'],
  }[side ?? 'above'] as [number, number, string];
  return `<text x="${pixel(left + shiftX)}" y="${pixel(top + shiftY)}" text-anchor="${anchor}" class="ink" fill="${INK}">${escapeXml(text)}</text>`;
}
