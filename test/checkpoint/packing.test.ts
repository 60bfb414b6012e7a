import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../lib/checkpoint/checkpoint-error.js';
import type { TernaryEncoding } from '../../lib/checkpoint/checkpoint.js';
import { packTernary, unpackTernary } from '../../lib/checkpoint/packing.js';

// What fits every encoding: whole blocks of 256 in a row, and rows in fours.
const SHAPES: readonly [number, number][] = [
  [4, 256],
  [8, 512],
  [12, 768],
];
const matrices = fc
  .constantFrom(...SHAPES)
  .chain((shape) =>
    fc
      .array(fc.constantFrom(-1, 0, 1), { minLength: shape[0] * shape[1], maxLength: shape[0] * shape[1] })
      .map((values) => ({ shape, values: Int8Array.from(values) })),
  );
const same = (a: Int8Array, b: Int8Array): boolean => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

describe('packTernary and unpackTernary', () => {
  for (const encoding of ['packed', 'I2_S', 'TQ2_0', 'TQ1_0'] as const) {
    it(`give any matrix back from ${encoding}, with its scale`, () => {
      fc.assert(
        fc.property(matrices, ({ shape, values }) => {
          const found = unpackTernary(
            encoding,
            packTernary(encoding, { values, shape, scale: 0.078_125 }),
            shape,
          );
          expect(same(found.values, values)).toBe(true);
          expect(found.scale).toBe(encoding === 'packed' ? undefined : 0.078_125);
        }),
        { numRuns: 20 },
      );
    });

    it(`refuse values of ${encoding} that are not ternary`, () => {
      const values = new Int8Array(1024);
      values[1000] = 2;
      expect(() => packTernary(encoding, { values, shape: [4, 256] })).toThrow(/got 2 at index 1000/);
    });

    it(`refuse bytes of ${encoding} that are too few or too many`, () => {
      const bytes = packTernary(encoding, { values: new Int8Array(1024), shape: [4, 256], scale: 1 });
      expect(() => unpackTernary(encoding, bytes.subarray(1), [4, 256])).toThrow(CheckpointError);
      expect(() => unpackTernary(encoding, new Uint8Array(bytes.length + 1), [4, 256])).toThrow(
        CheckpointError,
      );
    });
  }

  it('place single weights where each layout says', () => {
    /** The byte and value in it that one weight of +1 adds to a matrix of zeros. */
    const place = (encoding: TernaryEncoding, row: number, column: number): [number, number] => {
      const values = new Int8Array(8 * 256);
      const zeros = packTernary(encoding, { values, shape: [8, 256] });
      values[row * 256 + column] = 1;
      const bytes = packTernary(encoding, { values, shape: [8, 256] });
      const changed = bytes.findIndex((byte, i) => byte !== zeros[i]);
      return [changed, bytes[changed] - zeros[changed]];
    };
    // packed: rows r, r + 2, r + 4, r + 6 of 8 share a byte, low bits first.
    expect(place('packed', 1, 5)).toEqual([256 + 5, 1 << 0]);
    expect(place('packed', 5, 5)).toEqual([256 + 5, 1 << 4]);
    expect(place('packed', 7, 5)).toEqual([256 + 5, 1 << 6]);
    // I2_S: weights j, j + 32, j + 64, j + 96 of 128 share a byte, high bits first.
    expect(place('I2_S', 0, 3)).toEqual([3, 1 << 6]);
    expect(place('I2_S', 0, 99)).toEqual([3, 1 << 0]);
    expect(place('I2_S', 0, 128)).toEqual([32, 1 << 6]);
    // TQ2_0: the same within halves of 256, low bits first, 66 bytes a block.
    expect(place('TQ2_0', 0, 3)).toEqual([3, 1 << 0]);
    expect(place('TQ2_0', 0, 99)).toEqual([3, 1 << 6]);
    expect(place('TQ2_0', 0, 128)).toEqual([32, 1 << 0]);
    expect(place('TQ2_0', 1, 0)).toEqual([66, 1 << 0]);
    // TQ1_0: five weights a byte, 54 bytes a block; the first digit weighs 81 of 243.
    expect(place('TQ1_0', 0, 3)[0]).toBe(3);
    expect(place('TQ1_0', 0, 3 + 4 * 32)[0]).toBe(3);
    expect(place('TQ1_0', 0, 160)[0]).toBe(32);
    expect(place('TQ1_0', 0, 240)[0]).toBe(48);
    expect(place('TQ1_0', 1, 0)[0]).toBe(54);
  });

  for (const [encoding, byte] of [
    ['packed', 3],
    ['packed', 0xc0],
    ['I2_S', 0x0c],
    ['TQ2_0', 0x30],
  ] as const) {
    it(`refuse code 3 in ${encoding} byte 0x${byte.toString(16)}, and say where`, () => {
      const bytes = packTernary(encoding, { values: new Int8Array(1024), shape: [4, 256], scale: 1 });
      bytes[37] = byte;
      const source = { file: 'model.gguf', tensor: 'q', byteOffset: 1000 };
      expect(() => unpackTernary(encoding, bytes, [4, 256], source)).toThrow(
        expect.objectContaining({ file: 'model.gguf', tensor: 'q', offset: 1037 }) as Error,
      );
    });
  }

  it('refuse the TQ1_0 bytes that no weights give, and accept all others', () => {
    const accepted = (position: number): number =>
      Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => {
        const bytes = packTernary('TQ1_0', { values: new Int8Array(1024), shape: [4, 256], scale: 1 });
        bytes[position] = byte;
        try {
          const { values } = unpackTernary('TQ1_0', bytes, [4, 256]);
          return packTernary('TQ1_0', { values, shape: [4, 256], scale: 1 })[position] === byte;
        } catch {
          return false;
        }
      }).length;
    expect(accepted(0)).toBe(3 ** 5);
    expect(accepted(40)).toBe(3 ** 5);
    expect(accepted(51)).toBe(3 ** 4);
  });

  describe('scales', () => {
    const ones = new Int8Array(1024).fill(1);
    const withScale = (
      encoding: 'TQ2_0' | 'TQ1_0',
      block: number,
      code: number,
      values = ones,
    ): Uint8Array => {
      const bytes = packTernary(encoding, { values, shape: [4, 256], scale: 1 });
      const blockBytes = bytes.length / 4;
      new DataView(bytes.buffer).setUint16((block + 1) * blockBytes - 2, code, true);
      return bytes;
    };
    const [infinity, nan, zero, minusOne, two] = [0x7c00, 0x7e00, 0, 0xbc00, 0x4000];

    for (const encoding of ['TQ2_0', 'TQ1_0'] as const) {
      it(`that differ within a ${encoding} matrix are refused`, () => {
        expect(() => unpackTernary(encoding, withScale(encoding, 2, two), [4, 256])).toThrow(
          /must be 1, as in the blocks before/,
        );
      });

      it(`of ${encoding} that are no positive number are refused in any block`, () => {
        for (const block of [0, 3]) {
          for (const code of [infinity, nan, zero, minusOne]) {
            expect(() => unpackTernary(encoding, withScale(encoding, block, code), [4, 256])).toThrow(
              /scale must be/,
            );
          }
        }
      });

      it(`of 0 are accepted for a ${encoding} block of zeros, as ggml writes it`, () => {
        const values = ones.slice().fill(0, 256, 512);
        expect(unpackTernary(encoding, withScale(encoding, 1, zero, values), [4, 256])).toEqual({
          values,
          shape: [4, 256],
          scale: 1,
        });
      });
    }

    it('of I2_S that are no positive number are refused', () => {
      for (const scale of [NaN, Infinity, 0, -1]) {
        const bytes = packTernary('I2_S', { values: ones, shape: [4, 256], scale });
        expect(() => unpackTernary('I2_S', bytes, [4, 256])).toThrow(/scale must be finite and above 0/);
      }
    });
  });

  it('say which encoding holds a shape that theirs cannot', () => {
    const pack = (encoding: TernaryEncoding, shape: [number, number]): Uint8Array =>
      packTernary(encoding, { values: new Int8Array(shape[0] * shape[1]), shape });
    expect(() => pack('TQ2_0', [8, 128])).toThrow(
      /row length .*multiple of 256.*got 128.*packed and I2_S can hold it/,
    );
    expect(() => pack('I2_S', [4, 8])).toThrow(/multiple of 128.*got 32.*packed can hold it/);
    expect(() => pack('packed', [2, 256])).toThrow(/multiple of 4.*got 2.*I2_S and TQ2_0 can hold it/);
    expect(() => pack('packed', [3, 5])).toThrow(/No ternary encoding can hold this shape/);
  });
});
