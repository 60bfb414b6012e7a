import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTIVATION_QUANTIZERS, type ActivationQuantizerName } from '../../lib/ablation-options.js';
import {
  activationRange,
  dequantizeActivations,
  initialElasticStep,
  quantizeActivations,
  quantizeElastic,
} from '../../lib/quantizers/activations.js';
import { excess, float32, golden, values, type GoldenTensor } from '../golden/vectors.js';

interface Expected {
  scale: GoldenTensor;
  q: GoldenTensor;
  dequant: GoldenTensor;
}
interface ActivationCase {
  x: GoldenTensor;
  absmax_int8_per_token: Expected;
  absmax_int8_per_tensor: Expected;
  absmax_int4_per_token: Expected;
  absmean_int4_per_token: Expected;
}
interface ElasticCase {
  inputs: { x: GoldenTensor; a: GoldenTensor };
  output: GoldenTensor;
}

const { cases } = golden('ops/quantizers.json') as { cases: Record<string, ActivationCase> };
const finiteCases = Object.entries(cases).filter(([, { x }]) => values(x).every(Number.isFinite));
const REFERENCE = {
  'absmax-int8-token': 'absmax_int8_per_token',
  'absmax-int8-tensor': 'absmax_int8_per_tensor',
  'absmax-int4-token': 'absmax_int4_per_token',
  'absmean-int4-token': 'absmean_int4_per_token',
} as const;
const SCALED = Object.keys(REFERENCE) as (keyof typeof REFERENCE)[];

describe('quantizeActivations against PyTorch', () => {
  it.each(SCALED.flatMap((name) => finiteCases.map(([label, data]) => [name, label, data] as const)))(
    '%s: %s',
    (name, _, data) => {
      const expected = data[REFERENCE[name]];
      const features = data.x.shape.at(-1)!;
      const quantized = quantizeActivations(name, float32(data.x), features);
      expect([...quantized.values]).toEqual(values(expected.q).map((q) => q + 0));
      expect(excess(quantized.scales, values(expected.scale), { relative: 1e-6 })).toBeLessThanOrEqual(1);
      expect(
        excess(dequantizeActivations(quantized), values(expected.dequant), { relative: 1e-6 }),
      ).toBeLessThanOrEqual(1);
    },
  );

  it.each([2, 4, 8])('elastic at %i bits', (bits) => {
    const layers = golden('ops/layers.json') as Record<string, ElasticCase>;
    const { inputs, output } = layers[`elastic_learned_step_${bits}bit`];
    const quantized = quantizeElastic(float32(inputs.x), values(inputs.a)[0], bits);
    expect(excess(dequantizeActivations(quantized), values(output), { relative: 1e-6 })).toBeLessThanOrEqual(
      1,
    );
  });
});

describe('top-half-int8-token', () => {
  it('keeps the larger half of each token, and the scale of all of it', () => {
    const x = [3, -1, 2, -4, 0, 0.5, 8, 0.25, 0.25, 0.25, 0.25, 0.25, 5, 1, 1];
    const { values, scales } = quantizeActivations('top-half-int8-token', x, 5);
    const [first, second, third] = [127 / 4, 127 / 8, 127 / 5].map(Math.fround);
    expect([...scales]).toEqual([first, second, third]);
    // Three of five; equal magnitudes stay together.
    expect([...values]).toEqual([95, 0, 64, -127, 0, 8, 127, 4, 4, 4, 0, 0, 127, 25, 25]);
  });
});

describe('quantizeActivations', () => {
  const rows = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 40 }))
    .chain(([tokens, features]) =>
      fc.record({
        features: fc.constant(features),
        x: fc
          .array(fc.float({ min: -1e4, max: 1e4, noNaN: true }), {
            minLength: tokens * features,
            maxLength: tokens * features,
          })
          .map((x) => Float32Array.from(x)),
      }),
    );

  it.each(['absmax-int8-token', 'absmax-int8-tensor', 'absmax-int4-token'] as const)(
    '%s moves no value by more than half a step, and never reaches the lowest integer',
    (name) => {
      const { low } = activationRange(name);
      fc.assert(
        fc.property(rows, ({ x, features }) => {
          const quantized = quantizeActivations(name, x, features);
          const perScale = x.length / quantized.scales.length;
          dequantizeActivations(quantized).forEach((y, i) => {
            const step = 1 / quantized.scales[Math.floor(i / perScale)];
            expect(Math.abs(y - x[i])).toBeLessThanOrEqual(step * 0.5 + 1e-6 * Math.abs(x[i]));
            expect(quantized.values[i]).toBeGreaterThan(low);
          });
        }),
      );
    },
  );

  it('a token is quantized alone: the other tokens do not matter', () => {
    fc.assert(
      fc.property(
        rows,
        fc.constantFrom<ActivationQuantizerName>('absmax-int8-token', 'absmean-int4-token'),
        ({ x, features }, name) => {
          const together = quantizeActivations(name, x, features);
          const alone = quantizeActivations(name, x.slice(0, features), features);
          expect([...together.values.subarray(0, features)]).toEqual([...alone.values]);
          expect(together.scales[0]).toBe(alone.scales[0]);
        },
      ),
    );
  });

  it('absmean int4 clips outliers at −8 and 7', () => {
    const { values } = quantizeActivations('absmean-int4-token', [-1000, 1000, ...Array(98).fill(1)], 100);
    expect([...values.subarray(0, 2)]).toEqual([-8, 7]);
  });

  it('elastic saturates at −2^(b−1) and 2^(b−1) − 1 and rounds ties to even', () => {
    const { values, scales, scaleRule } = quantizeElastic([0.25, 0.75, 1.25, -0.25, 99, -99], 0.5, 4);
    expect([...values]).toEqual([0, 2, 2, 0, 7, -8]);
    expect([...scales]).toEqual([0.5]);
    expect(scaleRule).toBe('multiply');
    expect([...quantizeActivations('elastic-int8', [99, -99], 2, { step: 0.5 }).values]).toEqual([127, -128]);
  });

  it('initialElasticStep is 2 · mean|x| / √Q', () => {
    expect(initialElasticStep([1, -3], 8)).toBe(Math.fround(4 / Math.sqrt(127)));
    expect(initialElasticStep([0, 0], 2)).toBeGreaterThan(0);
  });
});

describe('quantizeActivations on bad input', () => {
  it.each(ACTIVATION_QUANTIZERS.filter((name) => name !== 'none'))('%s names NaN and Inf', (name) => {
    expect(() => quantizeActivations(name, [1, NaN], 2, { step: 1 })).toThrow(/got NaN at index 1/);
    expect(() => quantizeActivations(name, [Infinity, 1], 2, { step: 1 })).toThrow(/got Infinity at index 0/);
  });

  it('refuses wrong lengths, steps, bits and names', () => {
    expect(() => quantizeActivations('absmax-int8-token', [1, 2, 3], 2)).toThrow(
      /multiple of features \(2\), got 3/,
    );
    expect(() => quantizeActivations('absmax-int8-token', [], 2)).toThrow(/got 0/);
    expect(() => quantizeActivations('absmax-int8-token', [1], 0)).toThrow(/features must be/);
    expect(() => quantizeActivations('none', [1], 1)).toThrow(/full precision/);
    expect(() => quantizeActivations('int8' as ActivationQuantizerName, [1], 1)).toThrow(/got int8/);
    expect(() => quantizeActivations('elastic-int8', [1], 1)).toThrow(/step must be a finite number above 0/);
    expect(() => quantizeElastic([1], 0, 8)).toThrow(/got 0/);
    expect(() => quantizeElastic([1], -1, 8)).toThrow(/got -1/);
    expect(() => quantizeElastic([1], 1, 1)).toThrow(/bits must be a whole number from 2 to 8, got 1/);
    expect(() => initialElasticStep([])).toThrow(/at least one value/);
  });
});
