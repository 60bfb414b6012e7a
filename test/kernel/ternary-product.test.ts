import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { RESULT_ADD, RESULT_INTEGERS, RESULT_STORE } from '../../lib/kernel/layout.js';
import { blockCount } from '../../lib/kernel/matrix.js';
import { allBenches, type Bench } from './bench.js';
import { compileKernel } from './compiled.js';
import { draws } from './draws.js';

let benches: Bench[];
beforeAll(async () => {
  await compileKernel();
  benches = await allBenches();
});

interface Product {
  shapes: { rows: number; order: 'neighbours' | 'quarters'; trits: Int8Array }[];
  columns: number;
  vectors: Int8Array[];
  cuts: number[];
}

/** Σ trit · int8 as the definition has it. */
function expectedIntegers({ shapes, columns, vectors }: Product): number[][][] {
  return vectors.map((vector) =>
    shapes.map(({ rows, trits }) =>
      Array.from({ length: rows }, (_, row) => {
        let sum = 0;
        for (let c = 0; c < columns; c++) sum += trits[row * columns + c] * vector[c];
        return sum;
      }),
    ),
  );
}

function integersOf(bench: Bench, product: Product): number[][][] {
  bench.clear();
  const { shapes, columns, vectors, cuts } = product;
  const matrices = shapes.map(({ rows, order, trits }) => bench.ternary(trits, rows, columns, order));
  const { address, groups, width } = bench.records(matrices);
  const quantized = bench.vectors(vectors, columns);
  const out = bench.room(4 * width * vectors.length);
  const args = [address, matrices.length, blockCount(columns), quantized, vectors.length, out, width];
  bench.run('ternaryProduct', groups, [...args, RESULT_INTEGERS], cuts);
  const sums = bench.readIntegers(out, width * vectors.length);
  return vectors.map((_, t) => {
    let offset = t * width;
    return shapes.map(({ rows }) => {
      const rowSums = [...sums.subarray(offset, offset + rows)];
      offset += Math.ceil(rows / 64) * 64;
      return rowSums;
    });
  });
}

// Whole columns of one value make the largest sums, in both directions.
const trit = fc.constantFrom(
  () => -1,
  () => 0,
  () => 1,
  (random: number) => (random % 3) - 1,
);
const activation = fc.constantFrom(
  () => 127,
  () => -128,
  () => -127,
  (random: number) => (random % 256) - 128,
);

function fill(length: number, seed: number, value: (random: number) => number): Int8Array {
  const next = draws(seed);
  return Int8Array.from({ length }, () => value(next()));
}

const columnCount = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.constantFrom(64, 128, 192, 224, 512, 1024, 1025, 1088, 2048, 2111, 2560),
);

const products: fc.Arbitrary<Product> = fc
  .record({
    columns: columnCount,
    rows: fc.array(fc.integer({ min: 1, max: 23 }), { minLength: 1, maxLength: 3 }),
    order: fc.constantFrom('neighbours' as const, 'quarters' as const),
    tokens: fc.integer({ min: 1, max: 5 }),
    seed: fc.nat(),
    trit,
    activation,
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
  })
  .map(({ columns, rows, order, tokens, seed, trit, activation, cuts }) => ({
    columns,
    shapes: rows.map((count, i) => ({ rows: count, order, trits: fill(count * columns, seed + i, trit) })),
    vectors: Array.from({ length: tokens }, (_, t) => fill(columns, seed + 100 + t, activation)),
    cuts,
  }));

describe('ternaryProduct', () => {
  it('gives the defined integers in all three kernels, for every shape, value, number of tokens and split', () => {
    fc.assert(
      fc.property(products, (product) => {
        const expected = expectedIntegers(product);
        for (const bench of benches) {
          expect(integersOf(bench, product), bench.name).toEqual(expected);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('gives the defined integers for the largest sums of the 2B4T shapes', () => {
    for (const columns of [2560, 6912]) {
      for (const [weight, value] of [
        [1, 127],
        [-1, 127],
        [1, -128],
        [-1, -128],
      ]) {
        const product: Product = {
          columns,
          shapes: [{ rows: 8, order: 'quarters', trits: new Int8Array(8 * columns).fill(weight) }],
          vectors: [1, 2, 3].map(() => new Int8Array(columns).fill(value)),
          cuts: [],
        };
        for (const bench of benches) {
          const sums = integersOf(bench, product).flat(2);
          expect(new Set(sums), `${bench.name} ${columns} ${weight} ${value}`).toEqual(
            new Set([columns * weight * value]),
          );
        }
      }
    }
  });

  it('scales by weight scale over activation scale, and stores or adds', () => {
    for (const bench of benches) {
      bench.clear();
      const matrix = bench.ternary(Int8Array.of(1, 1, -1, 0, 1, 0), 2, 3, 'neighbours', 0.3);
      const { address, groups, width } = bench.records([matrix]);
      const x = bench.floats([2, -1, 0.5]);
      const quantized = bench.room(4096);
      bench.run('quantize', 1, [x, 3, 3, quantized, 1]);
      // Scale 63.5: 2 → 127, -1 → -63.5 → -64 (half to even), 0.5 → 31.75 → 32.
      const y = [127 - 64 - 32, -64].map((sum) => Math.fround(sum * Math.fround(Math.fround(0.3) / 63.5)));
      const out = bench.floats(new Float32Array(width).fill(10));
      const args = [address, 1, 1, quantized, 1, out, width];
      bench.run('ternaryProduct', groups, [...args, RESULT_STORE]);
      expect([...bench.readFloats(out, 2)]).toEqual(y);
      bench.run('ternaryProduct', groups, [...args, RESULT_ADD]);
      expect([...bench.readFloats(out, 2)]).toEqual(y.map((value) => Math.fround(value + value)));
    }
  });
});
