import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { numberToHalf } from '../../lib/checkpoint/dtypes.js';
import { FORMAT_BF16, RESULT_STORE } from '../../lib/kernel/layout.js';
import { groupCount, matrixBytes, type Matrix } from '../../lib/kernel/matrix.js';
import { allBenches, type Bench } from './bench.js';
import { compileKernel } from './compiled.js';
import { draws } from './draws.js';

let benches: Bench[];
beforeAll(async () => {
  await compileKernel();
  benches = await allBenches();
});

interface Bounds {
  bounded: boolean;
  exact: Float32Array;
  lower: Float32Array;
  upper: Float32Array;
}

/** Exact logits and their intervals for a bf16 head. */
function bound(bench: Bench, weights: Float32Array, x: Float32Array, cuts: readonly number[]): Bounds {
  bench.clear();
  const columns = x.length;
  const rows = weights.length / columns;
  const bytes = matrixBytes(rows, columns, FORMAT_BF16);
  const matrix: Matrix = {
    rows,
    columns,
    format: FORMAT_BF16,
    order: 'neighbours',
    scale: 1,
    values: bench.room(bytes),
  };
  new Uint8Array(bench.buffer, matrix.values, bytes).fill(0);
  const codes = Uint16Array.from(weights, (w) => numberToHalf('BF16', w));
  const source = bench.bytes(new Uint8Array(codes.buffer));
  bench.run('layFloats', rows, [source, FORMAT_BF16, columns, matrix.values, 0, bench.integers([0])]);
  const { address, groups, width } = bench.records([matrix]);
  const vector = bench.floats(x);
  const paired = bench.room(4 * columns);
  bench.run('pairColumns', 1, [vector, columns, columns, paired, columns]);
  const out = bench.room(4 * width);
  bench.run('floatProduct', groups, [address, 1, columns, paired, columns, 1, out, width, RESULT_STORE]);
  const shortlist = bench.room(groupCount(rows) * (columns * 4 + 64));
  // In two halves, as pieces of a file come.
  const half = Math.floor(groups / 2);
  bench.run('layShortlist', half, [address, columns, shortlist, 0], cuts);
  bench.run('layShortlist', groups - half, [address, columns, shortlist, half], cuts);
  const quantized = bench.room(2 * columns + 64);
  const [lower, upper] = [bench.room(16 * groups), bench.room(16 * groups)];
  const bounded = bench.operations.quantizeForShortlist(vector, columns, quantized) === 1;
  if (bounded) bench.run('boundLogits', groups, [shortlist, columns, quantized, lower, upper], cuts);
  return {
    bounded,
    exact: bench.readFloats(out, rows),
    lower: bench.readFloats(lower, rows),
    upper: bench.readFloats(upper, rows),
  };
}

// Rows and vectors of every kind that makes int8 a bad fit: outliers, huge and tiny numbers, zeros, ties.
const magnitude = fc.constantFrom(1, 1, 1, 1e-3, 1e-12, 1e-30, 1e6, 0);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, -1, 100, -100, 0.5, 2 ** -20) },
);
const heads = fc
  .record({
    columns: fc.constantFrom(16, 32, 64, 128),
    rows: fc.integer({ min: 1, max: 30 }),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2 }),
  })
  .chain(({ columns, rows, cuts }) =>
    fc.record({
      cuts: fc.constant(cuts),
      x: fc
        .tuple(fc.constantFrom(1, 1, 1e-3, 1e3), fc.array(value, { minLength: columns, maxLength: columns }))
        .map(([size, row]) => Float32Array.from(row, (v) => v * size)),
      weights: fc
        .array(fc.tuple(magnitude, fc.array(value, { minLength: columns, maxLength: columns })), {
          minLength: rows,
          maxLength: rows,
        })
        .map((drawn) => Float32Array.from(drawn.flatMap(([size, row]) => row.map((v) => v * size)))),
    }),
  );

describe('boundLogits', () => {
  it('holds every exact logit between its ends, alike in all kernels', () => {
    fc.assert(
      fc.property(heads, ({ weights, x, cuts }) => {
        const [first, ...others] = benches.map((bench) => bound(bench, weights, x, cuts));
        for (const other of others) expect(other).toEqual(first);
        if (!first.bounded) return;
        for (const [i, logit] of first.exact.entries()) {
          expect(first.lower[i], `row ${i}`).toBeLessThanOrEqual(logit);
          expect(first.upper[i], `row ${i}`).toBeGreaterThanOrEqual(logit);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('leaves only rows out that are not among the k best', () => {
    fc.assert(
      fc.property(heads, fc.integer({ min: 1, max: 8 }), ({ weights, x }, drawn) => {
        const { bounded, exact, lower, upper } = bound(benches[0], weights, x, []);
        if (!bounded) return;
        const k = Math.min(drawn, exact.length);
        const least = [...lower].sort((a, b) => b - a)[k - 1];
        const kthBest = [...exact].sort((a, b) => b - a)[k - 1];
        const lost = exact.filter((logit, i) => upper[i] < least && logit >= kthBest);
        expect([...lost]).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('tells nearly all rows apart where weights are spread as in an embedding', () => {
    const [columns, rows] = [256, 2000];
    const next = draws(1);
    const random = (): number => next() / 2 ** 24;
    const normal = (): number => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6);
    const weights = Float32Array.from({ length: rows * columns }, normal);
    const x = Float32Array.from({ length: columns }, normal);
    const { lower, upper } = bound(benches[0], weights, x, []);
    const least = lower.reduce((most, end) => Math.max(most, end), -Infinity);
    expect(upper.filter((end) => end >= least).length).toBeLessThan(20);
  });

  it.each([
    ['zero', 0],
    ['infinite', Infinity],
    ['not a number', Number.NaN],
  ])('gives no bounds for a vector that is %s', (_name, value) => {
    for (const bench of benches) {
      const x = new Float32Array(16).fill(value);
      expect(bound(bench, new Float32Array(32).fill(1), x, []).bounded, bench.name).toBe(false);
    }
  });
});
