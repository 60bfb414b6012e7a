/** What a notebook calls to show tables and figures: finished ones, and one that grows while a cell runs. */
import { randomUUID } from 'node:crypto';
import { quote } from '../io/quote.js';
import type { SliderFigure } from './charts/slider-figure.js';
import { describeFigure } from './describe.js';
import { slidersToPlotly } from './draw/plotly-sliders.js';
import { toPlotly } from './draw/plotly.js';
import { toSvg } from './draw/svg.js';
import { toHtml, toText } from './draw/written-table.js';
import type { Figure } from './figure.js';
import type { Table } from './table.js';
import { cellOutput, type MimeBundle } from './tslab-output.js';

/** Mime type that JupyterLab's extension of this project (scripts/lab) draws. */
const PLOTLY_MIME = 'application/vnd.plotly.v1+json';

/** Least time between two frames of a live figure, in milliseconds: four frames a second. */
const FRAME_MS = 250;

/** A figure in every form a notebook may need: interactive, as a picture, and in words. */
function figureBundle(figure: Figure): MimeBundle {
  return {
    [PLOTLY_MIME]: toPlotly(figure),
    'image/svg+xml': toSvg(figure),
    'text/plain': describeFigure(figure),
  };
}

/** A figure with sliders, and its still picture at their start. */
export function sliderBundle(shown: SliderFigure): MimeBundle {
  const still = shown.at(...shown.sliders.map(({ start }) => start));
  const settings = shown.sliders.map(({ title, unit, start }) => `${title} ${start} ${unit}`.trim());
  const figure = { ...still, notes: [...(still.notes ?? []), `Sliders at: ${settings.join(', ')}.`] };
  return { ...figureBundle(figure), [PLOTLY_MIME]: slidersToPlotly(shown) };
}

/** A table in both forms: its columns can be sorted where the page knows how. */
function tableBundle(table: Table): MimeBundle {
  return { 'text/html': toHtml(table), 'text/plain': toText(table) };
}

/**
 * Shows a figure, one with sliders, or a table below the cell: figures interactive where plotly runs, else as pictures.
 * Outside of a notebook all are printed as text.
 * @throws FigureError where the figure contradicts itself
 */
export function show(shown: Figure | Table | SliderFigure): void {
  if (
    typeof shown !== 'object' ||
    shown === null ||
    !['traces', 'columns', 'sliders'].some((key) => key in shown)
  ) {
    throw new TypeError(
      `show: it must get a figure or a table, got ${quote(shown, 60)}. Rows become a table by table(rows).`,
    );
  }
  const bundle =
    'traces' in shown ? figureBundle(shown) : 'sliders' in shown ? sliderBundle(shown) : tableBundle(shown);
  const write = cellOutput();
  if (write === undefined) console.log(bundle['text/plain']);
  else write(bundle, undefined, false);
}

/** A figure below a cell that changes while the cell runs. */
export interface LiveFigure {
  /**
   * Draws the figure if the last frame is a quarter of a second old, else does nothing. Given as a function, the
   * figure is only made when it is drawn.
   */
  update(figure: Figure | (() => Figure)): void;
  /** Draws the finished figure; without one, the last that `update` got. */
  finish(figure?: Figure | (() => Figure)): void;
}

/**
 * Opens a live figure below the running cell: it can be hovered and zoomed while it grows. Outside of a notebook
 * nothing is drawn, and `finish` prints the description.
 */
export function liveFigure(): LiveFigure {
  const write = cellOutput();
  const id = randomUUID();
  let open = false;
  let finished = false;
  let drawnAt = -Infinity;
  let latest: Figure | (() => Figure) | undefined;
  const put = (bundle: MimeBundle): void => {
    write?.(bundle, id, open);
    open = true;
  };
  return {
    update(figure) {
      if (finished) return;
      latest = figure;
      if (write === undefined || performance.now() - drawnAt < FRAME_MS) return;
      put(figureBundle(made(figure)));
      // Counted from the end of drawing, so that drawing never takes all the time there is.
      drawnAt = performance.now();
    },
    finish(figure = latest) {
      if (finished || figure === undefined) return;
      finished = true;
      latest = undefined;
      if (write === undefined) console.log(describeFigure(made(figure)));
      else put(figureBundle(made(figure)));
    },
  };
}

function made(figure: Figure | (() => Figure)): Figure {
  return typeof figure === 'function' ? figure() : figure;
}
