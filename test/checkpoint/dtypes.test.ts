import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  halfToNumber,
  narrowHalf,
  numberToHalf,
  widenHalf,
  type HalfDtype,
} from '../../lib/checkpoint/dtypes.js';

const FORMATS = {
  BF16: { exponentBits: 8, fractionBits: 7 },
  F16: { exponentBits: 5, fractionBits: 10 },
} as const;
const ALL_CODES = Uint16Array.from({ length: 65_536 }, (_, code) => code);

/** The value of a code by the definition of IEEE 754, in double precision. */
function definition(dtype: HalfDtype, code: number): number {
  const { exponentBits, fractionBits } = FORMATS[dtype];
  const sign = code >> 15 === 1 ? -1 : 1;
  const exponent = (code >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (code & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

for (const dtype of ['BF16', 'F16'] as const) {
  describe(`widenHalf and narrowHalf: ${dtype}`, () => {
    it('give every one of the 65,536 codes its value', () => {
      const values = widenHalf(dtype, ALL_CODES);
      const wrong = ALL_CODES.filter((code) => !Object.is(values[code], definition(dtype, code)));
      expect([...wrong]).toEqual([]);
    });

    it('give every code back, NaN payloads included', () => {
      expect(
        Buffer.compare(
          Buffer.from(narrowHalf(dtype, widenHalf(dtype, ALL_CODES)).buffer),
          Buffer.from(ALL_CODES.buffer),
        ),
      ).toBe(0);
    });

    const infinity = numberToHalf(dtype, Infinity);

    it('round the midpoint of every two neighbours to the even code, and its neighbours to the nearer one', () => {
      const wrong: number[] = [];
      for (let code = 0; code < infinity; code++) {
        // Above the largest number the next step would be the power of two that infinity takes the place of.
        const low = definition(dtype, code);
        const high =
          code + 1 === infinity ? 2 * low - definition(dtype, code - 1) : definition(dtype, code + 1);
        const middle = (low + high) / 2;
        const step = nextFloat(middle) - middle;
        const even = code % 2 === 0 ? code : code + 1;
        for (const [value, expected] of [
          [middle, even],
          [middle - step, code],
          [middle + step, code + 1],
        ]) {
          if (numberToHalf(dtype, value) !== expected) wrong.push(value);
          if (numberToHalf(dtype, -value) !== expected + 0x8000) wrong.push(-value);
        }
      }
      expect(wrong).toEqual([]);
    });

    it('keep a NaN a NaN whose payload lies in the lower bits alone', () => {
      const nan = new Float32Array(Uint32Array.of(0x7f80_0001, 0xff80_0001).buffer);
      expect([...widenHalf(dtype, narrowHalf(dtype, nan))]).toEqual([NaN, NaN]);
    });

    it('turn any float into a code whose value is at least as near as its neighbours', () => {
      fc.assert(
        fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
          const code = numberToHalf(dtype, value);
          const error = (candidate: number): number => Math.abs(halfToNumber(dtype, candidate) - value);
          if (halfToNumber(dtype, code) === Math.sign(value) * Infinity) return;
          const nearer = [code - 1, code + 1].filter((neighbour) => {
            const isNumber = neighbour >= 0 && (neighbour & 0x7fff) < infinity;
            return isNumber && neighbour >> 15 === code >> 15 && error(neighbour) < error(code);
          });
          expect(nearer).toEqual([]);
        }),
      );
    });
  });
}

/** The 32-bit float above a non-negative one. */
function nextFloat(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] += 1;
  return new Float32Array(bits.buffer)[0];
}
