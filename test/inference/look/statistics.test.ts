import { describe, expect, it } from 'vitest';
import { likeliest } from '../../../lib/inference/look/predictions.js';
import { siteStatistics } from '../../../lib/inference/look/site-statistics.js';

describe('siteStatistics', () => {
  it('counts zeros and sizes in every place of every layer, and nowhere else', () => {
    const place = (values: number[]) => ({ tokens: 2, features: 2, values: Int8Array.from(values) });
    const sites = new Map([
      ['embed_tokens', place([9, 9, 9, 9])],
      ['layers.0.mlp.down_proj', place([0, 0, 0, -4])],
      ['layers.11.self_attn.q_proj', place([3, -4, 0, 0])],
    ]);
    expect(siteStatistics(sites)).toEqual([
      { layer: 0, site: 'mlp.down_proj', zeros: 0.75, rms: 2, largest: 4, zerosByToken: [1, 0.5] },
      { layer: 11, site: 'self_attn.q_proj', zeros: 0.5, rms: 2.5, largest: 4, zerosByToken: [0, 1] },
    ]);
  });
});

describe('likeliest', () => {
  it('gives probabilities in order, of equal ones the smaller id first', () => {
    const logits = Float32Array.from([0, Math.log(2), 0, Math.log(4)]);
    const found = likeliest(logits, 3);
    expect(found.map(({ id }) => id)).toEqual([3, 1, 0]);
    expect(found[0].probability).toBeCloseTo(4 / 8, 6);
    expect(found[2].probability).toBeCloseTo(1 / 8, 6);
  });

  it('refuses logits that are no numbers, and counts that are none', () => {
    for (const wrong of [NaN, Infinity]) {
      expect(() => likeliest(Float32Array.from([0, wrong]), 1)).toThrow(
        `likeliest: logits must be finite, got ${wrong} at id 1.`,
      );
    }
    for (const count of [-1, 0.5, NaN])
      expect(() => likeliest(new Float32Array(3), count)).toThrow(RangeError);
    // What a caller has ruled out has no share.
    expect(likeliest(Float32Array.from([0, -Infinity]), 2)[1]).toEqual({ id: 1, probability: 0 });
  });

  it('does not overflow, and gives all there are', () => {
    const found = likeliest(Float32Array.from([1000, -1000]), 10);
    expect(found).toEqual([
      { id: 0, probability: 1 },
      { id: 1, probability: 0 },
    ]);
  });
});
