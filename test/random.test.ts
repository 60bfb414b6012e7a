import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox4x32, RandomStream } from '../lib/random.js';

describe('philox4x32', () => {
  // The known answers that Random123 publishes for philox4x32 with ten rounds (its tests/kat_vectors).
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], out: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      out: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      out: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])('gives the published answer for counter $counter', ({ counter, key, out }) => {
    const words = new Uint32Array(4);
    philox4x32(Uint32Array.from(counter), Uint32Array.from(key), words);
    expect([...words]).toEqual(out);
  });

  it('equals the same rounds in exact 64-bit integers, for any counter and key', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        const words = Uint32Array.from(counter);
        philox4x32(words, Uint32Array.from(key), words); // in place, too
        expect([...words]).toEqual(exactPhilox(counter, key));
      }),
    );
  });
});

function exactPhilox(counter: number[], key: number[]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const product0 = 0xd2511f53n * c0;
    const product1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [
      (product1 >> 32n) ^ c1 ^ k0,
      product1 & mask,
      (product0 >> 32n) ^ c3 ^ k1,
      product0 & mask,
    ];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}

const draw = (stream: RandomStream, count: number): number[] =>
  Array.from({ length: count }, () => stream.uint32());

describe('RandomStream', () => {
  it('begins with Philox of counter (0, purpose, step) under the seed as key', () => {
    const seed = 0x19f31d_a4093822;
    const step = 0x12_0000_0007;
    const expected = exactPhilox([0, 1, 7, 0x12], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)]);
    const following = exactPhilox([1, 1, 7, 0x12], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)]);
    expect(draw(new RandomStream(seed, 'training', step), 8)).toEqual([...expected, ...following]);
  });

  it('differs for another seed, purpose or step', () => {
    const streams = [
      new RandomStream(1, 'training', 1),
      new RandomStream(2, 'training', 1),
      new RandomStream(1, 'training', 2),
      new RandomStream(1, 'validation', 1),
      new RandomStream(1, 'table', 1),
      new RandomStream(1 + 2 ** 32, 'training', 1),
      new RandomStream(1, 'training', 1 + 2 ** 32),
    ];
    expect(new Set(streams.map((stream) => draw(stream, 4).join())).size).toBe(streams.length);
  });

  it('below draws every number with the same probability', () => {
    const limit = 7;
    const draws = 70_000;
    const counts = new Int32Array(limit);
    const stream = new RandomStream(3, 'training');
    for (let n = 0; n < draws; n++) counts[stream.below(limit)] += 1;
    const expected = draws / limit;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(22.5); // 6 degrees of freedom: exceeded once in a thousand seeds
  });

  it('below gives 0 for limit 1, and all of 32 bits for limit 2^32', () => {
    const stream = new RandomStream(3, 'training');
    expect(Array.from({ length: 3 }, () => stream.below(1))).toEqual([0, 0, 0]);
    const words = draw(new RandomStream(4, 'training'), 9);
    const whole = new RandomStream(4, 'training');
    expect(Array.from({ length: 9 }, () => whole.below(2 ** 32))).toEqual(words);
  });

  it('below draws again where a plain remainder would favour small numbers', () => {
    // Of 2^32 numbers only the first 3 · 2^30 are used for a limit of 3 · 2^30: about every fourth is drawn again.
    const limit = 3 * 2 ** 30;
    const words = draw(new RandomStream(5, 'training'), 1000);
    const stream = new RandomStream(5, 'training');
    const kept = words.filter((word) => word < limit);
    expect(kept.length).toBeLessThan(words.length);
    expect(kept.map(() => stream.below(limit))).toEqual(kept);
  });

  it('uniform lies in [0, 1) on a grid of 2^-53, with mean 1/2', () => {
    const stream = new RandomStream(6, 'training');
    const draws = 100_000;
    const values = Array.from({ length: draws }, () => stream.uniform());
    expect(values.every((value) => value >= 0 && value < 1 && Number.isInteger(value * 2 ** 53))).toBe(true);
    const sum = values.reduce((total, value) => total + value, 0);
    // Standard error of the mean: sqrt(1/12 / draws) = 0.0009; four of them.
    expect(Math.abs(sum / draws - 0.5)).toBeLessThan(0.0037);
  });

  it.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('rejects %s as seed and as step', (value) => {
    expect(() => new RandomStream(value, 'training')).toThrow(
      /seed must be a whole number from 0 to 2\^53 − 1/,
    );
    expect(() => new RandomStream(0, 'training', value)).toThrow(/step must be a whole number/);
  });
});
