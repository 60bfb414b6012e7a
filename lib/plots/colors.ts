/**
 * Colours that hold on a white and on a nearly black page, since a saved picture does not know the reader's theme:
 * every one of them has a contrast of 3 or more against #ffffff and against #111111 (WCAG 2.2, success criterion
 * 1.4.11). Backgrounds stay transparent.
 */

/** Text, axis lines and ticks. */
export const INK = '#7b7b7b';

/** Share of INK that grid lines have: there when looked for, gone when not. */
export const GRID_OPACITY = 0.28;

/**
 * Series colours for all kinds of colour vision: blue, vermilion, bluish green and reddish purple of Okabe and Ito
 * (2008), whose other colours hold on one page only; violet and brown in their place.
 */
export const PALETTE: readonly string[] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#7c5cf0', '#8c6d31'];

/** Colour of the i-th series; after the last one they begin again. */
export function seriesColor(index: number): string {
  return PALETTE[index % PALETTE.length];
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
