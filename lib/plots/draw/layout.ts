/** Where the parts of a chart lie, in pixels: the same for the static picture and for plotly. */
import type { DrawnFigure, DrawnTrace } from './drawable.js';
import { SMALL_TEXT, TEXT_SIZE, textWidth, wrapped } from './text.js';
import { ticksOf, type Tick } from './ticks.js';

export const TITLE_SIZE = 15;
export const TITLE_LINE = 20;
/** Height of a line of text and of a row of the legend. */
export const LINE_HEIGHT = 16;
export const LEGEND_ROW = 20;
/** Length of the stroke or square that a legend shows before a name. */
export const SWATCH = 20;
/** Free space at the picture's edges. */
export const EDGE = 12;
/** Room for the colour bar of a heatmap, its ticks and its title. */
const COLOR_BAR = 84;
/** Height that a plot has at least, where the figure's is not asked for. */
const LEAST_PLOT = 250;
/** Share of the width that names before lying bars may take. */
export const NAMES_SHARE = 0.45;
/** Angle of category names that do not fit side by side, in degrees. */
const SLANT = 35;
/** Names up to this width are left out where there are too many, not turned: numbers of layers. */
const SHORT_NAME = 30;

/** One name in the legend and where its row and swatch begin. */
export interface LegendEntry {
  trace: DrawnTrace;
  x: number;
  row: number;
}

/** The chart's parts. The plot is the rectangle of the data. */
export interface Layout {
  /** Of the whole chart. */
  height: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
  plotWidth: number;
  plotHeight: number;
  titleLines: string[];
  subtitleLines: string[];
  noteLines: string[];
  legend: LegendEntry[];
  legendRows: number;
  xTicks: Tick[];
  yTicks: Tick[];
  /** Degrees that category names under the x axis are turned by; 0 where they fit. */
  slant: number;
  /** Height of the tick texts under the x axis. */
  tickHeight: number;
}

/** Measures a figure. A legend is left out where there is one name only: title and axes say it. */
export function layoutOf(figure: DrawnFigure): Layout {
  const wide = figure.width - 2 * EDGE;
  const titleLines = figure.title === '' ? [] : wrapped(figure.title, wide, TITLE_SIZE * 1.04);
  const subtitleLines = figure.subtitle === undefined ? [] : wrapped(figure.subtitle, wide);
  const noteLines = figure.notes.flatMap((note) => wrapped(note, wide, SMALL_TEXT));
  const heatmap = figure.traces.some((trace) => trace.kind === 'heatmap');

  const yTicks = ticksOf(figure.y, figure.y.scale === 'category' ? 40 : Math.max(2, figure.height / 70));
  const tickWidth = Math.min(
    Math.max(0, ...yTicks.map(({ text }) => textWidth(text))),
    figure.width * NAMES_SHARE,
  );
  const left = Math.ceil(EDGE + LINE_HEIGHT + 6 + tickWidth + 8);
  const right = heatmap ? COLOR_BAR : 20;
  const plotWidth = Math.max(40, figure.width - left - right);

  const { legend, rows } = legendRows(figure.traces, plotWidth);
  const top =
    EDGE +
    titleLines.length * TITLE_LINE +
    subtitleLines.length * LINE_HEIGHT +
    rows * LEGEND_ROW +
    (titleLines.length + subtitleLines.length + rows > 0 ? 8 : 0);

  const { xTicks, slant, tickHeight } = xTickTexts(figure, plotWidth);
  const bottom =
    8 +
    tickHeight +
    6 +
    LINE_HEIGHT +
    noteLines.length * (SMALL_TEXT + 4) +
    (noteLines.length > 0 ? 6 : 0) +
    6;
  const height = figure.fixedHeight ? figure.height : Math.max(figure.height, top + LEAST_PLOT + bottom);
  return {
    left,
    top,
    right,
    bottom,
    plotWidth,
    height,
    plotHeight: Math.max(40, height - top - bottom),
    titleLines,
    subtitleLines,
    noteLines,
    legend,
    legendRows: rows,
    xTicks,
    yTicks,
    slant,
    tickHeight,
  };
}

function xTickTexts(
  figure: DrawnFigure,
  plotWidth: number,
): { xTicks: Tick[]; slant: number; tickHeight: number } {
  if (figure.x.scale !== 'category') {
    return { xTicks: ticksOf(figure.x, Math.max(2, plotWidth / 90)), slant: 0, tickHeight: TEXT_SIZE };
  }
  const names = figure.x.categories;
  const longest = Math.max(0, ...names.map((name) => textWidth(name)));
  const slot = plotWidth / Math.max(names.length, 1);
  if (longest + 8 <= slot)
    return { xTicks: ticksOf(figure.x, names.length), slant: 0, tickHeight: TEXT_SIZE };
  if (slot >= TEXT_SIZE + 4 && longest > SHORT_NAME) {
    const height = Math.min(longest, 160) * Math.sin((SLANT * Math.PI) / 180) + TEXT_SIZE;
    return { xTicks: ticksOf(figure.x, names.length), slant: SLANT, tickHeight: Math.ceil(height) };
  }
  const fitting = Math.max(1, Math.floor(plotWidth / (longest + 12)));
  return { xTicks: ticksOf(figure.x, fitting), slant: 0, tickHeight: TEXT_SIZE };
}

function legendRows(
  traces: readonly DrawnTrace[],
  plotWidth: number,
): { legend: LegendEntry[]; rows: number } {
  const named = traces.filter((trace) => trace.kind !== 'heatmap' && trace.inLegend !== false);
  if (named.length < 2) return { legend: [], rows: 0 };
  const widths = named.map(({ name }) => SWATCH + 6 + textWidth(name) + 18);
  // In one row where it holds them all, else in columns of equal width: so does plotly, whose legend must fit as well.
  const inOneRow = widths.reduce((sum, width) => sum + width, 0) <= plotWidth;
  const column = Math.max(...widths);
  const legend: LegendEntry[] = [];
  let [x, row] = [0, 0];
  for (const [index, trace] of named.entries()) {
    const width = inOneRow ? widths[index] : column;
    if (x > 0 && x + width > plotWidth) [x, row] = [0, row + 1];
    legend.push({ trace, x, row });
    x += width;
  }
  return { legend, rows: row + 1 };
}
