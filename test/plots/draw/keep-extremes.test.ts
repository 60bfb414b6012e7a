import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepExtremes, straighten } from '../../../lib/plots/draw/keep-extremes.js';

describe('keepExtremes', () => {
  it('keeps the lowest and highest of every bucket, and both ends', () => {
    const values = [5, 1, 9, 5, 5, 2, 8, 5];
    expect(keepExtremes(8, [values], (i) => Math.floor(i / 4))).toEqual([0, 1, 2, 5, 6, 7]);
  });

  it('keeps a point for every gap', () => {
    expect(keepExtremes(6, [[1, 1, null, null, 1, 1]], () => 0)).toEqual([0, 2, 5]);
  });

  it('keeps all extremes and never more than two points and the gaps of a bucket', () => {
    const values = fc.array(fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 300 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 50 }), (column, wide) => {
        const kept = keepExtremes(column.length, [column], (i) => Math.floor(i / wide));
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        const numbers = (indices: number[]): number[] =>
          indices.map((i) => column[i]!).filter((value) => value !== null);
        const all = column.map((_, i) => i);
        for (let start = 0; start < column.length; start += wide) {
          const inBucket = (i: number): boolean => i >= start && i < start + wide;
          const before = numbers(all.filter(inBucket));
          const after = numbers(kept.filter(inBucket));
          if (before.length === 0) continue;
          expect(Math.min(...after)).toBe(Math.min(...before));
          expect(Math.max(...after)).toBe(Math.max(...before));
          expect(after.length).toBeLessThanOrEqual(4);
        }
        // Where two numbers had a gap between them, they still have.
        for (let i = 1; i < kept.length; i += 1) {
          const between = all.slice(kept[i - 1] + 1, kept[i]);
          if (column[kept[i - 1]] === null || column[kept[i]] === null) continue;
          expect(between.every((j) => column[j] !== null)).toBe(true);
        }
      }),
    );
  });
});

describe('straighten', () => {
  it('leaves out what lies on the way', () => {
    const points = [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 0],
    ] as const;
    expect(straighten(points, 0.1)).toEqual([points[0], points[2], points[3]]);
  });

  it('never leaves a point farther from the line than the tolerance', () => {
    const point = fc.tuple(
      fc.double({ min: 0, max: 500, noNaN: true }),
      fc.double({ min: 0, max: 300, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(point, { maxLength: 60 }),
        fc.double({ min: 0.1, max: 20, noNaN: true }),
        (points, tolerance) => {
          const sorted = points.toSorted((a, b) => a[0] - b[0]);
          const line = straighten(sorted, tolerance);
          expect(line[0]).toEqual(sorted[0]);
          expect(line.at(-1)).toEqual(sorted.at(-1));
          for (const [x, y] of sorted) {
            let nearest = line.length === 1 ? Math.hypot(x - line[0][0], y - line[0][1]) : Infinity;
            for (let i = 1; i < line.length; i += 1) {
              const [[fromX, fromY], [toX, toY]] = [line[i - 1], line[i]];
              const length = Math.hypot(toX - fromX, toY - fromY) || 1;
              const along = ((x - fromX) * (toX - fromX) + (y - fromY) * (toY - fromY)) / length;
              const share = Math.min(Math.max(along / length, 0), 1);
              nearest = Math.min(
                nearest,
                Math.hypot(x - fromX - share * (toX - fromX), y - fromY - share * (toY - fromY)),
              );
            }
            expect(nearest).toBeLessThanOrEqual(tolerance + 1e-9);
          }
        },
      ),
    );
  });
});
