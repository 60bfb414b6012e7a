import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { numberToHalf } from '../../lib/checkpoint/dtypes.js';
import { fillAngles } from '../../lib/inference/angles.js';
import { floatBits } from '../../lib/inference/weight-pieces.js';
import {
  ATTENTION_BYTES,
  ATTENTION_CONTEXT,
  ATTENTION_COSINES,
  ATTENTION_HEADS,
  ATTENTION_HEAD_DIM,
  ATTENTION_HEAD_STRIDE,
  ATTENTION_KV_HEADS,
  ATTENTION_SCALE,
  ATTENTION_SCORE_STRIDE,
  ATTENTION_SINES,
  FORMAT_BF16,
  FORMAT_F16,
  FORMAT_F32,
  GATE_COLUMNS,
  GATE_RELU2,
  GATE_SILU,
  LOGIT_BLOCK,
  QUANTIZED_HEADER_BYTES,
  RESULT_STORE,
  SCORE_POSITIONS,
  VALUE_DIMENSIONS,
} from '../../lib/kernel/layout.js';
import { blockCount, matrixBytes, quantizedBytes, type Matrix } from '../../lib/kernel/matrix.js';
import { golden, values, type GoldenTensor } from '../golden/vectors.js';
import { allBenches, type Bench } from './bench.js';
import { compileKernel } from './compiled.js';
import { draws } from './draws.js';

let benches: Bench[];
beforeAll(async () => {
  await compileKernel();
  benches = await allBenches();
});

const GOLDEN = golden('ops/quantizers.json') as {
  cases: Record<string, { x: GoldenTensor; absmax_int8_per_token?: { q: GoldenTensor } }>;
};

/** Numbers around 0, the same for the same seed. */
function numbers(length: number, seed: number, size = 1): Float32Array {
  const next = draws(seed * 2 + 1);
  return Float32Array.from({ length }, () => size * (next() / 2 ** 23 - 1));
}

/** Runs the same on all kernels; results have to be the same to the bit. */
function sameEverywhere(compute: (bench: Bench) => ArrayLike<number>): ArrayLike<number> {
  const [first, ...others] = benches.map((bench) => {
    bench.clear();
    return { name: bench.name, result: compute(bench) };
  });
  for (const { name, result } of others) {
    expect(result, `${name} against ${first.name}`).toEqual(first.result);
  }
  return first.result;
}

/** Largest difference, absolute where numbers are small and relative where they are large. NaN counts as infinite. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
    if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}

const splits = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });

describe('quantize', () => {
  it('gives the integers and scales of the definition, half to even, for any row', () => {
    const row = fc.array(
      fc.oneof(
        fc.double({ min: -10, max: 10, noNaN: true }),
        fc.constantFrom(0, -0, 1e-7, 127, 63.5, 0.5, 1.5, 2.5),
      ),
      { minLength: 1, maxLength: 150 },
    );
    fc.assert(
      fc.property(row, (drawn) => {
        const x = Float32Array.from(drawn);
        const absmax = x.reduce((most, value) => Math.max(most, Math.abs(value)), Math.fround(1e-5));
        const scale = Math.fround(127 / absmax);
        const expected = Array.from(x, (value) => {
          const scaled = Math.fround(value * scale);
          const low = Math.floor(scaled);
          if (scaled - low !== 0.5) return Math.round(scaled) + 0;
          return low % 2 === 0 ? low : low + 1;
        });
        for (const bench of benches) {
          bench.clear();
          const record = bench.room(quantizedBytes(bench.name, x.length));
          bench.run('quantize', 1, [bench.floats(x), x.length, x.length, record, blockCount(x.length)]);
          expect(bench.readFloats(record, 1)[0]).toBe(scale);
          const q = new Int8Array(bench.buffer.slice(record + QUANTIZED_HEADER_BYTES)).subarray(0, x.length);
          expect([...q], bench.name).toEqual(expected.map((value) => value + 0));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives PyTorch's integers and scales for ordinary input and edge cases", () => {
    for (const [name, { x, absmax_int8_per_token: expected }] of Object.entries(GOLDEN.cases)) {
      // What a kernel does with NaN and infinity is its own affair: the loader lets none in.
      if (/nan|inf/i.test(name) || expected === undefined) continue;
      const [rows, columns] = x.shape;
      const stride = benches.map((bench) => quantizedBytes(bench.name, columns));
      for (const [i, bench] of benches.entries()) {
        bench.clear();
        const records = bench.room(rows * stride[i]);
        bench.run('quantize', rows, [
          bench.floats(values(x)),
          columns,
          columns,
          records,
          blockCount(columns),
        ]);
        const q: number[] = [];
        for (let t = 0; t < rows; t++) {
          const record = records + t * stride[i];
          const bytes = bench.buffer.slice(record + QUANTIZED_HEADER_BYTES);
          for (const value of new Int8Array(bytes, 0, columns)) q.push(value);
        }
        expect(q, `${name}, ${bench.name}`).toEqual(values(expected.q).map((value) => value + 0));
      }
    }
  });
});

describe('rmsNorm', () => {
  it('normalizes and scales rows of any length, alike in all kernels', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 130 }), fc.nat(), splits, (columns, seed, cuts) => {
        const tokens = 3;
        const x = numbers(tokens * columns, seed, 5);
        const gain = numbers(columns, seed + 1, 3);
        const result = sameEverywhere((bench) => {
          const out = bench.room(4 * tokens * columns);
          const args = [bench.floats(x), columns, columns, bench.floats(gain), floatBits(1e-5), out, columns];
          bench.run('rmsNorm', tokens, args, cuts);
          return bench.readFloats(out, tokens * columns);
        });
        const expected = Array.from(x, (value, i) => {
          const row = x.subarray(i - (i % columns), i - (i % columns) + columns);
          const mean = row.reduce((sum, v) => sum + v * v, 0) / columns;
          return (value / Math.sqrt(mean + 1e-5)) * gain[i % columns];
        });
        expect(difference(result, expected)).toBeLessThan(2e-6);
      }),
      { numRuns: 40 },
    );
  });
});

describe('gate', () => {
  it.each([
    ['relu2', GATE_RELU2, (g: number) => Math.max(g, 0) ** 2],
    ['silu', GATE_SILU, (g: number) => g / (1 + Math.exp(-g))],
  ] as const)('multiplies %s of the gate with up, alike in all kernels', (_name, activation, f) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(), splits, (columns, seed, cuts) => {
        const tokens = 2;
        const width = Math.ceil(columns / 4) * 4;
        const x = numbers(tokens * 2 * width, seed, seed % 2 === 0 ? 3 : 120);
        const result = sameEverywhere((bench) => {
          const gateUp = bench.floats(x);
          const items = tokens * Math.ceil(columns / GATE_COLUMNS);
          bench.run('gate', items, [gateUp, 2 * width, width, columns, activation], cuts);
          return [0, 1].flatMap((t) => [...bench.readFloats(gateUp + 8 * t * width, columns)]);
        });
        const expected = [0, 1].flatMap((t) =>
          Array.from({ length: columns }, (_, c) => f(x[2 * t * width + c]) * x[2 * t * width + width + c]),
        );
        expect(difference(result, expected)).toBeLessThan(2e-6);
      }),
      { numRuns: 30 },
    );
  });
});

describe('floatProduct, embed', () => {
  const FORMATS = [
    ['F32', FORMAT_F32],
    ['BF16', FORMAT_BF16],
    ['F16', FORMAT_F16],
  ] as const;

  function layFloats(
    bench: Bench,
    weights: Float32Array,
    rows: number,
    columns: number,
    index: number,
  ): Matrix {
    const [dtype, format] = FORMATS[index];
    const bytes = matrixBytes(rows, columns, format);
    const matrix: Matrix = {
      rows,
      columns,
      format,
      order: 'neighbours',
      scale: 1,
      values: bench.room(bytes),
    };
    new Uint8Array(bench.buffer, matrix.values, bytes).fill(0);
    const source =
      dtype === 'F32'
        ? bench.floats(weights)
        : bench.bytes(new Uint8Array(Uint16Array.from(weights, (w) => numberToHalf(dtype, w)).buffer));
    bench.run('layFloats', rows, [source, format, columns, matrix.values, 0, bench.integers([0])], [0.3]);
    return matrix;
  }

  it.each([0, 1, 2])('multiplies matrices of every shape, alike in all kernels (format %i)', (index) => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 150 }));
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        splits,
        ([rows, columns], tokens, seed, cuts) => {
          // Multiples of 1/16 are exact in every format; the last row holds numbers that are tiny in F16.
          const weights = numbers(rows * columns, seed).map((w, i) =>
            i < columns ? 2 ** -24 * Math.round(w * 8) : Math.round(w * 64) / 16,
          );
          const padded = Math.ceil(columns / 8) * 8;
          const x = new Float32Array(tokens * padded);
          for (let t = 0; t < tokens; t++) x.set(numbers(columns, seed + t), t * padded);
          const result = sameEverywhere((bench) => {
            const matrix = layFloats(bench, weights, rows, columns, index);
            const { address, groups, width } = bench.records([matrix]);
            let vectors = bench.floats(x);
            if (index > 0) {
              const paired = bench.room(4 * x.length);
              bench.run('pairColumns', tokens, [vectors, padded, padded, paired, padded], cuts);
              vectors = paired;
            }
            const out = bench.room(4 * tokens * width);
            const args = [address, 1, columns, vectors, padded, tokens, out, width, RESULT_STORE];
            bench.run('floatProduct', groups, args, cuts);
            const picked = bench.room(4 * rows);
            const ids = bench.integers(Array.from({ length: rows }, (_, i) => rows - 1 - i));
            bench.run('floatProductOfRows', rows, [address, columns, vectors, ids, picked], cuts);
            const all = Array.from({ length: tokens }, (_, t) => [
              ...bench.readFloats(out + 4 * t * width, rows),
            ]);
            // Rows picked one by one have the very same sums.
            expect([...bench.readFloats(picked, rows)].reverse(), bench.name).toEqual(all[0]);
            return all.flat();
          });
          // A float32 sum of n products errs by at most n · 2^-24 · Σ|w·x| (Higham, Accuracy and Stability, 3.1).
          for (let i = 0; i < tokens * rows; i++) {
            const [t, row] = [Math.floor(i / rows), i % rows];
            let [sum, magnitude] = [0, 0];
            for (let c = 0; c < columns; c++) {
              const product = weights[row * columns + c] * x[t * padded + c];
              sum += product;
              magnitude += Math.abs(product);
            }
            // One rounding more for a product that is not fused into its sum.
            expect(Math.abs(result[i] - sum)).toBeLessThanOrEqual((columns + 1) * 2 ** -24 * magnitude);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([0, 1, 2])('reads rows back exactly (format %i)', (index) => {
    const [rows, columns] = [7, 21];
    const weights = numbers(rows * columns, 3).map((w) => Math.round(w * 64) / 16);
    const ids = [6, 0, 3, 3];
    const result = sameEverywhere((bench) => {
      const { address } = bench.records([layFloats(bench, weights, rows, columns, index)]);
      const out = bench.room(4 * ids.length * 32);
      bench.run('embed', ids.length, [address, columns, bench.integers(ids), out, 32], [0.5]);
      return ids.flatMap((_, t) => [...bench.readFloats(out + 4 * 32 * t, columns)]);
    });
    expect(result).toEqual(ids.flatMap((id) => [...weights.subarray(id * columns, (id + 1) * columns)]));
  });
});

describe('attention', () => {
  interface Shape {
    kvHeads: number;
    group: number;
    dim: number;
    positions: number;
    seed: number;
    cuts: number[];
  }
  const shapes: fc.Arbitrary<Shape> = fc.record({
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 5 }),
    dim: fc.constantFrom(2, 6, 16, 24, 32, 40),
    positions: fc.integer({ min: 1, max: 90 }),
    seed: fc.nat(),
    cuts: splits,
  });

  /** Queries, keys, values of every token through RoPE, cache and attention; outputs of every token. */
  function run(bench: Bench, shape: Shape, batches: readonly number[]): Float32Array {
    const { kvHeads, group, dim, positions, seed, cuts } = shape;
    const heads = kvHeads * group;
    const headStride = Math.ceil(dim / 16) * 16;
    const scoreStride = Math.ceil(positions / 16) * 16;
    const stride = (heads + 2 * kvHeads) * dim;
    const qkv = numbers(positions * stride, seed, 2);
    const pairs = (positions * dim) / 2;
    const [cosines, sines] = [new Float32Array(pairs), new Float32Array(pairs)];
    fillAngles(10_000, dim, positions, cosines, sines);
    const record = bench.room(ATTENTION_BYTES);
    const view = new DataView(bench.buffer);
    for (const [offset, value] of [
      [ATTENTION_HEADS, heads],
      [ATTENTION_KV_HEADS, kvHeads],
      [ATTENTION_HEAD_DIM, dim],
      [ATTENTION_HEAD_STRIDE, headStride],
      [ATTENTION_CONTEXT, positions],
      [ATTENTION_SCORE_STRIDE, scoreStride],
      [ATTENTION_COSINES, bench.floats(cosines)],
      [ATTENTION_SINES, bench.floats(sines)],
    ]) {
      view.setInt32(record + offset, value, true);
    }
    view.setFloat32(record + ATTENTION_SCALE, 1 / Math.sqrt(dim), true);
    const zeros = (length: number): number => bench.floats(new Float32Array(length));
    const keys = zeros(kvHeads * positions * headStride);
    const values = zeros(kvHeads * positions * headStride);
    const queries = zeros(positions * heads * headStride);
    const scores = zeros(heads * scoreStride);
    const out = bench.room(4 * positions * heads * dim);
    let position = 0;
    for (const tokens of batches) {
      const from = bench.floats(qkv.subarray(position * stride, (position + tokens) * stride));
      const items = tokens * (heads + 2 * kvHeads);
      const offsets = [heads * dim, (heads + kvHeads) * dim];
      bench.run(
        'rotateAndCache',
        items,
        [record, from, stride, ...offsets, position, queries, keys, values],
        cuts,
      );
      const target = out + 4 * position * heads * dim;
      const length = position + tokens;
      if (tokens > 1) {
        const args = [record, queries, keys, values, position, target, heads * dim];
        bench.run('attention', tokens * kvHeads, args, cuts);
      } else {
        const parts = Math.ceil(length / SCORE_POSITIONS);
        bench.run('attentionScores', kvHeads * parts, [record, queries, keys, length, scores], cuts);
        bench.run('attentionSoftmax', heads, [record, length, scores], cuts);
        const slices = headStride / VALUE_DIMENSIONS;
        bench.run('attentionValues', kvHeads * slices, [record, values, length, scores, target], cuts);
      }
      position += tokens;
    }
    return bench.readFloats(out, positions * heads * dim);
  }

  /** The definition, in double precision. */
  function expected({ kvHeads, group, dim, positions, seed }: Shape): number[] {
    const heads = kvHeads * group;
    const stride = (heads + 2 * kvHeads) * dim;
    const qkv = numbers(positions * stride, seed, 2);
    const rotated = (p: number, offset: number): number[] => {
      const x = qkv.subarray(p * stride + offset, p * stride + offset + dim);
      return Array.from({ length: dim }, (_, i) => {
        const pair = i % (dim / 2);
        const angle = p * 10_000 ** ((-2 * pair) / dim);
        const other = i < dim / 2 ? -x[i + dim / 2] : x[i - dim / 2];
        return x[i] * Math.cos(angle) + other * Math.sin(angle);
      });
    };
    const dot = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
    const result: number[] = [];
    for (let p = 0; p < positions; p++) {
      for (let head = 0; head < heads; head++) {
        const kvHead = Math.floor(head / group);
        const query = rotated(p, head * dim);
        const weights = Array.from({ length: p + 1 }, (_, k) =>
          Math.exp(dot(query, rotated(k, (heads + kvHead) * dim)) / Math.sqrt(dim)),
        );
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let d = 0; d < dim; d++) {
          const at = (heads + kvHeads + kvHead) * dim + d;
          result.push(weights.reduce((sum, weight, k) => sum + (weight / total) * qkv[k * stride + at], 0));
        }
      }
    }
    return result;
  }

  it('is alike in all kernels, however the tokens come in batches', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.integer({ min: 1, max: 40 })), (shape, drawn) => {
        const batches: number[] = [];
        let left = shape.positions;
        for (const size of [...drawn, left]) {
          if (left === 0) break;
          batches.push(Math.min(size, left));
          left -= batches.at(-1)!;
        }
        const oneByOne = Array.from({ length: shape.positions }, () => 1);
        const result = sameEverywhere((bench) => run(bench, shape, batches));
        benches[0].clear();
        expect(run(benches[0], shape, oneByOne)).toEqual(result);
      }),
      { numRuns: 12 },
    );
  });

  it('gives causal grouped-query attention over rotated queries and keys', () => {
    fc.assert(
      fc.property(shapes, (drawn) => {
        const shape = { ...drawn, positions: Math.min(drawn.positions, 12) };
        benches[0].clear();
        const result = run(benches[0], shape, [shape.positions]);
        expect(difference(result, expected(shape))).toBeLessThan(1e-5);
      }),
      { numRuns: 20 },
    );
  });
});

describe('sumExponentials', () => {
  it('gives ln Σ e^logit by blocks, alike in all kernels', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), splits, (count, seed, cuts) => {
        const logits = numbers(count, seed, 30);
        const blocks = Math.ceil(count / LOGIT_BLOCK);
        const pairs = sameEverywhere((bench) => {
          const out = bench.room(16 * blocks);
          bench.run('sumExponentials', blocks, [bench.floats(logits), count, out], cuts);
          return bench.readDoubles(out, 2 * blocks);
        });
        let sum = 0;
        for (let i = 0; i < 2 * blocks; i += 2) sum += pairs[i + 1] * Math.exp(pairs[i]);
        const expected = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
        expect(Math.abs(Math.log(sum) - expected)).toBeLessThan(1e-6);
      }),
      { numRuns: 20 },
    );
  });
});

describe('readMemory', () => {
  it('reads all of a range', () => {
    const words = new Int32Array((3 * 65_536) / 4);
    words[5] = 1;
    words[20_000] = 2;
    words[words.length - 1] = 4;
    const result = sameEverywhere((bench) => {
      const sink = bench.integers([0]);
      bench.run('readMemory', 3, [bench.integers(words), sink], [0.4]);
      return bench.readIntegers(sink, 1);
    });
    expect([...(result as Int32Array)]).toEqual([7]);
  });
});
