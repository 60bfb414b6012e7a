/** Points, error bars and words in the plot of a static picture. */
import { INK } from '../colors.js';
import type { Interval, ScatterTrace } from '../figure.js';
import type { Pixel } from './keep-extremes.js';
import { escapeXml, pixel, SMALL_TEXT } from './text.js';
import type { Scale } from './ticks.js';

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

/** Where a point lies; null for a gap. */
export function point(x: number | string | null, y: number | string | null, plot: PlotArea): Pixel | null {
  return x === null || y === null ? null : [plot.x(x), plot.y(y)];
}

/** Round dots: strokes of no length with round ends. Dots that fall on the same pixel are drawn once. */
export function dots(points: readonly (Pixel | null)[], color: string, width = 6): string {
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

/** Error bars of points, as one path. */
export function errorBars(
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
export function whisker(
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

/** Small text beside a mark. */
export function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', words: string): string {
  return `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" class="ink" fill="${INK}" font-size="${SMALL_TEXT}">${escapeXml(words)}</text>`;
}
