// Ternary matrices times quantized vectors.
//
// v1 ternary-vector.ts  one token: every cache line of weights is read once, at the speed of memory (decoding)
// v2 ternary-tile.ts    several tokens: four rows are unpacked once and stay in the cache for all tokens (prefill)
//
// Both give the same integers, so what a token computes does not depend on how many tokens came with it.
import {
  BLOCK_BYTES,
  MATRIX_BYTES,
  MATRIX_FIRST_GROUP,
  MATRIX_GROUPS,
  MATRIX_GROUP_STEP,
  MATRIX_OUT_OFFSET,
  MATRIX_ROW_STEP,
  MATRIX_SCALE,
  MATRIX_VALUES,
  QUANTIZED_CORRECTION,
  QUANTIZED_HEADER_BYTES,
  RESULT_ADD,
  RESULT_INTEGERS,
} from '../layout';
import { quantizedStride } from './quantized';
import { tileOfOne, tileOfTwo, unpackedGroupBytes, unpackGroup } from './ternary-tile';
import { groupTimesVector } from './ternary-vector';

// Results of the four rows of a group are written where the matrix's steps say.
// @ts-ignore: decorator
@inline
function storeRows(sums: v128, token: usize, matrix: usize, out: usize, step: usize, mode: i32): void {
  const exact = i32x4.sub(sums, v128.load32_splat(token, QUANTIZED_CORRECTION));
  if (mode == RESULT_INTEGERS) {
    v128.store_lane<i32>(out, exact, 0);
    v128.store_lane<i32>(out + step, exact, 1);
    v128.store_lane<i32>(out + 2 * step, exact, 2);
    v128.store_lane<i32>(out + 3 * step, exact, 3);
    return;
  }
  const scale = f32x4.splat(load<f32>(matrix, MATRIX_SCALE) / load<f32>(token));
  const y = f32x4.mul(f32x4.convert_i32x4_s(exact), scale);
  if (mode == RESULT_ADD) {
    store<f32>(out, load<f32>(out) + f32x4.extract_lane(y, 0));
    store<f32>(out + step, load<f32>(out + step) + f32x4.extract_lane(y, 1));
    store<f32>(out + 2 * step, load<f32>(out + 2 * step) + f32x4.extract_lane(y, 2));
    store<f32>(out + 3 * step, load<f32>(out + 3 * step) + f32x4.extract_lane(y, 3));
  } else {
    v128.store_lane<i32>(out, y, 0);
    v128.store_lane<i32>(out + step, y, 1);
    v128.store_lane<i32>(out + 2 * step, y, 2);
    v128.store_lane<i32>(out + 3 * step, y, 3);
  }
}

/**
 * Groups `from` to `to`, counted through all `count` matrices, times every token.
 * y = Σ trit · int8 (exact), then · weight scale / activation scale.
 * @param matrices records of matrices with the same columns (MATRIX_ in layout.ts)
 * @param blocks of 64 columns
 * @param quantized vectors of `tokens` tokens
 * @param out `[tokens][outStride]` floats, or i32 with RESULT_INTEGERS
 */
export function ternaryProduct(
  from: i32,
  to: i32,
  scratch: usize,
  matrices: usize,
  count: i32,
  blocks: i32,
  quantized: usize,
  tokens: i32,
  out: usize,
  outStride: i32,
  mode: i32,
): void {
  const groupBytes = <usize>blocks * BLOCK_BYTES;
  const tokenBytes = quantizedStride(blocks);
  const outBytes = <usize>outStride * 4;
  for (let m = 0; m < count; m++) {
    const matrix = matrices + <usize>m * MATRIX_BYTES;
    const first = load<i32>(matrix, MATRIX_FIRST_GROUP);
    const start = max(from, first);
    const end = min(to, first + load<i32>(matrix, MATRIX_GROUPS));
    const groupStep = (<usize>load<i32>(matrix, MATRIX_GROUP_STEP)) << 2;
    const rowStep = (<usize>load<i32>(matrix, MATRIX_ROW_STEP)) << 2;
    let weights = <usize>load<u32>(matrix, MATRIX_VALUES) + <usize>(start - first) * groupBytes;
    let rows = out + ((<usize>load<i32>(matrix, MATRIX_OUT_OFFSET)) << 2) + <usize>(start - first) * groupStep;
    for (let g = start; g < end; g++) {
      if (tokens == 1) {
        const sums = groupTimesVector(weights, blocks, quantized + QUANTIZED_HEADER_BYTES);
        storeRows(sums, quantized, matrix, rows, rowStep, mode);
      } else {
        unpackGroup(weights, blocks, scratch);
        // The second token's sums come back through the scratch behind the unpacked rows.
        const second = scratch + unpackedGroupBytes(blocks);
        let token = quantized;
        let at = rows;
        let t = 0;
        for (; t + 2 <= tokens; t += 2) {
          const next = token + tokenBytes;
          const sums = tileOfTwo(scratch, blocks, token + QUANTIZED_HEADER_BYTES, next + QUANTIZED_HEADER_BYTES, second);
          storeRows(sums, token, matrix, at, rowStep, mode);
          storeRows(v128.load(second), next, matrix, at + outBytes, rowStep, mode);
          token = next + tokenBytes;
          at += 2 * outBytes;
        }
        if (t < tokens) {
          const sums = tileOfOne(scratch, blocks, token + QUANTIZED_HEADER_BYTES);
          storeRows(sums, token, matrix, at, rowStep, mode);
        }
      }
      weights += groupBytes;
      rows += groupStep;
    }
  }
}
