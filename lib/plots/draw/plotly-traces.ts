/** Traces of a figure as plotly's. */
import { colorStops, translucent } from '../colors.js';
import type { DrawnFigure, DrawnTrace } from './drawable.js';
import type {
  BarTrace,
  HeatmapTrace,
  HistogramTrace,
  Interval,
  LineTrace,
  ScatterTrace,
  Values,
} from '../figure.js';
import { keepExtremes } from './keep-extremes.js';
import { isEmpty } from './showable.js';
import { escapePlotly } from './text.js';
import { colorRange } from './svg-heatmap.js';
import { BAR_OUTLINE, barOpacity, histogramOpacity } from './svg-bars.js';
import { FAINT_WIDTH, LINE_WIDTH } from './svg-traces.js';

type PlotlyTrace = Record<string, unknown>;

/** Lines with more points than this are thinned: a chart is a few hundred pixels wide, and a notebook is a file. */
const MAX_POINTS = 400;
/** Digits of a heatmap's values: its colours show less. */
const CELL_DIGITS = 4;

/** All traces that have values; bands come first so that they lie behind the lines. */
export function plotlyTraces(figure: DrawnFigure): PlotlyTrace[] {
  const traces = figure.traces.filter((trace) => !isEmpty(trace));
  const bands = traces.flatMap((trace) => (trace.kind === 'line' ? bandTrace(trace) : []));
  return [...bands, ...traces.map((trace) => plotlyTrace(trace, figure))];
}

function plotlyTrace(trace: DrawnTrace, figure: DrawnFigure): PlotlyTrace {
  switch (trace.kind) {
    case 'line':
      return lineTrace(trace);
    case 'scatter':
      return scatterTrace(trace);
    case 'bar':
      return barTrace(trace, figure);
    case 'histogram':
      return histogramTrace(trace, figure);
    case 'heatmap':
      return heatmapTrace(trace, figure);
  }
}

function named(trace: DrawnTrace): PlotlyTrace {
  return { name: escapePlotly(trace.name), showlegend: trace.inLegend !== false, legendgroup: trace.name };
}

/** Indices of the points that are kept. */
function keptPoints(count: number, columns: readonly Values[]): number[] {
  const bucket = Math.ceil((count * 2 * columns.length) / MAX_POINTS);
  return count <= MAX_POINTS
    ? Array.from({ length: count }, (_, i) => i)
    : keepExtremes(count, columns, (i) => Math.floor(i / bucket));
}

/** The region of a band: one closed shape for every stretch between gaps. */
function bandTrace(trace: DrawnTrace & LineTrace): PlotlyTrace[] {
  const { band } = trace;
  if (band === undefined) return [];
  const x: (number | string | null)[] = [];
  const y: (number | null)[] = [];
  let stretch: number[] = [];
  const close = (): void => {
    if (stretch.length > 0) {
      if (x.length > 0) {
        x.push(null);
        y.push(null);
      }
      const back = [...stretch].reverse();
      x.push(...stretch.map((i) => trace.x[i]!), ...back.map((i) => trace.x[i]!));
      y.push(...stretch.map((i) => band.low[i]!), ...back.map((i) => band.high[i]!));
    }
    stretch = [];
  };
  for (const i of keptPoints(trace.x.length, [band.low, band.high])) {
    if (trace.x[i] === null || band.low[i] === null || band.high[i] === null) close();
    else stretch.push(i);
  }
  close();
  return [
    {
      ...named(trace),
      showlegend: false,
      type: 'scatter',
      mode: 'lines',
      x: compact(x),
      y: compact(y),
      line: { width: 0, color: trace.color },
      fill: 'toself',
      fillcolor: translucent(trace.color, 0.18),
      hoverinfo: 'skip',
    },
  ];
}

function lineTrace(trace: DrawnTrace & LineTrace): PlotlyTrace {
  const kept = keptPoints(trace.x.length, [trace.y]);
  const faint = trace.faint === true;
  const sizes = markerSizes(trace, kept);
  return {
    ...named(trace),
    type: 'scatter',
    mode: sizes === undefined ? 'lines' : 'lines+markers',
    x: compact(kept.map((i) => trace.x[i]!)),
    y: compact(kept.map((i) => trace.y[i]!)),
    line: { color: trace.color, width: faint ? FAINT_WIDTH : LINE_WIDTH, dash: trace.dash ?? 'solid' },
    ...(sizes !== undefined && { marker: { color: trace.color, size: sizes, line: { width: 0 } } }),
    ...errorBars('error_y', trace.errorY, trace.y, trace.color, kept),
  };
}

/** Marks, where there are some: a point between two gaps gets one, since plotly draws no line through it. */
function markerSizes(trace: LineTrace, kept: readonly number[]): number | number[] | undefined {
  if (trace.markers === true) return 6;
  const shown = (place: number): boolean =>
    place >= 0 && place < kept.length && trace.x[kept[place]] !== null && trace.y[kept[place]] !== null;
  const sizes = kept.map((_, place) => (shown(place) && !shown(place - 1) && !shown(place + 1) ? 4 : 0));
  return sizes.some((size) => size > 0) ? sizes : undefined;
}

function scatterTrace(trace: DrawnTrace & ScatterTrace): PlotlyTrace {
  const open = trace.symbol === 'circle-open' || trace.symbol === 'diamond-open';
  const labels = trace.labels?.map(escapePlotly);
  return {
    ...named(trace),
    type: 'scatter',
    mode: labels === undefined ? 'markers' : 'markers+text',
    x: compact(trace.x),
    y: compact(trace.y),
    marker: {
      color: trace.color,
      size: 8,
      symbol: trace.symbol ?? 'circle',
      ...(open && { line: { width: 2 } }),
    },
    ...(labels !== undefined && { text: labels, textposition: 'middle right' }),
    ...errorBars('error_y', trace.errorY, trace.y, trace.color),
    ...errorBars('error_x', trace.errorX, trace.x, trace.color),
  };
}

function barTrace(trace: DrawnTrace & BarTrace, figure: DrawnFigure): PlotlyTrace {
  const lying = figure.y.scale === 'category';
  const values = compact(trace.values);
  const labels = trace.labels?.map(escapePlotly);
  return {
    ...named(trace),
    type: 'bar',
    orientation: lying ? 'h' : 'v',
    x: lying ? values : trace.at.map(escapePlotly),
    y: lying ? trace.at.map(escapePlotly) : values,
    marker: {
      color: translucent(trace.color, barOpacity(trace)),
      line: { color: trace.color, width: trace.error === undefined ? 0 : BAR_OUTLINE },
    },
    ...(labels !== undefined && { text: labels, textposition: 'outside', cliponaxis: false }),
    ...errorBars(lying ? 'error_x' : 'error_y', trace.error, trace.values, trace.color),
  };
}

function histogramTrace(trace: DrawnTrace & HistogramTrace, figure: DrawnFigure): PlotlyTrace {
  const { edges } = trace;
  // An empty bin ends at the edge of a log axis: a gap would open the outline.
  const counts = trace.counts.map((count) =>
    count === null && figure.y.scale === 'log' ? figure.y.domain[0] : count,
  );
  return {
    ...named(trace),
    type: 'scatter',
    mode: 'lines',
    // Steps from edge to edge: the outline stays clear where several lie over each other, on every ground.
    ...places(edges),
    y: compact([...counts, counts.length > 0 ? counts[counts.length - 1] : 0]),
    line: { color: trace.color, width: BAR_OUTLINE, shape: 'hv' },
    fill: 'tozeroy',
    fillcolor: translucent(trace.color, histogramOpacity(figure)),
  };
}

/** Edges of bins that are equally wide as the first one and the distance: with sliders there are dozens of such rows. */
function places(edges: readonly number[]): PlotlyTrace {
  const x = compact(edges);
  const dx = (edges[edges.length - 1] - edges[0]) / (edges.length - 1);
  const even = x.every((edge, i) => Math.abs(edge - (edges[0] + i * dx)) < 1e-6 * dx);
  return even ? { x0: x[0], dx: Number(dx.toPrecision(9)) } : { x };
}

function heatmapTrace(trace: DrawnTrace & HeatmapTrace, figure: DrawnFigure): PlotlyTrace {
  const [low, high] = colorRange(trace);
  const stops = colorStops(trace.colors);
  return {
    name: escapePlotly(trace.name),
    type: 'heatmap',
    z: matrix(trace),
    zmin: low,
    zmax: high,
    colorscale: stops.map((color, i) => [i / (stops.length - 1), color]),
    ...cells('x', trace.columns, trace.xSpan, figure.x.categories),
    ...cells('y', trace.rows, trace.ySpan, figure.y.categories),
    hoverongaps: false,
    colorbar: {
      thickness: 14,
      outlinewidth: 0,
      len: 1,
      lenmode: 'fraction',
      x: 1,
      xpad: 14,
      ypad: 0,
    },
  };
}

/** Middle of the first cell and distance between cells, or the names of a category axis. */
function cells(
  axis: 'x' | 'y',
  count: number,
  span: readonly [number, number] | undefined,
  names: readonly string[],
): PlotlyTrace {
  if (names.length > 0) return { [axis]: names.map(escapePlotly) };
  const [from, to] = span ?? [-0.5, count - 0.5];
  const step = (to - from) / count;
  return { [`${axis}0`]: from + step / 2, [`d${axis}`]: step };
}

/** Rows of numbers: plotly reads base64, too, but its validator does not know that for a matrix. */
function matrix({ rows, columns, values }: HeatmapTrace): (number | null)[][] {
  return Array.from({ length: rows }, (_, row) =>
    compact(values.slice(row * columns, (row + 1) * columns), CELL_DIGITS),
  );
}

function errorBars(
  key: 'error_x' | 'error_y',
  bounds: Interval | undefined,
  values: readonly (number | string | null)[],
  color: string,
  kept: readonly number[] = values.map((_, i) => i),
): PlotlyTrace {
  if (bounds === undefined) return {};
  const away = (bound: number | null | undefined, value: number | string | null | undefined): number | null =>
    bound == null || typeof value !== 'number' ? null : Math.abs(bound - value);
  return {
    [key]: {
      type: 'data',
      symmetric: false,
      array: compact(kept.map((i) => away(bounds.high[i], values[i]))),
      arrayminus: compact(kept.map((i) => away(bounds.low[i], values[i]))),
      color,
      thickness: 1.5,
      width: 3,
    },
  };
}

/** Numbers to float32's seven digits, or fewer, since more are noise and cost bytes; names as plotly shows them. */
function compact<T extends number | string | null>(values: readonly T[], digits = 7): T[] {
  return values.map((value) => {
    if (typeof value === 'number') return Number(value.toPrecision(digits)) as T;
    return typeof value === 'string' ? (escapePlotly(value) as T) : value;
  });
}
