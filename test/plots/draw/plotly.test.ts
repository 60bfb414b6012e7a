import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { lineFigure } from '../../../lib/plots/charts/line-figure.js';
import { toPlotly } from '../../../lib/plots/draw/plotly.js';
import { plotlyFaults, plotlyVersion } from './plotly-validate.js';

describe('toPlotly', () => {
  it('is held to the plotly.js that package.json pins', () => {
    const { dependencies } = createRequire(import.meta.url)('../../../package.json') as {
      dependencies: Record<string, string>;
    };
    expect(plotlyVersion).toBe(dependencies['plotly.js']);
  });

  it('is held to a validator that refuses what plotly does not know', () => {
    expect(plotlyFaults({ data: [{ type: 'scatter', x: [1], y: [1], colour: 'red' }], layout: {} })).toEqual([
      expect.objectContaining({ code: 'schema' }),
    ]);
  });

  it('thins long lines to a few kilobytes and keeps their extremes', () => {
    const long = Array.from({ length: 50_000 }, (_, i) => (i === 12_345 ? 99 : i % 5));
    const plotly = toPlotly(
      lineFigure({
        title: 't',
        x: { title: 'x', unit: '' },
        y: { title: 'y', unit: '' },
        series: [{ name: 'a', x: long.map((_, i) => i), y: long }],
      }),
    );
    const heights = plotly.data[0].y as number[];
    expect(heights.length).toBeLessThanOrEqual(402);
    expect(Math.max(...heights)).toBe(99);
    expect(JSON.stringify(plotly).length).toBeLessThan(10_000);
  });
});
