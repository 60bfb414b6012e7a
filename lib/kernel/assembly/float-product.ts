// Matrices of f32, bf16 or f16 times f32 vectors: the head, and every linear layer of a model without quantization.
// Every row has its sum in eight (16-bit formats: four even, four odd columns) or four running sums, whatever the
// number of tokens and threads. 16-bit formats take the vectors in paired order: of every eight columns first the even,
// then the odd ones, so that one shift and one mask widen the weights.
import {
  FORMAT_BF16,
  FORMAT_F32,
  MATRIX_BYTES,
  MATRIX_FIRST_GROUP,
  MATRIX_FORMAT,
  MATRIX_GROUPS,
  MATRIX_GROUP_STEP,
  MATRIX_OUT_OFFSET,
  MATRIX_ROW_STEP,
  MATRIX_VALUES,
  RESULT_ADD,
} from '../layout';
import { widenEvenF16, widenOddF16 } from './half';
import { sumLanesF32x4 } from './sums';

/** Bytes of a group of four rows; columns are padded to a multiple of eight. */
// @ts-ignore: decorator
@inline
export function floatGroupBytes(format: i32, columns: i32): usize {
  return <usize>((columns + 7) & ~7) * (format == FORMAT_F32 ? 16 : 8);
}

/**
 * Groups `from` to `to`, counted through all `count` matrices, times every token.
 * @param matrices records of matrices of one format and as many columns
 * @param x `[tokens][stride]`, zero beyond `columns`; in paired order for the 16-bit formats
 * @param out `[tokens][outStride]`
 */
export function floatProduct(
  from: i32,
  to: i32,
  scratch: usize,
  matrices: usize,
  count: i32,
  columns: i32,
  x: usize,
  stride: i32,
  tokens: i32,
  out: usize,
  outStride: i32,
  mode: i32,
): void {
  for (let m = 0; m < count; m++) {
    const matrix = matrices + <usize>m * MATRIX_BYTES;
    const first = load<i32>(matrix, MATRIX_FIRST_GROUP);
    const start = max(from, first);
    const end = min(to, first + load<i32>(matrix, MATRIX_GROUPS));
    const format = load<i32>(matrix, MATRIX_FORMAT);
    const groupBytes = floatGroupBytes(format, columns);
    const groupStep = (<usize>load<i32>(matrix, MATRIX_GROUP_STEP)) << 2;
    const step = (<usize>load<i32>(matrix, MATRIX_ROW_STEP)) << 2;
    let weights = <usize>load<u32>(matrix, MATRIX_VALUES) + <usize>(start - first) * groupBytes;
    let rows = out + ((<usize>load<i32>(matrix, MATRIX_OUT_OFFSET)) << 2) + <usize>(start - first) * groupStep;
    for (let g = start; g < end; g++) {
      let vector = x;
      let at = rows;
      for (let t = 0; t < tokens; t++) {
        const y = groupTimesFloats(weights, groupBytes, format, vector);
        if (mode == RESULT_ADD) {
          store<f32>(at, load<f32>(at) + f32x4.extract_lane(y, 0));
          store<f32>(at + step, load<f32>(at + step) + f32x4.extract_lane(y, 1));
          store<f32>(at + 2 * step, load<f32>(at + 2 * step) + f32x4.extract_lane(y, 2));
          store<f32>(at + 3 * step, load<f32>(at + 3 * step) + f32x4.extract_lane(y, 3));
        } else {
          v128.store_lane<i32>(at, y, 0);
          v128.store_lane<i32>(at + step, y, 1);
          v128.store_lane<i32>(at + 2 * step, y, 2);
          v128.store_lane<i32>(at + 3 * step, y, 3);
        }
        vector += (<usize>stride) << 2;
        at += (<usize>outStride) << 2;
      }
      weights += groupBytes;
      rows += groupStep;
    }
  }
}

/**
 * Rows of one matrix picked by number, times one vector: what the shortlist leaves to compute exactly. The sums are
 * those of floatProduct, bit for bit.
 * @param ids `[count]` rows; the matrix's steps are 4 and 1
 * @param out `[count]`
 */
export function floatProductOfRows(
  from: i32,
  to: i32,
  scratch: usize,
  matrix: usize,
  columns: i32,
  x: usize,
  ids: usize,
  out: usize,
): void {
  const format = load<i32>(matrix, MATRIX_FORMAT);
  const groupBytes = floatGroupBytes(format, columns);
  for (let i = from; i < to; i++) {
    const row = load<i32>(ids + ((<usize>i) << 2));
    const weights = <usize>load<u32>(matrix, MATRIX_VALUES) + <usize>(row >> 2) * groupBytes;
    v128.store(scratch, groupTimesFloats(weights, groupBytes, format, x));
    store<f32>(out + ((<usize>i) << 2), load<f32>(scratch + ((<usize>(row & 3)) << 2)));
  }
}

// @ts-ignore: decorator
@inline
function groupTimesFloats(weights: usize, groupBytes: usize, format: i32, x: usize): v128 {
  if (format == FORMAT_BF16) return groupTimesBf16(weights, groupBytes, x);
  if (format == FORMAT_F32) return groupTimesF32(weights, groupBytes, x);
  return groupTimesF16(weights, groupBytes, x);
}

function groupTimesBf16(weights: usize, groupBytes: usize, x: usize): v128 {
  const high = i32x4.splat(0xffff0000);
  let a = x;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  for (let w = weights, end = weights + groupBytes; w < end; w += 64) {
    const even = v128.load(a);
    const odd = v128.load(a, 16);
    let v = v128.load(w);
    s0 = f32x4.add(s0, f32x4.mul(even, i32x4.shl(v, 16)));
    t0 = f32x4.add(t0, f32x4.mul(odd, v128.and(v, high)));
    v = v128.load(w, 16);
    s1 = f32x4.add(s1, f32x4.mul(even, i32x4.shl(v, 16)));
    t1 = f32x4.add(t1, f32x4.mul(odd, v128.and(v, high)));
    v = v128.load(w, 32);
    s2 = f32x4.add(s2, f32x4.mul(even, i32x4.shl(v, 16)));
    t2 = f32x4.add(t2, f32x4.mul(odd, v128.and(v, high)));
    v = v128.load(w, 48);
    s3 = f32x4.add(s3, f32x4.mul(even, i32x4.shl(v, 16)));
    t3 = f32x4.add(t3, f32x4.mul(odd, v128.and(v, high)));
    a += 32;
  }
  return sumLanesF32x4(f32x4.add(s0, t0), f32x4.add(s1, t1), f32x4.add(s2, t2), f32x4.add(s3, t3));
}

function groupTimesF16(weights: usize, groupBytes: usize, x: usize): v128 {
  let a = x;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  for (let w = weights, end = weights + groupBytes; w < end; w += 64) {
    const even = v128.load(a);
    const odd = v128.load(a, 16);
    let v = v128.load(w);
    s0 = f32x4.add(s0, f32x4.mul(even, widenEvenF16(v)));
    t0 = f32x4.add(t0, f32x4.mul(odd, widenOddF16(v)));
    v = v128.load(w, 16);
    s1 = f32x4.add(s1, f32x4.mul(even, widenEvenF16(v)));
    t1 = f32x4.add(t1, f32x4.mul(odd, widenOddF16(v)));
    v = v128.load(w, 32);
    s2 = f32x4.add(s2, f32x4.mul(even, widenEvenF16(v)));
    t2 = f32x4.add(t2, f32x4.mul(odd, widenOddF16(v)));
    v = v128.load(w, 48);
    s3 = f32x4.add(s3, f32x4.mul(even, widenEvenF16(v)));
    t3 = f32x4.add(t3, f32x4.mul(odd, widenOddF16(v)));
    a += 32;
  }
  return sumLanesF32x4(f32x4.add(s0, t0), f32x4.add(s1, t1), f32x4.add(s2, t2), f32x4.add(s3, t3));
}

function groupTimesF32(weights: usize, groupBytes: usize, x: usize): v128 {
  let a = x;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let w = weights, end = weights + groupBytes; w < end; w += 64) {
    const v = v128.load(a);
    s0 = f32x4.add(s0, f32x4.mul(v, v128.load(w)));
    s1 = f32x4.add(s1, f32x4.mul(v, v128.load(w, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v, v128.load(w, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v, v128.load(w, 48)));
    a += 16;
  }
  return sumLanesF32x4(s0, s1, s2, s3);
}

/**
 * Tokens `from` to `to` into paired order: of every eight columns first the four even, then the four odd ones.
 * @param columns a multiple of eight
 */
export function pairColumns(
  from: i32,
  to: i32,
  scratch: usize,
  x: usize,
  stride: i32,
  columns: i32,
  out: usize,
  outStride: i32,
): void {
  for (let t = from; t < to; t++) {
    const row = x + ((<usize>t * <usize>stride) << 2);
    const target = out + ((<usize>t * <usize>outStride) << 2);
    for (let c: usize = 0; c < <usize>columns << 2; c += 32) {
      const low = v128.load(row + c);
      const high = v128.load(row + c, 16);
      v128.store(target + c, v128.shuffle<i32>(low, high, 0, 2, 4, 6));
      v128.store(target + c, v128.shuffle<i32>(low, high, 1, 3, 5, 7), 16);
    }
  }
}
