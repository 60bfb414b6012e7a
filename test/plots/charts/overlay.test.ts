import { describe, expect, it } from 'vitest';
import { barFigure } from '../../../lib/plots/charts/bar-figure.js';
import { lineFigure } from '../../../lib/plots/charts/line-figure.js';
import { overlay } from '../../../lib/plots/charts/overlay.js';
import { drawable } from '../../../lib/plots/draw/drawable.js';

const recorded = lineFigure({
  title: 'Loss against size',
  x: { title: 'Parameters', unit: 'count', scale: 'log' },
  y: { title: 'Loss', unit: 'nats' },
  series: [{ name: 'b1.58', x: [1e4, 1e5], y: [2.2, 2] }],
});

describe('overlay', () => {
  it('joins points of numbers in a colour of their own, and lets the axes grow', () => {
    const { traces, x, y } = drawable(overlay(recorded, { x: [2e5, 1e6], y: [1.9, 1.7] }));
    expect(traces.map(({ kind, name }) => [kind, name])).toEqual([
      ['line', 'b1.58'],
      ['line', 'mine'],
    ]);
    expect(traces[1].color).not.toBe(traces[0].color);
    expect(x.domain[1]).toBeGreaterThanOrEqual(1e6);
    expect(y.domain[0]).toBeLessThanOrEqual(1.7);
  });

  it('numbers several, and keeps the names they are given', () => {
    const names = overlay(recorded, { x: [1e4], y: [2] }, { name: 'with GPTQ', x: [1e5], y: [2] }).traces.map(
      ({ name }) => name,
    );
    expect(names).toEqual(['b1.58', 'mine, 1', 'with GPTQ']);
  });

  it('puts diamonds on an axis of names, and says which names there are', () => {
    const bars = barFigure({
      title: 'Latency',
      category: { title: 'Size' },
      categories: ['700M', '3B'],
      value: { title: 'Latency', unit: 'ms' },
      series: [{ name: 'recorded', values: [22, 97] }],
    });
    const { traces } = drawable(overlay(bars, { x: ['3B'], y: [80] }));
    expect(traces[1]).toMatchObject({ kind: 'scatter', x: ['3B'], y: [80], symbol: 'diamond' });
    expect(() => drawable(overlay(bars, { x: ['7B'], y: [80] }))).toThrow('(700M, 3B), got 7B');
  });

  it('says where x and y differ in length', () => {
    expect(() => drawable(overlay(recorded, { x: [1, 2], y: [1] }))).toThrow(
      'trace "mine": y must have 2 values, got 1',
    );
  });
});
