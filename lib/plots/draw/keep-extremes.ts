/** Long lines drawn with few points: what a screen can show of them stays, above all every peak. */
import type { Values } from '../figure.js';

/**
 * Indices of the points that a line keeps, ascending: the first and the last of all, and in each bucket of neighbours
 * the lowest and highest of every column. A gap keeps a point, so it stays a gap.
 * @param count points in all
 * @param columns values that are drawn over the same points (a line, the bounds of its band)
 * @param bucketOf bucket of point i; neighbours with the same number are thinned together
 */
export function keepExtremes(
  count: number,
  columns: readonly Values[],
  bucketOf: (index: number) => number,
): number[] {
  const kept = new Set<number>(count === 0 ? [] : [0, count - 1]);
  let start = 0;
  while (start < count) {
    const bucket = bucketOf(start);
    let end = start + 1;
    while (end < count && bucketOf(end) === bucket) end += 1;
    keepBucket(start, end, columns, kept);
    start = end;
  }
  return [...kept].sort((a, b) => a - b);
}

function keepBucket(start: number, end: number, columns: readonly Values[], kept: Set<number>): void {
  for (const column of columns) {
    let lowest = -1;
    let highest = -1;
    for (let i = start; i < end; i += 1) {
      const value = column[i];
      if (value == null) {
        // The first point of each gap stands for it.
        if (i === start || column[i - 1] != null) kept.add(i);
        continue;
      }
      if (lowest < 0 || value < column[lowest]!) lowest = i;
      if (highest < 0 || value > column[highest]!) highest = i;
    }
    if (lowest >= 0) kept.add(lowest).add(highest);
  }
}

/** A point in pixels. */
export type Pixel = readonly [x: number, y: number];

/**
 * The points of a line that cannot be left out without moving it by more than `tolerance` pixels (Ramer, Douglas and
 * Peucker): a smooth curve needs few.
 */
export function straighten(points: readonly Pixel[], tolerance: number): Pixel[] {
  if (points.length < 3) return [...points];
  const kept = new Uint8Array(points.length);
  kept[0] = kept[points.length - 1] = 1;
  const open: [number, number][] = [[0, points.length - 1]];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [from, to] = range;
    let farthest = -1;
    let distance = tolerance;
    for (let i = from + 1; i < to; i += 1) {
      const away = distanceToSegment(points[i], points[from], points[to]);
      if (away > distance) [farthest, distance] = [i, away];
    }
    if (farthest < 0) continue;
    kept[farthest] = 1;
    open.push([from, farthest], [farthest, to]);
  }
  return points.filter((_, i) => kept[i] === 1);
}

function distanceToSegment([x, y]: Pixel, [fromX, fromY]: Pixel, [toX, toY]: Pixel): number {
  const [width, height] = [toX - fromX, toY - fromY];
  const square = width * width + height * height;
  const share =
    square === 0 ? 0 : Math.min(Math.max(((x - fromX) * width + (y - fromY) * height) / square, 0), 1);
  return Math.hypot(x - fromX - share * width, y - fromY - share * height);
}
