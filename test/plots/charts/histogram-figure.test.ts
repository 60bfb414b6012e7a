import { describe, expect, it } from 'vitest';
import { FigureError, type HistogramTrace } from '../../../lib/plots/figure.js';
import { histogramFigure, type HistogramFigureOptions } from '../../../lib/plots/charts/histogram-figure.js';

function bins(options: Partial<HistogramFigureOptions>): HistogramTrace[] {
  const figure = histogramFigure({ title: 'h', x: { title: 'x', unit: 'm' }, series: [], ...options });
  return figure.traces as HistogramTrace[];
}

describe('histogramFigure', () => {
  it('counts values in equal bins, the highest in the last', () => {
    const [trace] = bins({ series: [{ name: 'a', values: [0, 0.5, 1, 3.9, 4] }], bins: 4, show: 'count' });
    expect(trace.edges).toEqual([0, 1, 2, 3, 4]);
    expect(trace.counts).toEqual([2, 1, 0, 2]);
  });

  it('shows shares of each series in percent by default', () => {
    const [a, b] = bins({
      series: [
        { name: 'a', values: [0, 0, 0, 1] },
        { name: 'b', values: [1] },
      ],
      bins: 2,
    });
    expect(a.counts).toEqual([75, 25]);
    expect(b.counts).toEqual([0, 100]);
    expect(b.edges).toEqual(a.edges);
  });

  it('takes counts as they are', () => {
    const [trace] = bins({ series: [{ name: 'a', edges: [0, 1, 10], counts: [3, 4] }], show: 'count' });
    expect(trace).toMatchObject({ edges: [0, 1, 10], counts: [3, 4] });
  });

  it('says which values it does not count', () => {
    const figure = histogramFigure({
      title: 'h',
      x: { title: 'x', unit: '' },
      series: [{ name: 'a', values: [0, 1, 2, Number.NaN, Infinity] }],
      range: [0, 1],
      bins: 2,
      show: 'count',
    });
    expect((figure.traces[0] as HistogramTrace).counts).toEqual([1, 1]);
    expect(figure.notes).toEqual([
      'a: 2 values are not finite and not counted',
      'a: 1 values lie outside the bins',
    ]);
  });

  it('has a range for no values and for equal ones', () => {
    expect(bins({ series: [{ name: 'a', values: [] }], bins: 1 })[0].edges).toEqual([0, 1]);
    expect(bins({ series: [{ name: 'a', values: [3, 3] }], bins: 1 })[0]).toMatchObject({
      edges: [2.5, 3.5],
      counts: [100],
    });
  });

  it.each([0, 1.5, -1, Number.NaN, 1e9])('refuses %s bins', (count) => {
    expect(() => bins({ series: [], bins: count })).toThrow(FigureError);
  });

  it('counts a million values without a stack overflow', () => {
    const values = Float32Array.from({ length: 1e6 }, (_, i) => i % 2);
    expect(bins({ series: [{ name: 'a', values }], bins: 2 })[0].counts).toEqual([50, 50]);
  });
});
