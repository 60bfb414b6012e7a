/**
 * Colours that hold on a white and on a nearly black page, since a saved picture does not know the reader's theme:
 * every one of them has a contrast of 3 or more against #ffffff and against #111111 (WCAG 2.2, success criterion
 * 1.4.11). Backgrounds stay transparent.
 */

/**
 * Text, axis lines and ticks where nothing is known of the page: the grey that stands out equally from both. JupyterLab,
 * exported pages and pictures write text in a colour of their own ground, since no grey reaches 4.5 on both.
 */
export const INK = '#797979';

/** Text of a picture on a page that sets its background: 5.9 on white, 7.9 on #111111. */
export const PICTURE_STYLE =
  '<style>.ink{fill:#626262}@media(prefers-color-scheme:dark){.ink{fill:#a8a8a8}}</style>';

/** Share of INK that grid lines have: seen when looked for, and not otherwise. */
export const GRID_OPACITY = 0.28;

/**
 * Series colours for all kinds of colour vision: blue, vermilion, bluish green and reddish purple of Okabe and Ito
 * (2008), whose other colours hold on one page only; violet, brown and slate in their place.
 */
export const PALETTE: readonly string[] = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#7c5cf0',
  '#8c6d31',
  '#52666d',
];

/** Colour of what a reader lays over recorded series: none of theirs. */
export const OWN_COLOR = '#e205c2';

/** Colour of the i-th series; after the last one they begin again. */
export function seriesColor(index: number): string {
  return PALETTE[index % PALETTE.length];
}

/** Violet over green to orange, ever lighter: an order that dichromats see, too. */
const ORDERED = [
  '#764ea8',
  '#036ab9',
  '#00779b',
  '#00808a',
  '#068973',
  '#3b9041',
  '#848c20',
  '#bb802a',
  '#e37156',
];

/** Colours of `count` series that have an order, such as sizes, from the first to the last. */
export function orderedColors(count: number): string[] {
  return Array.from({ length: count }, (_, i) => hex(colorAt(ORDERED, count > 1 ? i / (count - 1) : 0)));
}

function hex(color: readonly number[]): string {
  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** A #rrggbb colour with an opacity of 0 to 1, as CSS writes it. */
export function translucent(color: string, opacity: number): string {
  const [red, green, blue] = channels(color);
  return `rgba(${red},${green},${blue},${opacity})`;
}

/** Viridis (van der Walt and Smith, matplotlib) at nine equal steps: lightness grows evenly. */
const SEQUENTIAL = [
  '#440154',
  '#472d7b',
  '#3b528b',
  '#2c728e',
  '#21918c',
  '#28ae80',
  '#5ec962',
  '#addc30',
  '#fde725',
];

/** Blue, near white, vermilion: sign and size at once. */
const DIVERGING = ['#0072b2', '#74b1d5', '#f4f4f2', '#eba673', '#d55e00'];

/** Colours at equal steps from the smallest to the largest value. */
export function colorStops(colors: 'sequential' | 'diverging'): readonly string[] {
  return colors === 'sequential' ? SEQUENTIAL : DIVERGING;
}

/** Red, green and blue (0 to 255) at `share` (0 to 1) of the way along the stops. */
export function colorAt(stops: readonly string[], share: number): [number, number, number] {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  const [from, to] = [channels(stops[index]), channels(stops[index + 1])];
  const mix = (i: number): number => Math.round(from[i] + (to[i] - from[i]) * (place - index));
  return [mix(0), mix(1), mix(2)];
}

function channels(color: string): [number, number, number] {
  const bits = Number.parseInt(color.slice(1), 16);
  return [(bits >> 16) & 255, (bits >> 8) & 255, bits & 255];
}
