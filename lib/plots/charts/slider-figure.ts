import { FigureError, type Figure } from '../figure.js';

/** A quantity that the reader sets. */
export interface Slider {
  title: string;
  /** '' for pure numbers. */
  unit: string;
  /** What it can be set to, in order: 2 to 60 values. */
  values: readonly number[];
  /** Where it stands at first; one of the values. */
  start: number;
}

/** A number that follows the sliders, drawn over the values of the first one. */
export interface Measure {
  title: string;
  unit: string;
  scale?: 'linear' | 'log';
  of(this: void, ...settings: number[]): number;
}

/** A figure that sliders change. */
export interface SliderFigure {
  /** One or two. */
  sliders: readonly Slider[];
  measure: Measure;
  /** The figure at given settings, one for each slider; always the same traces, by number, kind and name. */
  at(this: void, ...settings: number[]): Figure;
}

const MAX_VALUES = 60;
/** All settings are drawn beforehand, so that no program need run where the notebook is read. */
const MAX_SETTINGS = 400;

/**
 * A picture to play with: sliders redraw a figure, and a dot moves along the curve of a measure. Its subtitle may follow
 * the sliders, too; the ranges of its axes are those of all settings together. It works where plotly does; elsewhere
 * it is a still picture at the sliders' start.
 * @throws FigureError for other than one or two sliders, or too many settings
 */
export function sliderFigure({ sliders, measure, at }: SliderFigure): SliderFigure {
  const fail = (message: string): never => {
    throw new FigureError(`slider figure: ${message}`);
  };
  if (sliders.length < 1 || sliders.length > 2) fail(`sliders must be one or two, got ${sliders.length}.`);
  for (const { title, values, start } of sliders) {
    if (values.length < 2 || values.length > MAX_VALUES)
      fail(`slider "${title}" must have 2 to ${MAX_VALUES} values, got ${values.length}.`);
    if (!values.includes(start)) fail(`slider "${title}" must start at one of its values, got ${start}.`);
  }
  const settings = sliders.reduce((product, { values }) => product * values.length, 1);
  if (settings > MAX_SETTINGS)
    fail(
      `all sliders together must have at most ${MAX_SETTINGS} settings, got ${settings}. Give fewer values.`,
    );
  return { sliders, measure, at };
}
