/** Heatmaps and their colour bar: the cells are a PNG of one pixel each, so that a large matrix stays small. */
import { format as formatter } from 'd3-format';
import { scaleLinear } from 'd3-scale';
import { colorAt, colorStops, INK } from '../colors.js';
import { axisLabel, type DrawnFigure } from './drawable.js';
import type { HeatmapTrace } from '../figure.js';
import { fitted, escapeXml, pixel } from './text.js';
import type { Scale } from './ticks.js';
import { encodePng } from './png.js';

/** Colours that a matrix is drawn in; more look the same and cost bytes. */
const LEVELS = 63;
const BAR_WIDTH = 14;

/** Values of the first and last colour. */
export function colorRange(trace: HeatmapTrace): readonly [number, number] {
  if (trace.range !== undefined) return trace.range;
  let [low, high] = [Infinity, -Infinity];
  for (const value of trace.values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  if (trace.colors === 'diverging') {
    const size = Math.max(-low, high) || 1;
    return [-size, size];
  }
  return low === high ? [low, low + 1] : [low, high];
}

/** The cells as one image over their bounds. */
export function heatmapCells(trace: HeatmapTrace, figure: DrawnFigure, x: Scale, y: Scale): string {
  const { rows, columns } = trace;
  if (rows * columns === 0) return '';
  const [low, high] = colorRange(trace);
  const [left, right] = (trace.xSpan ?? [-0.5, columns - 0.5]).map(x) as [number, number];
  const [first, last] = (trace.ySpan ?? [-0.5, rows - 0.5]).map(y) as [number, number];
  const pixels = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    const from = last > first ? row : rows - 1 - row; // the image's first row is the upper one
    for (let column = 0; column < columns; column += 1) {
      const source = figure.x.reversed ? columns - 1 - column : column;
      const value = trace.values[from * columns + source]!;
      pixels[row * columns + column] = value === null ? LEVELS : levelOf(value, low, high);
    }
  }
  const image = encodePng(columns, rows, pixels, levels(trace));
  return picture(
    Math.min(left, right),
    Math.min(first, last),
    Math.abs(right - left),
    Math.abs(last - first),
    image,
  );
}

/** Colours with their ticks and title, right of the plot. */
export function colorBar(trace: HeatmapTrace, left: number, top: number, height: number): string {
  const [low, high] = colorRange(trace);
  const column = Uint8Array.from({ length: LEVELS }, (_, i) => LEVELS - 1 - i);
  const at = scaleLinear()
    .domain([low, high])
    .range([top + height, top]);
  const whole = trace.values.every((value) => value === null || Number.isInteger(value));
  const texts = at
    .ticks(5)
    .filter((value) => !whole || Number.isInteger(value))
    .map(
      (value) =>
        `<text x="${pixel(left + BAR_WIDTH + 6)}" y="${pixel(at(value) + 4)}">${escapeXml(whole ? formatter('d')(value) : at.tickFormat(5)(value))}</text>`,
    )
    .join('');
  const [titleX, titleY] = [left + 64, top + height / 2];
  const title = escapeXml(fitted(axisLabel(trace), height));
  return (
    picture(left, top, BAR_WIDTH, height, encodePng(1, LEVELS, column, levels(trace))) +
    `<g class="ink" fill="${INK}">${texts}<text transform="translate(${pixel(titleX)},${pixel(titleY)})rotate(-90)" text-anchor="middle">${title}</text></g>`
  );
}

function levelOf(value: number, low: number, high: number): number {
  const share = (value - low) / (high - low);
  return Math.min(LEVELS - 1, Math.max(0, Math.round(share * (LEVELS - 1))));
}

function levels(trace: HeatmapTrace): [number, number, number][] {
  const stops = colorStops(trace.colors);
  const colors = Array.from({ length: LEVELS }, (_, i) => colorAt(stops, i / (LEVELS - 1)));
  return [...colors, [0, 0, 0]]; // the last one is transparent: no value
}

function picture(x: number, y: number, width: number, height: number, png: Buffer): string {
  return (
    `<image x="${pixel(x)}" y="${pixel(y)}" width="${pixel(width)}" height="${pixel(height)}" ` +
    `preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,${png.toString('base64')}"/>`
  );
}
