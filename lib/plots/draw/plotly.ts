/**
 * A figure as plotly.js reads it: an interactive chart of the same colours and ranges as the static picture, as wide as
 * its page lets it be.
 * Nothing of plotly is loaded here; `Plotly.validate` of plotly.js 4.1 accepts what comes out.
 */
import { BAR_SHARE } from './bar-slots.js';
import { GRID_OPACITY, INK, translucent } from '../colors.js';
import { axisLabel, drawable, LEAST_WIDTH, type DrawnAxis, type DrawnFigure } from './drawable.js';
import type { Figure, ReferenceLine } from '../figure.js';
import { EDGE, layoutOf, LEGEND_ROW, TITLE_LINE, TITLE_SIZE, type Layout } from './layout.js';
import { plotlyTraces } from './plotly-traces.js';
import { escapePlotly, fitted, FONT, SMALL_TEXT, TEXT_SIZE } from './text.js';
import { tickFormat } from './ticks.js';

/** What `Plotly.newPlot(element, data, layout)` takes and what `application/vnd.plotly.v1+json` holds. */
export interface PlotlyFigure {
  data: Record<string, unknown>[];
  layout: Record<string, unknown>;
}

/** Ground of what plotly shows at the pointer: dark, with white text, on every theme. */
const HOVER_GROUND = '#333333';

/**
 * Turns a figure into plotly's JSON. Lines of more than 400 points are thinned; their extremes stay.
 * @throws FigureError where the figure contradicts itself
 */
export function toPlotly(figure: Figure): PlotlyFigure {
  const drawn = drawable(figure, LEAST_WIDTH);
  const layout = layoutOf(drawn);
  return { data: plotlyTraces(drawn), layout: plotlyLayout(drawn, layout) };
}

function plotlyLayout(figure: DrawnFigure, layout: Layout): Record<string, unknown> {
  const lines = figure.traces.every(({ kind }) => kind === 'line' || kind === 'histogram');
  const bars = figure.traces.some((trace) => trace.kind === 'bar');
  return {
    ...(figure.fixedWidth ? { width: figure.width } : { autosize: true }),
    height: layout.height,
    margin: { l: layout.left, t: layout.top, r: layout.right, b: layout.bottom },
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: FONT, size: TEXT_SIZE, color: INK },
    title: {
      text: layout.titleLines.map((line) => `<b>${escapePlotly(line)}</b>`).join('<br>'),
      font: { size: TITLE_SIZE },
      x: 0,
      xref: 'container',
      xanchor: 'left',
      y: 1,
      yref: 'container',
      yanchor: 'top',
      pad: { t: EDGE, l: EDGE },
    },
    xaxis: axis(figure.x, 'x', figure, layout.slant),
    yaxis: axis(figure.y, 'y', figure, 0),
    showlegend: layout.legend.length > 0,
    ...(layout.legend.length > 0 && {
      legend: {
        orientation: 'h',
        x: 0,
        xanchor: 'left',
        // Under title and subtitle: on a wide page it needs fewer rows than there is room for.
        y: 1 + (layout.legendRows * LEGEND_ROW + 4) / layout.plotHeight,
        yanchor: 'top',
        bgcolor: 'rgba(0,0,0,0)',
        traceorder: 'normal',
      },
    }),
    ...(bars && { barmode: figure.bars === 'stacked' ? 'relative' : 'group', bargap: 1 - BAR_SHARE }),
    hovermode: lines ? 'x unified' : 'closest',
    hoverlabel: { bgcolor: HOVER_GROUND, font: { color: '#ffffff', size: TEXT_SIZE } },
    modebar: { bgcolor: 'rgba(0,0,0,0)', color: INK, activecolor: INK },
    shapes: figure.lines.map(referenceLine),
    annotations: [
      ...figure.annotations.map(({ x, y, text, side }) => ({
        x: onAxis(x, figure.x),
        y: onAxis(y, figure.y),
        text: escapePlotly(text),
        showarrow: false,
        ...ANCHORS[side ?? 'above'],
      })),
      ...subtitle(layout),
      ...notes(layout),
      ...colorTitle(figure, layout),
    ],
  };
}

/** plotly reads annotations on a log axis as powers of ten. */
function onAxis(value: number | string, axis: DrawnAxis): number | string {
  if (typeof value === 'string') return escapePlotly(value);
  return axis.scale === 'log' ? Math.log10(value) : value;
}

const ANCHORS = {
  above: { xanchor: 'center', yanchor: 'bottom', yshift: 5 },
  below: { xanchor: 'center', yanchor: 'top', yshift: -5 },
  left: { xanchor: 'right', yanchor: 'middle', xshift: -7 },
  right: { xanchor: 'left', yanchor: 'middle', xshift: 7 },
};

function axis(axis: DrawnAxis, name: 'x' | 'y', figure: DrawnFigure, slant: number): Record<string, unknown> {
  const heatmap = figure.traces.some((trace) => trace.kind === 'heatmap');
  const category = axis.scale === 'category';
  // One line for the plot to stand on: under it, or before lying bars.
  const line = !heatmap && (name === 'y') === (figure.y.scale === 'category');
  const ticks = !category && (name === 'x' || heatmap);
  const log = axis.scale === 'log';
  const [from, to] = axis.domain.map((value) => (log ? Math.log10(value) : value)) as [number, number];
  const format = category ? undefined : tickFormat(axis);
  return {
    title: { text: escapePlotly(axis.label), standoff: 8, font: { size: TEXT_SIZE } },
    type: axis.scale,
    range: axis.reversed ? [to, from] : [from, to],
    ...(category && name === 'y' && { automargin: true }),
    ...(category && {
      categoryorder: 'array',
      categoryarray: axis.categories.map(escapePlotly),
      tickangle: -slant,
    }),
    ...(format !== undefined && { tickformat: format }),
    ...(!category && !log && { separatethousands: true, exponentformat: 'none' }),
    // Whole decades where there are enough, else 1, 2 and 5 in each.
    ...(log && { dtick: Math.floor(to + 1e-9) - Math.ceil(from - 1e-9) >= 2 ? 1 : 'D2' }),
    showgrid: !category && !heatmap,
    ...(!category && !heatmap && { gridcolor: translucent(INK, GRID_OPACITY) }),
    zeroline: false,
    showline: line,
    ...(line && { linecolor: INK }),
    ticks: ticks ? 'outside' : '',
    ...(ticks && { tickcolor: INK }),
    ...(!category && { hoverformat: ',.5~g' }),
  };
}

function referenceLine({ axis, at, label }: ReferenceLine): Record<string, unknown> {
  const [along, across] = axis === 'y' ? ['x', 'y'] : ['y', 'x'];
  return {
    type: 'line',
    [`${across}0`]: at,
    [`${across}1`]: at,
    [`${across}ref`]: across,
    [`${along}0`]: 0,
    [`${along}1`]: 1,
    [`${along}ref`]: 'paper',
    line: { color: INK, width: 1.5, dash: 'dash' },
    // plotly takes a label without text for a mistake.
    ...(label !== '' && {
      label: {
        text: escapePlotly(label),
        font: { color: INK, size: TEXT_SIZE },
        ...(axis === 'y'
          ? { textposition: 'end', yanchor: 'bottom' }
          : { textposition: 'end', textangle: 0, xanchor: 'left', yanchor: 'top' }),
      },
    }),
  };
}

/** Plotly's own subtitle lies where the legend is. */
function subtitle(layout: Layout): Record<string, unknown>[] {
  if (layout.subtitleLines.length === 0) return [];
  const shift = layout.top - EDGE - layout.titleLines.length * TITLE_LINE;
  return [smallText(layout.subtitleLines, TEXT_SIZE, layout, { y: 1, yanchor: 'top', yshift: shift })];
}

function notes(layout: Layout): Record<string, unknown>[] {
  if (layout.noteLines.length === 0) return [];
  return [
    smallText(layout.noteLines, SMALL_TEXT, layout, { y: 0, yanchor: 'bottom', yshift: 2 - layout.bottom }),
  ];
}

/** What a heatmap's colours mean. Plotly's own title of a colour bar lies on its ticks where they have two digits. */
function colorTitle(figure: DrawnFigure, layout: Layout): Record<string, unknown>[] {
  const trace = figure.traces.find(({ kind }) => kind === 'heatmap');
  if (trace?.kind !== 'heatmap') return [];
  return [
    {
      text: escapePlotly(fitted(axisLabel(trace), layout.plotHeight)),
      textangle: -90,
      showarrow: false,
      xref: 'paper',
      x: 1,
      xanchor: 'right',
      xshift: layout.right - 4,
      yref: 'paper',
      y: 0.5,
      yanchor: 'middle',
    },
  ];
}

/** Lines at the left edge of the chart, above or below the plot. */
function smallText(
  lines: readonly string[],
  size: number,
  layout: Layout,
  place: { y: number; yanchor: string; yshift: number },
): Record<string, unknown> {
  return {
    text: lines.map(escapePlotly).join('<br>'),
    showarrow: false,
    align: 'left',
    font: { size },
    xref: 'paper',
    x: 0,
    xanchor: 'left',
    xshift: EDGE - layout.left,
    yref: 'paper',
    ...place,
  };
}
