import { describe, expect, it } from 'vitest';
import { FigureError, type HeatmapTrace } from '../../../lib/plots/figure.js';
import { heatmapFigure, type HeatmapFigureOptions } from '../../../lib/plots/charts/heatmap-figure.js';

const value = { title: 'Weight', unit: 'trits' };

function matrix(
  rows: number,
  columns: number,
  more: Partial<HeatmapFigureOptions> = {},
): HeatmapFigureOptions {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => i);
  return { title: 'm', values, rows, columns, value, ...more };
}

function trace(options: HeatmapFigureOptions): HeatmapTrace {
  return heatmapFigure(options).traces[0] as HeatmapTrace;
}

describe('heatmapFigure', () => {
  it('shows a small matrix value by value, the first row on top', () => {
    const figure = heatmapFigure(matrix(2, 3));
    expect(figure.traces[0]).toMatchObject({ rows: 2, columns: 3, values: [0, 1, 2, 3, 4, 5] });
    expect(figure.y.reversed).toBe(true);
    expect(figure.notes).toEqual([]);
  });

  it('lets colours diverge where there are negative values', () => {
    expect(trace(matrix(1, 2, { values: [0, 1] })).colors).toBe('sequential');
    expect(trace(matrix(1, 2, { values: [-1, 1] })).colors).toBe('diverging');
  });

  it('averages blocks of a larger matrix, and says so', () => {
    // 130 columns in blocks of 3: the last block has one column.
    const figure = heatmapFigure(matrix(1, 130));
    const shown = figure.traces[0] as HeatmapTrace;
    expect(shown).toMatchObject({ rows: 1, columns: 44, xSpan: [-0.5, 131.5] });
    expect(shown.values.slice(0, 2)).toEqual([1, 4]);
    expect(shown.values.at(-1)).toBe(129);
    expect(figure.notes).toEqual(['Each cell is the mean of 1 × 3 values (rows × columns).']);
  });

  it('leaves holes out of the means', () => {
    const values = Array.from({ length: 128 }, (_, i) => (i === 1 || i === 2 || i === 3 ? Number.NaN : 5));
    expect(trace(matrix(1, 128, { values })).values.slice(0, 3)).toEqual([5, null, 5]);
  });

  it('shows the upper left corner of a larger matrix where asked, and says so', () => {
    const figure = heatmapFigure(matrix(100, 80, { larger: 'corner' }));
    const shown = figure.traces[0] as HeatmapTrace;
    expect(shown).toMatchObject({ rows: 64, columns: 64, xSpan: [-0.5, 63.5], ySpan: [-0.5, 63.5] });
    expect(shown.values[0]).toBe(0);
    expect(shown.values[64]).toBe(80);
    expect(figure.notes).toEqual(['The first 64 of 100 rows and 64 of 80 columns.']);
  });

  it('refuses a matrix of another size than it says', () => {
    expect(() => heatmapFigure(matrix(2, 2, { values: [1] }))).toThrow(FigureError);
    expect(() => heatmapFigure(matrix(2, 2, { values: [1] }))).toThrow('2 × 2, got 1');
  });
});
