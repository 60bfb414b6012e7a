import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Figure, HeatmapTrace } from '../../../lib/plots/figure.js';
import { colorRange } from '../../../lib/plots/draw/svg-heatmap.js';
import { toSvg } from '../../../lib/plots/draw/svg.js';
import { readPicture } from '../picture.js';

function heatmap(more: Partial<HeatmapTrace>, axes: Partial<Figure> = {}): Figure {
  return {
    title: 'matrix',
    x: { title: 'Column', unit: 'index' },
    y: { title: 'Row', unit: 'index', reversed: true },
    traces: [
      {
        kind: 'heatmap',
        name: 'w',
        rows: 2,
        columns: 2,
        values: [-1, 0, 1, null],
        colors: 'diverging',
        title: 'Weight',
        unit: 'trits',
        ...more,
      },
    ],
    ...axes,
  };
}

/** Red, green, blue and opacity of a PNG with a palette, row by row. */
function readPng(href: string): number[][][] {
  const bytes = Buffer.from(href.replace('data:image/png;base64,', ''), 'base64');
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    chunks.set(bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [width, height] = [chunks.get('IHDR')!.readUInt32BE(0), chunks.get('IHDR')!.readUInt32BE(4)];
  const rows = inflateSync(chunks.get('IDAT')!);
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => {
      const color = rows[row * (width + 1) + 1 + column];
      const palette = chunks.get('PLTE')!;
      return [palette[color * 3], palette[color * 3 + 1], palette[color * 3 + 2], chunks.get('tRNS')![color]];
    }),
  );
}

const BLUE = [0x00, 0x72, 0xb2, 255];
const VERMILION = [0xd5, 0x5e, 0x00, 255];
const NEAR_WHITE = [0xf4, 0xf4, 0xf2, 255];

describe('toSvg of a heatmap', () => {
  it('gives every cell its colour, the first row on top, and none to a hole', () => {
    const [cells] = readPicture(toSvg(heatmap({}))).images;
    const [first, second] = readPng(cells.href);
    expect(first).toEqual([BLUE, NEAR_WHITE]);
    expect(second[0]).toEqual(VERMILION);
    expect(second[1][3]).toBe(0);
  });

  it('puts the first row at the bottom where rows grow upwards', () => {
    const [cells] = readPicture(
      toSvg(heatmap({ ySpan: [0, 1], xSpan: [0, 1] }, { y: { title: 'Loss', unit: 'nats' } })),
    ).images;
    expect(readPng(cells.href)[1]).toEqual([BLUE, NEAR_WHITE]);
  });

  it('puts the first column at the right where columns grow to the left', () => {
    const [cells] = readPicture(
      toSvg(heatmap({}, { x: { title: 'Column', unit: 'index', reversed: true } })),
    ).images;
    expect(readPng(cells.href)[0]).toEqual([NEAR_WHITE, BLUE]);
  });

  it('fills the plot with its cells and writes the colours’ meaning', () => {
    const picture = readPicture(toSvg(heatmap({})));
    const [cells] = picture.images;
    expect(cells.x).toBeCloseTo(picture.plot.left, 1);
    expect(cells.x + cells.width).toBeCloseTo(picture.plot.right, 1);
    expect(cells.y).toBeCloseTo(picture.plot.top, 1);
    expect(cells.y + cells.height).toBeCloseTo(picture.plot.bottom, 1);
    expect(picture.texts.map(({ text }) => text)).toContain('Weight (trits)');
  });

  it('stays small for a large matrix', () => {
    const values = Array.from({ length: 64 * 64 }, (_, i) => ((i * 7919) % 3) - 1);
    expect(toSvg(heatmap({ rows: 64, columns: 64, values })).length).toBeLessThan(6000);
  });

  it('draws a matrix without cells, and one that holds a single value', () => {
    expect(
      readPicture(toSvg(heatmap({ rows: 0, columns: 0, values: [] }))).texts.map(({ text }) => text),
    ).toContain('No data.');
    const [cells] = readPicture(
      toSvg(heatmap({ rows: 1, columns: 1, values: [3], colors: 'sequential' })),
    ).images;
    expect(readPng(cells.href)).toEqual([[[0x44, 0x01, 0x54, 255]]]);
  });
});

describe('colorRange', () => {
  const range = (more: Partial<HeatmapTrace>): readonly [number, number] =>
    colorRange(heatmap(more).traces[0] as HeatmapTrace);

  it('is symmetric about zero where colours diverge', () => {
    expect(range({ values: [-1, 3, null, 0] })).toEqual([-3, 3]);
    expect(range({ values: [0, 0, 0, 0] })).toEqual([-1, 1]);
  });

  it('is that of the values where colours run from little to much', () => {
    expect(range({ values: [2, 3, null, 5], colors: 'sequential' })).toEqual([2, 5]);
    expect(range({ values: [null, null, null, null], colors: 'sequential' })).toEqual([0, 1]);
  });

  it('is the given one where there is one', () => {
    expect(range({ range: [-7, 9] })).toEqual([-7, 9]);
  });
});
