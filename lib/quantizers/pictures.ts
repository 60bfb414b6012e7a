/** Pictures to play with: what rounding to trits or to a few bits does to values, by sliders. */
import { sliderFigure, type SliderFigure } from '../plots/charts/slider-figure.js';
import type { Figure, HistogramTrace } from '../plots/figure.js';
import { signedRange } from './activations.js';
import { roundHalfToEven } from '../rounding.js';
import { requireFinite } from './weights.js';

/** Every setting is drawn beforehand and saved with the notebook: few bins and few settings keep it light. */
const BINS = 40;

const steps = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => Number((from + i * step).toFixed(4)));

/**
 * Weights that become trits, by the threshold below which one becomes 0, in units of γ = mean|W|; absmean's is 0.5
 * (b1.58, arXiv 2402.17764, section 2). Shows which weights become 0, and the error of trit · γ.
 * @throws Error for no weights, or weights that are not finite
 */
export function thresholdSlider(weights: ArrayLike<number>): SliderFigure {
  const values = checked('thresholdSlider', weights);
  const gamma = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
  const units = Float32Array.from(values, (value) => value / (gamma || 1));
  const ternary = (threshold: number) => (value: number) =>
    Math.abs(value) < threshold ? 0 : Math.sign(value);
  const reach = 4;
  return sliderFigure({
    sliders: [{ title: 'Threshold', unit: 'γ', values: steps(0.1, 1.5, 0.1), start: 0.5 }],
    measure: {
      title: 'Error',
      unit: '%',
      of: (threshold) => 100 * relativeError(units, ternary(threshold)),
    },
    at(threshold): Figure {
      const zeros = units.filter((value) => Math.abs(value) < threshold).length / units.length;
      const error = relativeError(units, ternary(threshold));
      return {
        title: 'Which weights become 0',
        subtitle: `${percent(zeros)} become 0; error of trit · γ: ${percent(error)} (root mean square)`,
        x: { title: 'Weight / γ', unit: '', range: [-reach, reach] },
        y: { title: 'Share in each bin', unit: '%' },
        traces: [
          histogram('becomes −1 or +1', units, reach, (value) => Math.abs(value) >= threshold),
          histogram('becomes 0', units, reach, (value) => Math.abs(value) < threshold),
        ],
      };
    },
  });
}

/**
 * A row of activations rounded by absmax, by its bits and by an outlier: one value that is set to so many times the
 * row's root mean square. The outlier widens the step of all others (BitNet, arXiv 2310.11453, section 2.1).
 * @throws Error for fewer than two values, or values that are not finite
 */
export function roundingSlider(row: ArrayLike<number>): SliderFigure {
  const values = checked('roundingSlider', row);
  if (values.length < 2)
    throw new Error(`roundingSlider: the row must have at least 2 values, got ${values.length}.`);
  const rms = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
  const units = Float32Array.from(values, (value) => value / (rms || 1)).subarray(1);
  const reach = 4;
  const rounding = (bits: number, outlier: number): ((value: number) => number) => {
    const largest = units.reduce((most, value) => Math.max(most, Math.abs(value)), outlier);
    const { high } = signedRange(bits);
    return (value) => (roundHalfToEven((value / largest) * high) * largest) / high;
  };
  return sliderFigure({
    sliders: [
      { title: 'Width', unit: 'bits', values: [2, 3, 4, 6, 8], start: 8 },
      { title: 'Outlier', unit: 'times the root mean square', values: [1, 4, 16, 64], start: 1 },
    ],
    measure: {
      title: 'Error',
      unit: '%',
      scale: 'log',
      of: (bits, outlier) => 100 * relativeError(units, rounding(bits, outlier)),
    },
    at(bits, outlier): Figure {
      const round = rounding(bits, outlier);
      const levels = new Set(units.map(round)).size;
      return {
        title: 'A row before and after rounding',
        subtitle: `On ${levels} of ${2 ** bits - 1} levels; error ${percent(relativeError(units, round))} (root mean square), outlier left out`,
        x: { title: 'Value / root mean square', unit: '', range: [-reach, reach] },
        y: { title: 'Share in each bin', unit: '%', scale: 'log', range: [0.1, 130] },
        traces: [histogram('before', units, reach), histogram('after', units.map(round), reach)],
      };
    },
  });
}

function checked(operation: string, values: ArrayLike<number>): Float32Array {
  if (values.length === 0) throw new Error(`${operation}: there must be at least one value, got none.`);
  const copy = Float32Array.from(values);
  requireFinite(operation, copy);
  return copy;
}

/** Root mean square of the error, in parts of that of the values. */
function relativeError(values: Float32Array, round: (value: number) => number): number {
  let [error, size] = [0, 0];
  for (const value of values) {
    error += (round(value) - value) ** 2;
    size += value ** 2;
  }
  return size === 0 ? 0 : Math.sqrt(error / size);
}

/** Shares of all values in bins over ±reach, of those values alone that `which` holds for; one beyond counts at the edge. */
function histogram(
  name: string,
  values: Float32Array,
  reach: number,
  which: (value: number) => boolean = () => true,
): HistogramTrace {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    if (!which(value)) continue;
    const bin = Math.floor(((value + reach) / (2 * reach)) * BINS);
    counts[Math.min(Math.max(bin, 0), BINS - 1)] += 1;
  }
  return {
    kind: 'histogram',
    name,
    edges: Array.from({ length: BINS + 1 }, (_, i) => ((2 * i) / BINS - 1) * reach),
    counts: counts.map((count) => Number(((100 * count) / values.length).toPrecision(4))),
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
