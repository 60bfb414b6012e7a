/** Every kind of chart with everything that it may hold; a picture of each lies in test/golden/pictures/. */
import { barFigure, intervalFigure } from '../../lib/plots/charts/bar-figure.js';
import { heatmapFigure } from '../../lib/plots/charts/heatmap-figure.js';
import { histogramFigure } from '../../lib/plots/charts/histogram-figure.js';
import { lineFigure } from '../../lib/plots/charts/line-figure.js';
import { lossCurves } from '../../lib/plots/charts/loss-curves.js';
import { scatterFigure } from '../../lib/plots/charts/scatter-figure.js';
import type { Figure } from '../../lib/plots/figure.js';

const points = [1, 2, 3, 4].map((step) => ({ step, trainLoss: 4 / step, validationLoss: 5 / step }));
const parameters = { title: 'Parameters', unit: 'count', scale: 'log' } as const;
const loss = { title: 'Loss', unit: 'nats', scale: 'log' } as const;

export const GALLERY: Record<string, Figure> = {
  'loss-curves': lossCurves([{ name: 'ternary', points }], {
    subtitle: 'in nats',
    lines: [
      { axis: 'y', at: 2.54, label: 'prototype' },
      { axis: 'x', at: 2, label: 'halfway' },
    ],
    annotations: [{ x: 1, y: 4, text: 'a start', side: 'right' }],
    notes: ['a note'],
  }),
  'loss-bands': lossCurves([
    {
      name: 'ternary',
      points: [points, points.map((point) => ({ ...point, validationLoss: 3 - point.step ** 2 / 20 }))],
    },
    { name: 'full precision', points: [points, points], dash: 'dash' },
  ]),
  // Values at and below 0 on a log axis: points are left out with a note, bounds reach the edge.
  'gaps-and-errors': lineFigure({
    title: 'Gaps, marks and error bars',
    x: { title: 'Bits', unit: '' },
    y: loss,
    series: [
      {
        name: 'a',
        x: [1, 2, 3, 4, 5],
        y: [1, Number.NaN, 3, -1, 2],
        low: [0.5, 1, -1, 1, 1],
        high: [2, 3, 4, 5, 4],
        bars: true,
      },
      { name: 'b', x: [1, 2, 5], y: [1, 2, 3], markers: true, low: [0.9, 1, -2], high: [1.1, 3, 4] },
      { name: 'none', x: [], y: [] },
    ],
  }),
  'points-and-fits': scatterFigure({
    title: 'Points and fits',
    x: parameters,
    y: loss,
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
      { name: 'float', x: [2e3, 2e4], y: [2.5, 1.5] },
      { name: 'int8', x: [3e3, 3e4], y: [2.5, 1.5], symbol: 'circle-open' },
      { name: 'GPTQ', x: [4e3, 4e4], y: [2.5, 1.5], symbol: 'diamond' },
    ],
  }),
  bars: barFigure({
    title: 'Bars side by side, and marks',
    category: { title: 'Size' },
    categories: ['700M', '<b>3B</b>'],
    value: { title: 'Latency', unit: 'ms' },
    series: [
      { name: 'fp16', values: [1, 2], low: [0.9, 1.8], high: [1.1, 2.2], labels: ['1', '2'] },
      { name: 'W2A8', values: [0.5, Number.NaN] },
      { name: 'paper', values: [1.5, 2.5], marks: true },
    ],
  }),
  'stacked-bars': barFigure({
    title: 'Lying bars on each other',
    category: { title: 'Part' },
    categories: ['weights', 'embedding'],
    value: { title: 'Change', unit: 'MB' },
    series: [
      { name: 'packed', values: [30, -20] },
      { name: 'scales', values: [50, -10] },
      { name: 'padding', values: [-15, Number.NaN] },
    ],
    stacked: true,
    horizontal: true,
  }),
  intervals: intervalFigure({
    title: 'Differences',
    category: { title: 'Arm' },
    value: { title: 'Difference', unit: 'nats' },
    rows: [
      { name: 'b1', value: 0.1, low: 0.05, high: 0.15, group: 'weights' },
      { name: 'int4', value: 0.2, low: 0.1, high: 0.3, group: 'activations' },
    ],
    lines: [{ axis: 'x', at: 0, label: 'reference' }],
  }),
  histograms: histogramFigure({
    title: 'Weights',
    x: { title: 'Weight', unit: '' },
    series: [
      { name: 'latent', values: [0.1, 0.2, 0.2, 0.3] },
      { name: 'ternary', edges: [0, 0.1, 0.4], counts: [10, 20] },
    ],
    bins: 4,
    scale: 'log',
  }),
  matrix: heatmapFigure({
    title: 'A matrix with a hole',
    values: [1, 0, -1, Number.NaN, 0.5, -0.25],
    rows: 2,
    columns: 3,
    value: { title: 'Weight', unit: 'trits' },
  }),
  attention: heatmapFigure({
    title: 'Attention',
    values: [1, 0, 0.5, 0.5],
    rows: 2,
    columns: 2,
    rowNames: ['a', 'b'],
    columnNames: ['a', 'b'],
    value: { title: 'Attention', unit: 'share' },
  }),
  'reversed-axes': {
    title: 'Growing to the left and downwards',
    x: { title: 'Time left', unit: 's', range: [0, 10], reversed: true },
    y: { title: 'Depth', unit: 'm', range: [0, 100], reversed: true },
    traces: [
      { kind: 'line', name: 'diver', x: [10, 7, 3, 0], y: [0, 80, 60, 100] },
      { kind: 'histogram', name: 'catch', edges: [0, 2, 6, 10], counts: [20, 0, 50] },
    ],
  },
  // Rows grow upwards here, and columns to the left.
  map: {
    title: 'A map',
    x: { title: 'Rate', unit: '1/s', reversed: true },
    y: { title: 'Loss', unit: 'nats' },
    traces: [
      {
        kind: 'heatmap',
        name: 'w',
        rows: 2,
        columns: 2,
        values: [0, 1, 2, 4],
        colors: 'sequential',
        title: 'Runs',
        unit: '',
        xSpan: [0, 1],
        ySpan: [2, 3],
      },
    ],
  },
  'no-data': lossCurves([]),
};
