import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WEIGHT_QUANTIZERS, type WeightQuantizerName } from '../../lib/ablation-options.js';
import { maxAbsolute, mean, meanAbsolute, medianAbsolute } from '../../lib/quantizers/statistics.js';
import { dequantizeWeights, quantizeWeights, weightGrid } from '../../lib/quantizers/weights.js';
import { excess, float32, golden, values, type GoldenTensor } from '../golden/vectors.js';

interface WeightCase {
  x: GoldenTensor;
  absmean_ternary: { scale_absmean_clamped: GoldenTensor; q: GoldenTensor; dequant: GoldenTensor };
  sign_binary: {
    alpha_mean: GoldenTensor;
    beta_absmean: GoldenTensor;
    q: GoldenTensor;
    dequant: GoldenTensor;
  };
}

const { cases } = golden('ops/quantizers.json') as { cases: Record<string, WeightCase> };
const finiteCases = Object.entries(cases).filter(([, { x }]) => values(x).every(Number.isFinite));
const QUANTIZERS = WEIGHT_QUANTIZERS.filter((name) => name !== 'none');

const matrix = fc
  .array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 200 })
  .map((x) => Float32Array.from(x));

describe('quantizeWeights against PyTorch', () => {
  it('has all finite cases of the reference', () => {
    expect(finiteCases.length).toBe(13);
  });

  it.each(finiteCases)('absmean-ternary: %s', (_, { x, absmean_ternary: expected }) => {
    const quantized = quantizeWeights('absmean-ternary', float32(x));
    expect([...quantized.values]).toEqual(values(expected.q).map((q) => q + 0));
    expect(
      excess([quantized.scale], values(expected.scale_absmean_clamped), { relative: 1e-6 }),
    ).toBeLessThanOrEqual(1);
    expect(
      excess(dequantizeWeights(quantized), values(expected.dequant), { relative: 1e-6 }),
    ).toBeLessThanOrEqual(1);
  });

  it.each(finiteCases)('sign: %s', (name, { x, sign_binary: expected }) => {
    const w = float32(x);
    const quantized = quantizeWeights('sign', w);
    // All weights equal: PyTorch's mean in float32 falls just below them, ours in float64 is them. Sign(0) = −1.
    const signs = name === 'constant' ? Array<number>(w.length).fill(-1) : values(expected.q);
    expect([...quantized.values]).toEqual(signs);
    expect(excess([quantized.scale], values(expected.beta_absmean), { relative: 1e-6 })).toBeLessThanOrEqual(
      1,
    );
    const dequantized = signs.map((sign) => sign * values(expected.beta_absmean)[0]);
    expect(excess(dequantizeWeights(quantized), dequantized, { relative: 1e-6 })).toBeLessThanOrEqual(1);
    // The mean may cancel to nearly nothing: its error is measured against the magnitudes that were added.
    const { center } = weightGrid('sign', w);
    expect(Math.abs(center - values(expected.alpha_mean)[0])).toBeLessThanOrEqual(
      1e-6 * values(expected.beta_absmean)[0],
    );
  });
});

const by = (name: WeightQuantizerName, w: number[]): { values: number[]; scale: number } => {
  const { values, scale } = quantizeWeights(name, w);
  return { values: [...values], scale };
};

describe('quantizeWeights by hand', () => {
  it('absmedian-ternary divides by the lower median of |w|', () => {
    expect(by('absmedian-ternary', [1, -2, 8, 0.5, -0.25, 0.99])).toEqual({
      values: [1, -1, 1, 1, 0, 1],
      scale: Math.fround(1 / Math.fround(1 / Math.fround(0.99))),
    });
    expect(by('absmedian-ternary', [4, -1, 2]).scale).toBe(2);
    expect(by('absmedian-ternary', [0, 0, 0, 9])).toMatchObject({ values: [0, 0, 0, 1] });
  });

  it('zero-one has no negative integer', () => {
    expect(by('zero-one', [2, -2, 0.5, -0.5, 3, 4])).toEqual({ values: [1, 0, 0, 0, 1, 1], scale: 2 });
  });

  it('absmax puts the largest magnitude on the largest integer of either sign', () => {
    expect(by('absmax-2bit', [1, -4, 2, -2, 3])).toEqual({ values: [0, -1, 0, 0, 1], scale: 4 });
    expect(by('absmax-3bit', [3, -1.5, 0.5, 1.4])).toEqual({ values: [3, -2, 0, 1], scale: 1 });
    expect(by('absmax-6bit', [31, -30.5, 0.5, 1.5])).toEqual({ values: [31, -30, 0, 2], scale: 1 });
    expect(by('absmax-4bit', [7, -7, 0.5, 1.5, -3.4])).toEqual({ values: [7, -7, 0, 2, -3], scale: 1 });
    expect(by('absmax-8bit', [127, -126.5, 0.5, -0.5])).toEqual({ values: [127, -126, 0, 0], scale: 1 });
  });

  it('sign takes a weight on the mean for −1', () => {
    expect(by('sign', [1, 2, 3])).toEqual({ values: [-1, -1, 1], scale: 2 });
  });
});

describe('quantizeWeights properties', () => {
  const levels: Record<string, number> = {
    sign: 2,
    'zero-one': 2,
    'absmean-ternary': 3,
    'absmedian-ternary': 3,
    'absmax-2bit': 3,
    'absmax-3bit': 7,
    'absmax-4bit': 15,
    'absmax-6bit': 63,
    'absmax-8bit': 255,
  };

  it.each(QUANTIZERS)(
    '%s stays on its integers and moves no unsaturated weight by more than half a step',
    (name) => {
      fc.assert(
        fc.property(matrix, (w) => {
          const grid = weightGrid(name, w);
          const { values, scale } = quantizeWeights(name, w);
          expect(grid.high - grid.low + (name === 'sign' ? 0 : 1)).toBe(levels[name]);
          values.forEach((q, i) => {
            expect(q >= grid.low && q <= grid.high).toBe(true);
            const steps = scale > 0 ? w[i] / scale : 0;
            const unsaturated = grid.rule === 'round' && steps >= grid.low && steps <= grid.high;
            const bound = unsaturated ? 0.5 + 1e-5 * Math.abs(steps) : Infinity;
            expect(Math.abs(q - steps)).toBeLessThanOrEqual(bound);
          });
        }),
      );
    },
  );

  it.each([
    'absmean-ternary',
    'absmedian-ternary',
    'absmax-2bit',
    'absmax-3bit',
    'absmax-4bit',
    'absmax-6bit',
    'absmax-8bit',
  ] as const)('%s gives negated integers for negated weights', (name) => {
    fc.assert(
      fc.property(matrix, (w) => {
        const negated = quantizeWeights(
          name,
          w.map((x) => -x),
        );
        const { values, scale } = quantizeWeights(name, w);
        expect(negated.scale).toBe(scale);
        expect([...negated.values].map((q) => 0 - q)).toEqual([...values].map((q) => q + 0));
      }),
    );
  });

  it('absmean-ternary of Gaussian weights leaves 31 % zeros', () => {
    let seed = 1;
    const uniform = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const w = Float32Array.from(
      { length: 100_000 },
      () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    );
    const zeros = quantizeWeights('absmean-ternary', w).values.filter((q) => q === 0).length;
    expect(Math.abs(zeros / w.length - 0.31)).toBeLessThan(0.005);
  });
});

describe('quantizeWeights on bad input', () => {
  it.each(QUANTIZERS)('%s names the index of NaN and Inf', (name) => {
    expect(() => quantizeWeights(name, [1, NaN, 2])).toThrow(/finite float32, got NaN at index 1/);
    expect(() => quantizeWeights(name, [1, 2, -Infinity])).toThrow(/got -Infinity at index 2/);
    expect(() => quantizeWeights(name, [1e300])).toThrow(/got Infinity at index 0/);
  });

  it('refuses an empty matrix, none, an unknown name and overflowing weights', () => {
    expect(() => quantizeWeights('sign', [])).toThrow(/at least one weight, got none/);
    expect(() => quantizeWeights('none', [1])).toThrow(/full precision/);
    expect(() => quantizeWeights('binary' as WeightQuantizerName, [1])).toThrow(
      /one of none, sign.*got binary/,
    );
    expect(() => quantizeWeights('absmean-ternary', [3e38, 3e38])).toThrow(
      /at most 2\^126, got 3\.0000\d+e\+38/,
    );
  });
});

describe('statistics', () => {
  it('sums long rows without drift', () => {
    const w = new Float32Array(1_000_003).fill(0.1);
    expect(Math.abs(meanAbsolute(w) / Math.fround(0.1) - 1)).toBeLessThan(1e-6);
    expect(Math.abs(mean(w) / Math.fround(0.1) - 1)).toBeLessThan(1e-6);
  });

  it('means agree with float64 to float32 precision, on any part of an array', () => {
    fc.assert(
      fc.property(matrix, fc.nat(300), (w, offset) => {
        const start = offset % w.length;
        const part = [...w.subarray(start)];
        const magnitude = part.reduce((sum, x) => sum + Math.abs(x), 0) / part.length;
        const signed = part.reduce((sum, x) => sum + x, 0) / part.length;
        // Means that are hardly above zero are multiples of the smallest float32.
        const tolerance = 2e-6 * magnitude + 2 ** -149;
        expect(Math.abs(meanAbsolute(w, start, part.length) - magnitude)).toBeLessThanOrEqual(tolerance);
        expect(Math.abs(mean(w, start, part.length) - signed)).toBeLessThanOrEqual(tolerance);
      }),
    );
  });

  it('the mean of magnitudes is the mean of the magnitudes, to the last bit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 2000 }),
        (x) => {
          expect(meanAbsolute(Float32Array.from(x))).toBe(mean(Float32Array.from(x, Math.abs)));
        },
      ),
    );
  });

  it('the median is the lower middle of the sorted magnitudes', () => {
    fc.assert(
      fc.property(matrix, (w) => {
        const sorted = w.map(Math.abs).sort();
        expect(medianAbsolute(w)).toBe(sorted[(w.length - 1) >> 1]);
      }),
    );
  });

  it('the median of constant and of sorted input takes no longer than a moment', () => {
    const n = 200_000;
    expect(medianAbsolute(new Float32Array(n).fill(-3))).toBe(3);
    expect(medianAbsolute(Float32Array.from({ length: n }, (_, i) => i))).toBe(n / 2 - 1);
  });

  it('NaN comes through every measure', () => {
    const w = Float32Array.of(1, 2, NaN, 3);
    for (const measure of [mean, meanAbsolute, medianAbsolute, maxAbsolute]) expect(measure(w)).toBeNaN();
  });
});
