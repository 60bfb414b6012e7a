import { describe, expect, it } from 'vitest';
import { barFigure, intervalFigure } from '../../../lib/plots/charts/bar-figure.js';

const options = {
  title: 'b',
  category: { title: 'Size' },
  categories: ['700M', '3B'],
  value: { title: 'Latency', unit: 'ms' },
};

describe('barFigure', () => {
  it('has the names on x, or on y for lying bars', () => {
    const series = [{ name: 'fp16', values: [1, 2] }];
    expect(barFigure({ ...options, series }).x).toMatchObject({
      scale: 'category',
      categories: ['700M', '3B'],
    });
    const lying = barFigure({ ...options, series, horizontal: true });
    expect(lying.y).toMatchObject({ scale: 'category', title: 'Size' });
    expect(lying.x).toMatchObject({ title: 'Latency', unit: 'ms' });
  });

  it('shows a series as marks where asked, at the same categories', () => {
    const series = [{ name: 'paper', values: [1, Number.NaN], low: [0.5, 1], high: [2, 3], marks: true }];
    expect(barFigure({ ...options, series }).traces[0]).toMatchObject({
      kind: 'scatter',
      x: ['700M', '3B'],
      y: [1, null],
      errorY: { low: [0.5, 1], high: [2, 3] },
    });
    expect(barFigure({ ...options, series, horizontal: true }).traces[0]).toMatchObject({
      x: [1, null],
      y: ['700M', '3B'],
      errorX: { low: [0.5, 1], high: [2, 3] },
    });
  });
});

describe('intervalFigure', () => {
  it('lists rows from the top in the order given, coloured by group', () => {
    const figure = intervalFigure({
      ...options,
      rows: [
        { name: 'b1', value: 1, low: 0, high: 2, group: 'weights' },
        { name: 'int4', value: 3, low: 2, high: 4, group: 'activations' },
        { name: '2 bits', value: 5, low: 4, high: 6, group: 'weights' },
      ],
    });
    expect(figure.y.categories).toEqual(['b1', 'int4', '2 bits']);
    expect(figure.traces).toEqual([
      expect.objectContaining({
        name: 'weights',
        x: [1, 5],
        y: ['b1', '2 bits'],
        errorX: { low: [0, 4], high: [2, 6] },
      }),
      expect.objectContaining({ name: 'activations', x: [3], y: ['int4'] }),
    ]);
  });
});
