/**
 * A figure with sliders as plotly's JSON, without any program: the traces of all settings are there from the start, and
 * a step of a slider shows some and hides others. Two sliders must not undo each other's choice, so the first sets
 * whether a trace is visible and the second how opaque it is.
 */
import type { SliderFigure } from '../charts/slider-figure.js';
import { INK } from '../colors.js';
import { axisLabel, drawable, LEAST_WIDTH } from './drawable.js';
import type { Figure } from '../figure.js';
import { layoutOf, LEGEND_ROW } from './layout.js';
import { toPlotly, type PlotlyFigure } from './plotly.js';
import { escapePlotly, TEXT_SIZE } from './text.js';

type Trace = Record<string, unknown>;

/** Heights in pixels: of both panels with what stands above and between them, of the axis below, of each slider. */
const PANELS = 460;
const AXIS = 56;
const SLIDER = 82;
/** Shares of the panels' height. */
const MEASURE_TOP = 0.22;
const FIGURE_BOTTOM = 0.38;
/** Height of the line that follows the sliders. */
const READOUT = 22;

/** A trace and the sliders that change it: at which step of each it is shown, or null where the slider does not count. */
interface Shown {
  trace: Trace;
  steps: (number | null)[];
}

/** Settings of all sliders, as indices of their values, the last slider's fastest. */
function allSettings({ sliders }: SliderFigure): number[][] {
  return sliders.reduce<number[][]>(
    (before, { values }) => before.flatMap((steps) => values.map((_, step) => [...steps, step])),
    [[]],
  );
}

/** Turns a figure with sliders into plotly's JSON. */
export function slidersToPlotly(figure: SliderFigure): PlotlyFigure {
  const shown = { ...figure, measure: { ...figure.measure, of: remembered(figure.measure.of) } };
  const { sliders } = shown;
  const settings = allSettings(shown);
  const figures = inOneRange(settings.map((steps) => shown.at(...valuesAt(shown, steps))));
  const starts = sliders.map(({ values, start }) => values.indexOf(start));
  const first = figures[settings.findIndex((steps) => steps.every((step, i) => step === starts[i]))];
  const drawn = figures.map((figure) => toPlotly(figure));
  const traces = [
    ...drawn[0].data.flatMap((_, i) =>
      distinct(
        settings,
        drawn.map(({ data }) => data[i]),
      ),
    ),
    ...distinct(
      settings,
      figures.map(({ subtitle = '' }) => readout(subtitle)),
    ),
    ...measureTraces(shown, settings),
  ];
  const plotly = toPlotly(withoutTexts(first));
  return {
    data: traces.map(({ trace, steps }) => ({
      ...trace,
      ...(steps[0] != null && { visible: steps[0] === starts[0] }),
      ...(steps[1] != null && secondary(steps[1] === starts[1], trace)),
    })),
    layout: { ...plotly.layout, ...panels(shown, first), sliders: controls(shown, traces, starts) },
  };
}

/** The measure of each setting is asked for often, and may take long. */
function remembered(of: (...at: number[]) => number): (...at: number[]) => number {
  const known = new Map<string, number>();
  return (...at) => {
    const key = at.join();
    const value = known.get(key) ?? of(...at);
    known.set(key, value);
    return value;
  };
}

function valuesAt({ sliders }: SliderFigure, steps: readonly number[]): number[] {
  return steps.map((step, i) => sliders[i].values[step]);
}

/** Figures whose axes show all that any of them shows: nothing jumps when a slider moves. */
function inOneRange(figures: readonly Figure[]): Figure[] {
  const all = figures.map((figure) => drawable(figure));
  const range = (name: 'x' | 'y'): [number, number] => [
    Math.min(...all.map((one) => one[name].domain[0])),
    Math.max(...all.map((one) => one[name].domain[1])),
  ];
  const [x, y] = [range('x'), range('y')];
  return figures.map((figure) => ({
    ...figure,
    x: { ...figure.x, range: x },
    y: { ...figure.y, range: y },
  }));
}

/** One trace of each setting, those that are equal along a slider only once. */
function distinct(settings: readonly (readonly number[])[], traces: readonly Trace[]): Shown[] {
  const texts = traces.map((trace) => JSON.stringify(trace));
  const counts = (slider: number): boolean =>
    settings.some((steps, i) => {
      const other = settings.findIndex((one) =>
        one.every((step, k) => step === (k === slider ? 0 : steps[k])),
      );
      return texts[i] !== texts[other];
    });
  const relevant = settings[0].map((_, slider) => counts(slider));
  return settings.flatMap((steps, i) =>
    steps.some((step, slider) => !relevant[slider] && step > 0)
      ? []
      : [{ trace: traces[i], steps: steps.map((step, slider) => (relevant[slider] ? step : null)) }],
  );
}

/** What the subtitle says, as a trace: only traces can follow two sliders. */
function readout(text: string): Trace {
  return {
    type: 'scatter',
    mode: 'text',
    x: [0],
    y: [1],
    text: [escapePlotly(text)],
    textposition: 'bottom right',
    textfont: { size: TEXT_SIZE },
    xaxis: 'x3',
    yaxis: 'y3',
    cliponaxis: false,
    hoverinfo: 'skip',
    showlegend: false,
  };
}

/** The measure over the first slider's values, and the place where the sliders stand. */
function measureTraces(shown: SliderFigure, settings: readonly (readonly number[])[]): Shown[] {
  const { sliders, measure } = shown;
  const [{ values }] = sliders;
  const base = {
    type: 'scatter',
    xaxis: 'x2',
    yaxis: 'y2',
    showlegend: false,
    name: escapePlotly(measure.title),
  };
  const rounded = (value: number): number => Number(value.toPrecision(5));
  const curves = settings.map(([, ...others]): Trace => {
    const y = values.map((_, step) => rounded(measure.of(...valuesAt(shown, [step, ...others]))));
    return { ...base, mode: 'lines', x: [...values], y, line: { color: INK, width: 2 } };
  });
  const dots = settings.map((steps): Trace => {
    const at = valuesAt(shown, steps);
    return {
      ...base,
      mode: 'markers',
      x: [at[0]],
      y: [rounded(measure.of(...at))],
      marker: { color: '#d55e00', size: 11 },
      cliponaxis: false,
    };
  });
  return [...distinct(settings, curves), ...distinct(settings, dots)];
}

/** How the second slider shows or hides a trace; plotly's opacity leaves fills and names in the legend as they are. */
function secondary(visible: boolean, trace: Trace): Record<(typeof SECONDARY)[number], unknown> {
  return {
    opacity: visible ? 1 : 0,
    hoverinfo: visible ? (trace['hoverinfo'] ?? 'all') : 'skip',
    showlegend: visible && trace['showlegend'] !== false,
    fill: visible ? (trace['fill'] ?? 'none') : 'none',
  };
}

const SECONDARY = ['opacity', 'hoverinfo', 'showlegend', 'fill'] as const;

/** Axes and margins of the figure above, the measure below it, and the sliders at the bottom. */
function panels(shown: SliderFigure, figure: Figure): Record<string, unknown> {
  const { sliders, measure } = shown;
  const layout = layoutOf(drawable({ ...withoutTexts(figure), traces: [] }, LEAST_WIDTH));
  const { legendRows } = layoutOf(drawable(figure, LEAST_WIDTH));
  const settings = allSettings(shown).map((steps) => valuesAt(shown, steps));
  const below = toPlotly({
    title: '',
    x: { title: sliders[0].title, unit: sliders[0].unit },
    y: { title: measure.title, unit: measure.unit, scale: measure.scale },
    // All that the measure ever is, for the range.
    traces: [
      { kind: 'scatter', name: '', x: settings.map(([x]) => x), y: settings.map((at) => measure.of(...at)) },
    ],
  }).layout;
  const hidden = { range: [0, 1], visible: false, fixedrange: true };
  const figureLayout = toPlotly(withoutTexts(figure)).layout;
  return {
    height: layout.top + PANELS + AXIS + sliders.length * SLIDER,
    margin: {
      l: layoutOf(drawable(figure)).left + 8,
      r: layout.right,
      t: layout.top,
      b: AXIS + sliders.length * SLIDER,
    },
    xaxis: { ...(figureLayout['xaxis'] as object), anchor: 'y' },
    yaxis: {
      ...(figureLayout['yaxis'] as object),
      domain: [FIGURE_BOTTOM, 1 - (READOUT + legendRows * LEGEND_ROW + 4) / PANELS],
    },
    xaxis2: { ...(below['xaxis'] as object), anchor: 'y2' },
    yaxis2: { ...(below['yaxis'] as object), domain: [0, MEASURE_TOP], anchor: 'x2', nticks: 4 },
    xaxis3: { ...hidden, anchor: 'y3' },
    yaxis3: { ...hidden, anchor: 'x3' },
    ...(legendRows > 0 && {
      legend: { ...(figureLayout['legend'] as object), y: 1 - READOUT / PANELS },
    }),
    hovermode: 'closest',
  };
}

/** The subtitle is a trace, and there is no room below for notes. */
function withoutTexts(figure: Figure): Figure {
  return { ...figure, subtitle: undefined, notes: undefined };
}

/** The sliders themselves. */
function controls(shown: SliderFigure, traces: readonly Shown[], starts: readonly number[]): unknown[] {
  return shown.sliders.map(({ title, unit, values }, slider) => {
    const indices = traces.flatMap(({ steps }, i) => (steps[slider] === null ? [] : [i]));
    return {
      active: starts[slider],
      x: 0,
      len: 1,
      y: -(AXIS + slider * SLIDER) / PANELS,
      yanchor: 'top',
      pad: { t: 4, b: 0, l: 0, r: 0 },
      currentvalue: {
        prefix: `${escapePlotly(axisLabel({ title, unit }))}: `,
        font: { size: TEXT_SIZE + 1 },
      },
      bgcolor: INK,
      activebgcolor: '#d55e00',
      bordercolor: INK,
      tickcolor: INK,
      steps: values.map((value, step) => ({
        label: String(Number(value.toPrecision(4))),
        method: 'restyle',
        args: [stepArguments(traces, indices, slider, step), indices],
      })),
    };
  });
}

function stepArguments(
  traces: readonly Shown[],
  indices: readonly number[],
  slider: number,
  step: number,
): Record<string, unknown[]> {
  const on = indices.map((i) => traces[i].steps[slider] === step);
  if (slider === 0) return { visible: on };
  const looks = indices.map((i, k) => secondary(on[k], traces[i].trace));
  return Object.fromEntries(SECONDARY.map((key) => [key, looks.map((look) => look[key])]));
}
