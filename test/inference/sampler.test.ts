import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidates } from '../../lib/inference/head.js';
import { Sampler, type SamplingOptions } from '../../lib/inference/sampler.js';

const all = (logits: readonly number[]): Candidates => ({
  count: logits.length,
  ids: undefined,
  logits: Float32Array.from(logits),
});

/** How often each index is picked. */
function frequencies(logits: readonly number[], options: SamplingOptions, draws = 20_000): number[] {
  const sampler = new Sampler(logits.length, options);
  const counts = logits.map(() => 0);
  const candidates = all(logits);
  for (let i = 0; i < draws; i++) counts[sampler.pick(candidates)]++;
  return counts.map((count) => count / draws);
}

function softmax(logits: readonly number[], temperature: number): number[] {
  const weights = logits.map((logit) => Math.exp(logit / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

const LOGITS = [0.5, 2, -1, 1, 2, -Infinity];

describe('Sampler', () => {
  it('takes the most likely token at temperature 0 or top-k 1, the first of equal ones', () => {
    expect(new Sampler(6).pick(all(LOGITS))).toBe(1);
    expect(new Sampler(6, { temperature: 1, topK: 1 }).pick(all(LOGITS))).toBe(1);
  });

  it.each([
    ['temperature 1', { temperature: 1 }, softmax(LOGITS, 1)],
    ['temperature 0.5', { temperature: 0.5 }, softmax(LOGITS, 0.5)],
    ['top-k 2 of two equal', { temperature: 1, topK: 2 }, [0, 0.5, 0, 0, 0.5, 0]],
    ['top-k 1 more than there are', { temperature: 1, topK: 7 }, softmax(LOGITS, 1)],
    // The first reaches 0.5 of what the softmax gives only together with the second.
    ['top-p 0.5', { temperature: 1, topP: 0.5 }, [0, 0.5, 0, 0, 0.5, 0]],
    ['top-p just above 0', { temperature: 1, topP: 1e-9 }, [0, 1, 0, 0, 0, 0]],
    // Top-p counts in what top-k left: of 0.5 and 0.5 the first alone reaches 0.4.
    ['top-p 0.4 after top-k 2', { temperature: 1, topK: 2, topP: 0.4 }, [0, 1, 0, 0, 0, 0]],
    [
      'top-p 0.9 after top-k 3',
      { temperature: 1, topK: 3, topP: 0.9 },
      softmax([-Infinity, 2, -Infinity, 1, 2, -Infinity], 1),
    ],
  ] as const)('draws with the probabilities of %s', (_name, options, expected) => {
    // Five standard deviations of a share of one half over 20,000 draws.
    const tolerance = 5 * Math.sqrt(0.25 / 20_000);
    for (const [i, share] of frequencies(LOGITS, { ...options, seed: 3 }).entries()) {
      expect(Math.abs(share - expected[i]), `token ${i}`).toBeLessThan(expected[i] === 0 ? 1e-9 : tolerance);
    }
  });

  it('draws the same for the same seed, and differently for another', () => {
    const draw = (seed: number): number[] => {
      const sampler = new Sampler(50, { temperature: 1, seed });
      const candidates = all(Array.from({ length: 50 }, (_, i) => Math.sin(i)));
      return Array.from({ length: 40 }, () => sampler.pick(candidates));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('draws the same token whether all are given or only a superset of the best', () => {
    const logit = fc.oneof(fc.double({ min: -5, max: 5, noNaN: true }), fc.constantFrom(0, 1));
    const options = fc.record({
      temperature: fc.double({ min: 0.1, max: 3, noNaN: true }),
      topK: fc.integer({ min: 1, max: 10 }),
      topP: fc.constantFrom(1, 0.9, 0.3),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.array(logit, { minLength: 11, maxLength: 60 }),
        options,
        fc.nat(20),
        (drawn, options, more) => {
          const logits = [...Float32Array.from(drawn)];
          const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b);
          const ids = Int32Array.from(order.slice(0, options.topK + more)).sort();
          const some: Candidates = {
            count: ids.length,
            ids,
            logits: Float32Array.from(ids, (id) => logits[id]),
          };
          const [first, second] = [new Sampler(logits.length, options), new Sampler(logits.length, options)];
          for (let i = 0; i < 5; i++) expect(ids[second.pick(some)]).toBe(first.pick(all(logits)));
        },
      ),
    );
  });

  it.each([
    [{ temperature: -1 }, 'temperature must be a number of at least 0, got -1'],
    [{ temperature: Number.NaN }, 'temperature must be a number of at least 0, got NaN'],
    [{ temperature: Infinity }, 'temperature must be a number of at least 0, got Infinity'],
    [{ topK: 0 }, 'topK must be a whole number of at least 1, got 0'],
    [{ topK: 1.5 }, 'topK must be a whole number of at least 1, got 1.5'],
    [{ topP: 0 }, 'topP must be above 0 and at most 1, got 0'],
    [{ topP: 1.1 }, 'topP must be above 0 and at most 1, got 1.1'],
    [{ seed: -1 }, 'seed must be a whole number of at least 0, got -1'],
    [{ temperature: '1' as unknown as number }, 'temperature must be a number of at least 0, got 1'],
  ])('refuses %o', (options, message) => {
    expect(() => new Sampler(10, options)).toThrow(`generate: ${message}.`);
  });
});
