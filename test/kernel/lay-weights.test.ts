import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { numberToHalf } from '../../lib/checkpoint/dtypes.js';
import { packTernary } from '../../lib/checkpoint/packing.js';
import {
  FORMAT_BF16,
  FORMAT_F16,
  FORMAT_F32,
  FORMAT_TERNARY,
  STATUS_INVALID_CODE,
  STATUS_NOT_FINITE,
  STATUS_UNEQUAL_SCALES,
} from '../../lib/kernel/layout.js';
import { blockCount, groupCount, matrixBytes, readTrits, type Matrix } from '../../lib/kernel/matrix.js';
import type { OperationName } from '../../lib/kernel/operations.js';
import { quantizeWeights } from '../../lib/quantizers/weights.js';
import { floatBits } from '../../lib/inference/weight-pieces.js';
import { allBenches, type Bench } from './bench.js';
import { compileKernel } from './compiled.js';
import { draws } from './draws.js';

let benches: Bench[];
beforeAll(async () => {
  await compileKernel();
  benches = await allBenches();
});

type Encoding = 'packed' | 'I2_S' | 'TQ2_0' | 'TQ1_0';
const OPERATIONS: Record<Encoding, OperationName> = {
  packed: 'layPacked',
  I2_S: 'layI2S',
  TQ2_0: 'layTQ2',
  TQ1_0: 'layTQ1',
};
const SCALE = 0.25;
const SCALE_CODE = numberToHalf('F16', SCALE);

function emptyMatrix(bench: Bench, rows: number, columns: number, encoding: Encoding): Matrix {
  const order = encoding === 'packed' ? 'quarters' : 'neighbours';
  const values = bench.room(matrixBytes(rows, columns, FORMAT_TERNARY));
  const matrix: Matrix = { rows, columns, format: FORMAT_TERNARY, order, scale: SCALE, values };
  bench.run('clearGroups', groupCount(rows), [values, blockCount(columns)]);
  return matrix;
}

/** Lays packed bytes out; returns the matrix and what the operation reported. */
function lay(
  bench: Bench,
  encoding: Encoding,
  bytes: Uint8Array,
  rows: number,
  columns: number,
  cuts: readonly number[] = [],
): { matrix: Matrix; status: number } {
  bench.clear();
  const matrix = emptyMatrix(bench, rows, columns, encoding);
  const status = bench.integers([0]);
  const args = [bench.bytes(bytes), columns, matrix.values, blockCount(columns), 0, status];
  const storedRows = encoding === 'packed' ? rows / 4 : rows;
  bench.run(OPERATIONS[encoding], storedRows, [...args, SCALE_CODE], cuts);
  return { matrix, status: bench.readIntegers(status, 1)[0] };
}

function readBack(bench: Bench, matrix: Matrix): Int8Array {
  return readTrits(new Uint8Array(bench.buffer), bench.name, matrix);
}

// Shapes that each encoding can hold, tails of blocks and groups among them.
const shapes: Record<Encoding, fc.Arbitrary<[number, number]>> = {
  packed: fc.tuple(
    fc.integer({ min: 1, max: 9 }).map((n) => 4 * n),
    fc.integer({ min: 1, max: 300 }),
  ),
  I2_S: fc
    .tuple(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 300 }))
    .map(([rows, columns]) =>
      (rows * columns) % 128 === 0 ? [rows, columns] : [rows * 4, 32 * (1 + (columns % 9))],
    ),
  TQ2_0: fc.tuple(fc.integer({ min: 1, max: 10 }), fc.constantFrom(256, 512, 768)),
  TQ1_0: fc.tuple(fc.integer({ min: 1, max: 10 }), fc.constantFrom(256, 512, 768)),
};

function trits(length: number, seed: number): Int8Array {
  const next = draws(seed);
  return Int8Array.from({ length }, () => (next() % 3) - 1);
}

describe.each(Object.keys(OPERATIONS) as Encoding[])('laying out %s', (encoding) => {
  it('gives the trits that were packed, in all three kernels, however the rows are shared', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
    fc.assert(
      fc.property(shapes[encoding], fc.nat(), cuts, ([rows, columns], seed, cuts) => {
        const values = trits(rows * columns, seed);
        const bytes = packTernary(encoding, { values, shape: [rows, columns], scale: SCALE });
        for (const bench of benches) {
          const { matrix, status } = lay(bench, encoding, bytes, rows, columns, cuts);
          expect(status).toBe(0);
          expect(readBack(bench, matrix), bench.name).toEqual(values);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('gives rows that are laid out in pieces the same place', () => {
    const [rows, columns] = [16, 256];
    const values = trits(rows * columns, 5);
    const bytes = packTernary(encoding, { values, shape: [rows, columns], scale: SCALE });
    const storedRows = encoding === 'packed' ? rows / 4 : rows;
    const rowBytes = encoding === 'I2_S' ? columns / 4 : bytes.length / storedRows;
    const half = storedRows / 2;
    for (const bench of benches) {
      bench.clear();
      const matrix = emptyMatrix(bench, rows, columns, encoding);
      const status = bench.integers([0]);
      for (const first of [half, 0]) {
        const source = bench.bytes(bytes.subarray(first * rowBytes, (first + half) * rowBytes));
        const args = [source, columns, matrix.values, blockCount(columns), first, status, SCALE_CODE];
        bench.run(OPERATIONS[encoding], half, args);
      }
      expect(readBack(bench, matrix), bench.name).toEqual(values);
    }
  });
});

describe('laying out damaged weights', () => {
  it.each(['packed', 'I2_S', 'TQ2_0'] as const)('reports code 3 anywhere in %s', (encoding) => {
    const [rows, columns] = [8, 256];
    const bytes = packTernary(encoding, {
      values: trits(rows * columns, 7),
      shape: [rows, columns],
      scale: SCALE,
    });
    const isCode = (at: number): boolean => {
      if (encoding === 'I2_S') return at < (rows * columns) / 4;
      return encoding === 'packed' || at % 66 < 64;
    };
    for (const bench of benches) {
      for (let at = 0; at < bytes.length; at += 13) {
        if (!isCode(at)) continue;
        const damaged = Uint8Array.from(bytes);
        damaged[at] |= 3 << (2 * (at % 4));
        const { status } = lay(bench, encoding, damaged, rows, columns);
        expect(status & STATUS_INVALID_CODE, `${bench.name} byte ${at}`).toBe(STATUS_INVALID_CODE);
      }
    }
  });

  it.each(['TQ2_0', 'TQ1_0'] as const)('reports a block of %s with a scale of its own', (encoding) => {
    const blockBytes = encoding === 'TQ2_0' ? 66 : 54;
    const bytes = packTernary(encoding, { values: trits(1024, 3), shape: [2, 512], scale: SCALE });
    bytes[3 * blockBytes - 1] ^= 1;
    for (const bench of benches) {
      expect(lay(bench, encoding, bytes, 2, 512).status, bench.name).toBe(STATUS_UNEQUAL_SCALES);
    }
  });

  it.each(['TQ2_0', 'TQ1_0'] as const)('takes a block of %s with scale 0 for zeros', (encoding) => {
    const blockBytes = encoding === 'TQ2_0' ? 66 : 54;
    const values = trits(1024, 3);
    const bytes = packTernary(encoding, { values, shape: [2, 512], scale: SCALE });
    bytes.fill(0, 2 * blockBytes - 2, 2 * blockBytes);
    const expected = Int8Array.from(values).fill(0, 256, 512);
    for (const bench of benches) {
      const { matrix, status } = lay(bench, encoding, bytes, 2, 512);
      expect(status, bench.name).toBe(0);
      expect(readBack(bench, matrix), bench.name).toEqual(expected);
    }
  });

  it.each([
    ['F32', FORMAT_F32],
    ['BF16', FORMAT_BF16],
    ['F16', FORMAT_F16],
  ] as const)('reports infinities and NaN in %s', (dtype, format) => {
    for (const bench of benches) {
      for (const value of [Infinity, -Infinity, Number.NaN, 0.5]) {
        bench.clear();
        const row = Float32Array.from({ length: 13 }, (_, i) => i);
        row[11] = value;
        const source =
          dtype === 'F32'
            ? bench.floats(row)
            : bench.bytes(new Uint8Array(Uint16Array.from(row, (x) => numberToHalf(dtype, x)).buffer));
        const status = bench.integers([0]);
        const target = bench.room(matrixBytes(1, 13, format));
        bench.run('layFloats', 1, [source, format, 13, target, 0, status]);
        const expected = value === 0.5 ? 0 : STATUS_NOT_FINITE;
        expect(bench.readIntegers(status, 1)[0], `${bench.name} ${value}`).toBe(expected);
      }
    }
  });
});

describe('ternarising master weights', () => {
  it.each(['F32', 'BF16', 'F16'] as const)('gives the integers and the scale of absmean in %s', (dtype) => {
    const format = { F32: FORMAT_F32, BF16: FORMAT_BF16, F16: FORMAT_F16 }[dtype];
    const weight = fc.oneof(
      fc.double({ min: -2, max: 2, noNaN: true }),
      fc.constantFrom(0, -0, 0.5, -0.5, 1, 1.5, 1e-34),
    );
    const matrices = fc
      .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 150 }))
      .chain(([rows, columns]) =>
        fc.tuple(
          fc.constant(rows),
          fc.constant(columns),
          fc.array(weight, { minLength: rows * columns, maxLength: rows * columns }),
        ),
      );
    fc.assert(
      fc.property(matrices, ([rows, columns, drawn]) => {
        // Powers of two have room in every format, and sums of few of them are exact in any order.
        const weights = Float32Array.from(drawn, (w) => Math.round(w * 64) / 64);
        const expected = quantizeWeights('absmean-ternary', weights);
        for (const bench of benches) {
          bench.clear();
          const source =
            dtype === 'F32'
              ? bench.floats(weights)
              : bench.bytes(new Uint8Array(Uint16Array.from(weights, (x) => numberToHalf(dtype, x)).buffer));
          const sums = bench.room(8 * rows);
          bench.run('sumMagnitudes', rows, [source, format, columns, sums, 0], [0.4]);
          const mean = Math.fround(bench.readDoubles(sums, rows).reduce((a, b) => a + b, 0) / weights.length);
          const inverse = Math.fround(1 / Math.max(mean, Math.fround(1e-5)));
          const matrix = emptyMatrix(bench, rows, columns, 'I2_S');
          const status = bench.integers([0]);
          const args = [source, format, columns, matrix.values, blockCount(columns), 0];
          bench.run('layTernarised', rows, [...args, floatBits(inverse), 0, status], [0.7]);
          expect(readBack(bench, matrix), bench.name).toEqual(expected.values);
          expect(Math.fround(1 / inverse)).toBe(expected.scale);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('reports weights that were to be ternary already and are not', () => {
    for (const bench of benches) {
      for (const [weights, expected] of [
        [[0.25, 0, -0.25, 0.25], 0],
        [[0.25, 0, -0.25, 0.5], STATUS_UNEQUAL_SCALES],
      ] as const) {
        bench.clear();
        const matrix = emptyMatrix(bench, 1, 4, 'I2_S');
        const status = bench.integers([0]);
        const args = [bench.floats(weights), FORMAT_F32, 4, matrix.values, 1, 0];
        bench.run('layTernarised', 1, [...args, floatBits(4), floatBits(0.25), status]);
        expect(bench.readIntegers(status, 1)[0], bench.name).toBe(expected);
      }
    }
  });
});

describe('countTrits', () => {
  it('counts every trit once, padding as zeros', () => {
    const [rows, columns] = [6, 70];
    const values = trits(rows * columns, 11);
    const count = (value: number): number => values.filter((trit) => trit === value).length;
    for (const bench of benches) {
      bench.clear();
      const matrix = bench.ternary(values, rows, columns, 'neighbours');
      const counts = bench.room(16);
      bench.run('countTrits', 2, [matrix.values, 2, counts]);
      const [zerosA, plusA, zerosB, plusB] = bench.readIntegers(counts, 4);
      expect(plusA + plusB, bench.name).toBe(count(1));
      expect(zerosA + zerosB - (8 * 128 - rows * columns), bench.name).toBe(count(0));
    }
  });
});
