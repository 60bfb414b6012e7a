import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { barFigure, intervalFigure } from '../../../lib/plots/charts/bar-figure.js';
import { type Figure } from '../../../lib/plots/figure.js';
import { heatmapFigure } from '../../../lib/plots/charts/heatmap-figure.js';
import { histogramFigure } from '../../../lib/plots/charts/histogram-figure.js';
import { lineFigure } from '../../../lib/plots/charts/line-figure.js';
import { lossCurves } from '../../../lib/plots/charts/loss-curves.js';
import { toPlotly } from '../../../lib/plots/draw/plotly.js';
import { scatterFigure } from '../../../lib/plots/charts/scatter-figure.js';
import { plotlyFaults, plotlyVersion } from './plotly-validate.js';

const points = [1, 2, 3, 4].map((step) => ({ step, trainLoss: 4 / step, validationLoss: 5 / step }));
const x = { title: 'Parameters', unit: 'count', scale: 'log' } as const;
const y = { title: 'Loss', unit: 'nats', scale: 'log' } as const;

/** Every kind of chart with everything that can be in it. */
const figures: Record<string, Figure> = {
  'loss curves of one run': lossCurves([{ name: 'ternary', points }], {
    subtitle: 'in nats',
    lines: [
      { axis: 'y', at: 2.54, label: 'prototype' },
      { axis: 'x', at: 2, label: 'halfway' },
    ],
    annotations: [{ x: 1, y: 4, text: 'a start', side: 'right' }],
    notes: ['a note'],
  }),
  'loss curves with bands': lossCurves([
    { name: 'ternary', points: [points, points.map((point) => ({ ...point, validationLoss: 3 }))] },
    { name: 'full precision', points: [points, points], dash: 'dash' },
  ]),
  'curves with gaps, marks and error bars': lineFigure({
    title: 'curves',
    x: { title: 'bits', unit: '' },
    y,
    series: [
      {
        name: 'a',
        x: [1, 2, 3, 4],
        y: [1, Number.NaN, 3, -1],
        low: [0.5, 1, -1, 1],
        high: [2, 3, 4, 5],
        bars: true,
      },
      { name: 'b', x: [1, 2, 3], y: [1, 2, 3], markers: true, low: [0.9, 1, 2], high: [1.1, 3, 4] },
      { name: 'none', x: [], y: [] },
    ],
  }),
  'points with fits': scatterFigure({
    title: 'points',
    x,
    y,
    series: [
      {
        name: 'ternary',
        x: [1e3, 1e4, 1e5],
        y: [3, 2, 1],
        low: [2.9, 1.9, 0.9],
        high: [3.1, 2.1, 1.1],
        lowX: [900, 9e3, 9e4],
        highX: [1100, 1.1e4, 1.1e5],
        symbol: 'diamond-open',
        labels: ['small', 'middle', 'large'],
        fit: { x: [1e3, 1e5], y: [3, 1], low: [2.8, 0.8], high: [3.2, 1.2], name: 'aN^b', dash: 'dot' },
      },
    ],
  }),
  'bars and marks': barFigure({
    title: 'bars',
    category: { title: 'Size' },
    categories: ['700M', '<b>3B</b>'],
    value: { title: 'Latency', unit: 'ms' },
    series: [
      { name: 'fp16', values: [1, 2], low: [0.9, 1.8], high: [1.1, 2.2], labels: ['1', '2'] },
      { name: 'paper', values: [1.5, 2.5], marks: true },
    ],
  }),
  'stacked lying bars': barFigure({
    title: 'bars',
    category: { title: 'Part' },
    categories: ['weights', 'embedding'],
    value: { title: 'Size', unit: 'MB' },
    series: [
      { name: 'packed', values: [1, 2] },
      { name: 'scales', values: [1, Number.NaN] },
    ],
    stacked: true,
    horizontal: true,
  }),
  intervals: intervalFigure({
    title: 'differences',
    category: { title: 'Arm' },
    value: { title: 'Difference', unit: 'nats' },
    rows: [
      { name: 'b1', value: 0.1, low: 0.05, high: 0.15, group: 'weights' },
      { name: 'int4', value: 0.2, low: 0.1, high: 0.3, group: 'activations' },
    ],
    lines: [{ axis: 'x', at: 0, label: 'reference' }],
  }),
  histograms: histogramFigure({
    title: 'weights',
    x: { title: 'Weight', unit: '' },
    series: [
      { name: 'latent', values: [0.1, 0.2, 0.3] },
      { name: 'ternary', edges: [0, 0.1, 0.4], counts: [1, 2] },
    ],
    bins: 4,
    scale: 'log',
  }),
  'a heatmap with holes': heatmapFigure({
    title: 'matrix',
    values: [1, 0, -1, Number.NaN],
    rows: 2,
    columns: 2,
    value: { title: 'Weight', unit: 'trits' },
  }),
  'a heatmap with names': heatmapFigure({
    title: 'attention',
    values: [1, 0, 0.5, 0.5],
    rows: 2,
    columns: 2,
    rowNames: ['a', 'b'],
    columnNames: ['a', 'b'],
    value: { title: 'Attention', unit: 'share' },
  }),
  'no data': lossCurves([]),
};

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

  it.each(Object.keys(figures))('makes %s that Plotly.validate accepts', (name) => {
    expect(plotlyFaults(toPlotly(figures[name])).map(({ msg }) => msg)).toEqual([]);
  });

  it('writes titles with units, and log ranges as powers of ten', () => {
    const { layout } = toPlotly({ ...figures['points with fits'], x: { ...x, range: [100, 1e6] } });
    expect(layout).toMatchObject({
      title: { text: '<b>points</b>' },
      xaxis: { title: { text: 'Parameters (count)' }, type: 'log', range: [2, 6] },
      yaxis: { title: { text: 'Loss (nats)' } },
      paper_bgcolor: 'rgba(0,0,0,0)',
    });
  });

  it('turns bounds into distances for error bars', () => {
    const { data } = toPlotly(figures['points with fits']);
    expect(data.at(-1)).toMatchObject({
      error_y: {
        array: [0.1, 0.1, 0.1].map((d) => expect.closeTo(d, 6)),
        arrayminus: [0.1, 0.1, 0.1].map((d) => expect.closeTo(d, 6)),
      },
      error_x: { array: [100, 1000, 10_000], arrayminus: [100, 1000, 10_000] },
    });
  });

  it('shows what looks like a tag as it is written', () => {
    const { data, layout } = toPlotly(figures['bars and marks']);
    expect(layout).toMatchObject({ xaxis: { categoryarray: ['700M', '&lt;b&gt;3B&lt;/b&gt;'] } });
    expect(data[0]).toMatchObject({ x: ['700M', '&lt;b&gt;3B&lt;/b&gt;'] });
  });

  it('is JSON: gaps are null', () => {
    const plotly = toPlotly(figures['curves with gaps, marks and error bars']);
    expect(JSON.parse(JSON.stringify(plotly))).toEqual(plotly);
    expect(plotly.data.find(({ name, mode }) => name === 'a' && mode !== 'lines')).toMatchObject({
      y: [1, null, 3, null],
    });
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
