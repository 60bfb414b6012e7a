import { describe, expect, it } from 'vitest';
import {
  cacheBytes,
  largestBatch,
  throughputLimit,
  TWO_A100,
  weightBytes,
} from '../../lib/papers/serving.js';
import { BITNET_2B4T_SHAPE, LLAMA_SHAPES } from '../../lib/papers/shapes.js';

const SEVENTY = LLAMA_SHAPES.find(({ name }) => name === '70B')!;

describe('weightBytes', () => {
  it('gives 2B4T 0.52 GB of trits beside 0.66 GB of embedding', () => {
    expect(weightBytes(BITNET_2B4T_SHAPE, 2)).toBe(2_084_044_800 / 4 + 128_256 * 2560 * 2);
  });
});

describe('largestBatch', () => {
  const options = { tokens: 512, devices: TWO_A100 };

  it('is what is left beside the weights, in caches', () => {
    const batch = largestBatch(SEVENTY, 16, options);
    const used = (n: number): number => weightBytes(SEVENTY, 16) + n * cacheBytes(SEVENTY, 512);
    expect(used(batch)).toBeLessThanOrEqual(160e9);
    expect(used(batch + 1)).toBeGreaterThan(160e9);
  });

  it('is 0 where the weights do not fit, and refuses to reserve more than there is', () => {
    expect(largestBatch(SEVENTY, 32, options)).toBe(0);
    expect(() => largestBatch(SEVENTY, 16, { ...options, reservedBytes: 2e11 })).toThrow(
      'reservedBytes must be',
    );
  });
});

describe('throughputLimit', () => {
  it('is set by memory for a small batch and by arithmetic for a large one', () => {
    const at = (batch: number) => throughputLimit(SEVENTY, 2, { batch, tokens: 512, devices: TWO_A100 });
    expect(at(1).limitedBy).toBe('memory');
    expect(at(176).limitedBy).toBe('arithmetic');
  });
});
