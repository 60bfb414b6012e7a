import { describe, expect, it } from 'vitest';
import { slidersToPlotly } from '../../lib/plots/draw/plotly-sliders.js';
import { sliderBundle } from '../../lib/plots/notebook.js';
import { dequantizeActivations, quantizeActivations } from '../../lib/quantizers/activations.js';
import { roundingSlider, thresholdSlider } from '../../lib/quantizers/pictures.js';
import { dequantizeWeights, quantizeWeights } from '../../lib/quantizers/weights.js';
import { normalStream, normalValues } from '../normal-values.js';
import { plotlyFaults } from '../plots/draw/plotly-validate.js';

const values = normalValues(4000, normalStream(3));

/** Root mean square of the error in percent of that of the values. */
function relativeError(rounded: Float32Array, exact: Float32Array): number {
  const size = (of: (i: number) => number): number => exact.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  return 100 * Math.sqrt(size((i) => rounded[i] - exact[i]) / size((i) => exact[i]));
}

describe('thresholdSlider', () => {
  const shown = thresholdSlider(values);

  it('starts where absmean rounds, with its error and its zeros', () => {
    const quantized = quantizeWeights('absmean-ternary', values);
    expect(shown.sliders[0].start).toBe(0.5);
    expect(shown.measure.of(0.5)).toBeCloseTo(relativeError(dequantizeWeights(quantized), values), 3);
    const zeros = quantized.values.filter((value) => value === 0).length / values.length;
    expect(shown.at(0.5).subtitle).toContain(`${(100 * zeros).toFixed(1)} % become 0`);
  });

  it('errs least at 0.5, and makes nothing 0 at 0', () => {
    const errors = shown.sliders[0].values.map((threshold) => shown.measure.of(threshold));
    expect(shown.sliders[0].values[errors.indexOf(Math.min(...errors))]).toBeCloseTo(0.5, 1);
    expect(shown.at(0).subtitle).toContain('0.0 % become 0');
  });

  it('says that there must be values', () => {
    expect(() => thresholdSlider([])).toThrow('at least one value');
    expect(() => thresholdSlider([1, Number.NaN])).toThrow(/finite/);
  });
});

describe('roundingSlider', () => {
  const shown = roundingSlider(values);

  it('rounds to 8 bits as absmax does where no outlier is larger', () => {
    const others = values.subarray(1);
    const quantized = dequantizeActivations(quantizeActivations('absmax-int8-token', others, others.length));
    expect(shown.measure.of(8, 1)).toBeCloseTo(relativeError(quantized, others), 3);
  });

  it('errs more with fewer bits and with a larger outlier, until nothing is left', () => {
    const [bits, outliers] = shown.sliders;
    for (const outlier of outliers.values) {
      const errors = bits.values.map((width) => shown.measure.of(width, outlier));
      expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    }
    expect(shown.measure.of(2, 64)).toBe(100);
    expect(shown.at(2, 64).subtitle).toContain('On 1 of 3 levels');
  });
});

describe('slidersToPlotly', () => {
  it.each([
    ['one slider', thresholdSlider(values)],
    ['two sliders', roundingSlider(values)],
  ])('makes a chart of %s that Plotly.validate accepts, in the size of a picture', (_, shown) => {
    const plotly = slidersToPlotly(shown);
    // Of hidden traces the validator says that plotly leaves them unread.
    expect(plotlyFaults(plotly).filter(({ code }) => code === 'schema')).toEqual([]);
    expect(JSON.stringify(plotly).length).toBeLessThan(120_000);
    const bundle = sliderBundle(shown);
    expect(String(bundle['image/svg+xml'])).toContain('Sliders at: ');
    expect(String(bundle['text/plain'])).toContain(
      shown.at(...shown.sliders.map(({ start }) => start)).subtitle,
    );
  });

  it('shows one of each trace, whatever the order in which two sliders are moved', () => {
    const { data, layout } = slidersToPlotly(roundingSlider(values));
    const sliders = layout['sliders'] as { steps: { args: [Record<string, unknown[]>, number[]] }[] }[];
    const traces = data.map((trace) => ({ ...trace }));
    const move = (slider: number, step: number): void => {
      const [changes, indices] = sliders[slider].steps[step].args;
      indices.forEach((index, k) => {
        for (const [key, column] of Object.entries(changes)) traces[index][key] = column[k];
      });
    };
    const seen = (): unknown[] =>
      traces
        .filter((trace) => trace['visible'] !== false && trace['opacity'] !== 0)
        .map(({ name, mode }) => name ?? mode);
    const names = ['before', 'after', 'text', 'Error', 'Error'];
    expect(seen()).toEqual(names);
    for (const [slider, step] of [
      [0, 2],
      [1, 2],
      [0, 0],
      [1, 0],
      [1, 3],
      [0, 4],
    ] as const) {
      move(slider, step);
      expect(seen()).toEqual(names);
    }
  });
});
