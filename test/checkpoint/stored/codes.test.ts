import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeBytes, CodeError, packCodes, unpackCodes } from '../../../lib/checkpoint/stored/codes.js';
import {
  entropyHeadBytes,
  packByEntropy,
  unpackByEntropy,
} from '../../../lib/checkpoint/stored/entropy-coding.js';
import { codeEntropy } from '../../../lib/quantizers/level-codes.js';

/** Levels of 1, 1.58, 2, 3, 4, 6 and 8 bits. */
const LEVELS = [2, 3, 4, 7, 15, 63, 255] as const;

const codesOf = (levels: number): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.nat(levels - 1), { maxLength: 200 }).map((codes) => Uint8Array.from(codes));
const withLevels = fc
  .constantFrom(...LEVELS)
  .chain((levels) => codesOf(levels).map((codes) => ({ levels, codes })));

describe('packCodes and unpackCodes', () => {
  it('give any codes back, in as many bytes as codeBytes says', () => {
    fc.assert(
      fc.property(withLevels, ({ levels, codes }) => {
        const packed = packCodes('bits', codes, levels);
        expect(packed.length).toBe(codeBytes('bits', codes.length, levels));
        expect(unpackCodes('bits', packed, codes.length, levels)).toEqual(codes);
      }),
    );
    fc.assert(
      fc.property(codesOf(3), (codes) => {
        const packed = packCodes('trits', codes, 3);
        expect(packed.length).toBe(Math.ceil(codes.length / 5));
        expect(unpackCodes('trits', packed, codes.length, 3)).toEqual(codes);
      }),
    );
  });

  it('take 1, 2, 3, 4, 6 and 8 bits a code, and 8 bits for five trits', () => {
    const bits = [2, 3, 7, 15, 63, 255].map((levels) => codeBytes('bits', 800, levels) / 100);
    expect(bits).toEqual([1, 2, 3, 4, 6, 8]);
    expect(codeBytes('trits', 800, 3) / 100).toBe(1.6);
  });

  it('put the first code into the low bits, and the first trit into the last digit', () => {
    expect([...packCodes('bits', Uint8Array.of(1, 2, 3, 0, 1), 4)]).toEqual([0b00_11_10_01, 1]);
    expect([...packCodes('bits', Uint8Array.of(6, 1, 5), 7)]).toEqual([0b01_001_110, 0b1]);
    expect([...packCodes('trits', Uint8Array.of(2, 1, 0, 0, 2, 1), 3)]).toEqual([2 + 3 + 162, 1]);
  });

  it('refuse bytes that no packing writes', () => {
    expect(() => unpackCodes('bits', Uint8Array.of(0b11), 4, 3)).toThrow(CodeError);
    expect(() => unpackCodes('bits', Uint8Array.of(0b100), 1, 4)).toThrow('zero behind the last code');
    expect(() => unpackCodes('trits', Uint8Array.of(243), 5, 3)).toThrow('below 243');
    expect(() => unpackCodes('trits', Uint8Array.of(9), 2, 3)).toThrow('2 digits of base 3');
  });

  it('refuse codes beyond the levels, and levels that no byte holds', () => {
    expect(() => packCodes('bits', Uint8Array.of(0, 3), 3)).toThrow('below 3, got 3 at index 1');
    expect(() => packCodes('bits', Uint8Array.of(0), 1)).toThrow('from 2 to 256, got 1');
  });
});

describe('packByEntropy and unpackByEntropy', () => {
  it('give any codes back, however uneven their frequencies', () => {
    const uneven = fc
      .tuple(fc.constantFrom(...LEVELS), fc.nat(3000), fc.nat(40))
      .chain(([levels, common, rare]) =>
        codesOf(levels).map((codes) => ({
          levels,
          codes: Uint8Array.from([...new Uint8Array(common).fill(levels - 1), ...codes.slice(0, rare)]),
        })),
      );
    fc.assert(
      fc.property(fc.oneof(withLevels, uneven), ({ levels, codes }) => {
        expect(unpackByEntropy(packByEntropy(codes, levels), codes.length, levels)).toEqual(codes);
      }),
    );
  });

  it('come within a hundredth of a bit of the entropy', () => {
    // Thirds but for a few; one in ten; nearly all alike. Numbers of a fixed linear congruence.
    let state = 12_345;
    const uniform = (): number => (state = (1_103_515_245 * state + 12_345) % 2 ** 31) / 2 ** 31;
    for (const shares of [
      [0.31, 0.38, 0.31],
      [0.05, 0.9, 0.05],
      [0.001, 0.998, 0.001],
    ]) {
      const codes = Uint8Array.from({ length: 60_000 }, () => {
        const u = uniform();
        return u < shares[0] ? 0 : u < shares[0] + shares[1] ? 1 : 2;
      });
      const packed = packByEntropy(codes, 3);
      const bits = (8 * (packed.length - entropyHeadBytes(3))) / codes.length;
      expect(bits).toBeLessThan(codeEntropy({ codes, levels: 3 }) + 0.01);
    }
  });

  it('refuse what is cut off, longer, or has shares that are none', () => {
    const packed = packByEntropy(
      Uint8Array.from({ length: 500 }, (_, i) => (i * i) % 3),
      3,
    );
    expect(() => unpackByEntropy(packed.subarray(0, packed.length - 2), 500, 3)).toThrow(CodeError);
    expect(() => unpackByEntropy(Uint8Array.from([...packed, 0, 0]), 500, 3)).toThrow(CodeError);
    expect(() => unpackByEntropy(packed.subarray(0, 5), 500, 3)).toThrow(CodeError);
    const shares = packed.slice();
    shares[0] ^= 1;
    expect(() => unpackByEntropy(shares, 500, 3)).toThrow('shares of 16384 in all');
  });
});
