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

describe('toSvg of a heatmap', () => {
  it('stays small for a large matrix', () => {
    const values = Array.from({ length: 64 * 64 }, (_, i) => ((i * 7919) % 3) - 1);
    expect(toSvg(heatmap({ rows: 64, columns: 64, values })).length).toBeLessThan(6000);
  });

  it('draws a matrix without cells', () => {
    expect(
      readPicture(toSvg(heatmap({ rows: 0, columns: 0, values: [] }))).texts.map(({ text }) => text),
    ).toContain('No data.');
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
    expect(range({ values: [3, 3, 3, 3], colors: 'sequential' })).toEqual([3, 4]);
    expect(range({ values: [null, null, null, null], colors: 'sequential' })).toEqual([0, 1]);
  });

  it('is the given one where there is one', () => {
    expect(range({ range: [-7, 9] })).toEqual([-7, 9]);
  });
});
