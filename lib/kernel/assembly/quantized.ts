// The quantized vector of one token: absmax int8 (arXiv 2402.17764, section 2), and what the products need beside it.
import { BLOCK_COLUMNS, QUANTIZED_CORRECTION, QUANTIZED_HEADER_BYTES } from '../layout';
import { sumLaneI32 } from './sums';

// Bytes from one token's quantized vector to the next.
// @ts-ignore: decorator
@inline
export function quantizedStride(blocks: i32): usize {
  const values = <usize>blocks * BLOCK_COLUMNS;
  return <usize>QUANTIZED_HEADER_BYTES + (ASC_FEATURE_RELAXED_SIMD ? values : values + 2 * values);
}

/**
 * Tokens `from` to `to`: s = 127 / max(max|x|, 1e-5), q = round half to even of x · s. Multiplying by s and dividing by
 * absmax / 127 differ in the last bit, which can flip a rounding; transformers multiplies.
 * @param x `[tokens][stride]` floats; the first `columns` of each row count
 */
export function quantize(
  from: i32,
  to: i32,
  scratch: usize,
  x: usize,
  stride: i32,
  columns: i32,
  quantized: usize,
  blocks: i32,
): void {
  for (let t = from; t < to; t++) {
    const row = x + ((<usize>t * <usize>stride) << 2);
    const record = quantized + <usize>t * quantizedStride(blocks);
    const scale = absmaxScale(row, columns);
    store<f32>(record, scale);
    const values = record + QUANTIZED_HEADER_BYTES;
    let c = 0;
    const scales = f32x4.splat(scale);
    for (; c + 16 <= columns; c += 16) {
      const at = row + ((<usize>c) << 2);
      const low = i16x8.narrow_i32x4_s(rounded(v128.load(at), scales), rounded(v128.load(at, 16), scales));
      const high = i16x8.narrow_i32x4_s(rounded(v128.load(at, 32), scales), rounded(v128.load(at, 48), scales));
      v128.store(values + c, i8x16.narrow_i16x8_s(low, high));
    }
    for (; c < columns; c++) {
      store<i8>(values + c, <i8>i32(nearest<f32>(load<f32>(row + ((<usize>c) << 2)) * scale)));
    }
    memory.fill(values + columns, 0, <usize>(blocks * BLOCK_COLUMNS - columns));
    completeVector(record, blocks);
  }
}

// @ts-ignore: decorator
@inline
function rounded(x: v128, scales: v128): v128 {
  // A NaN becomes 0, and nothing can leave -127..127, so the narrowing afterwards never clamps.
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(x, scales)));
}

function absmaxScale(row: usize, columns: i32): f32 {
  let largest = f32x4.splat(0);
  let c = 0;
  for (; c + 4 <= columns; c += 4) {
    largest = f32x4.max(largest, f32x4.abs(v128.load(row + ((<usize>c) << 2))));
  }
  let absmax = max(
    max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  for (; c < columns; c++) absmax = max(absmax, abs<f32>(load<f32>(row + ((<usize>c) << 2))));
  return <f32>127 / max(absmax, <f32>1e-5);
}

/**
 * Computes what follows from the integers of tokens `from` to `to`: the correction and, in the plain build, the
 * differences. `quantize` calls it; alone it lets integers chosen by hand through the products.
 */
export function completeQuantized(from: i32, to: i32, scratch: usize, quantized: usize, blocks: i32): void {
  for (let t = from; t < to; t++) completeVector(quantized + <usize>t * quantizedStride(blocks), blocks);
}

function completeVector(record: usize, blocks: i32): void {
  const values = record + QUANTIZED_HEADER_BYTES;
  const length = <usize>blocks * BLOCK_COLUMNS;
  let sums = i32x4.splat(0);
  if (ASC_FEATURE_RELAXED_SIMD) {
    // The products see trit + 1: Σ (trit + 1) a - Σ a = Σ trit · a.
    for (let v = values, end = values + length; v < end; v += 16) {
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(v))));
    }
  } else {
    // Two neighbouring bytes of weights are one 16-bit lane of eight fields f: four of the even column, then four of
    // the odd one. With t_f = lane >> 2f (arithmetic), field f is t_f - 4 t_{f+1}, so Σ field_f · a_f becomes
    // Σ t_f (a_f - 4 a_{f-1}): no masking. The top field has nothing above it and holds the signed trit itself, so it
    // stays out of the correction.
    let d = values + length;
    for (let b = 0; b < blocks; b++) {
      let previous = i16x8.splat(0);
      for (let half = 0; half < 2; half++) {
        for (let k = 0; k < 4; k++) {
          const bytes = v128.load(values + <usize>(b * BLOCK_COLUMNS + 16 * k));
          const a = half == 0 ? i16x8.shr_s(i16x8.shl(bytes, 8), 8) : i16x8.shr_s(bytes, 8);
          v128.store(d, i16x8.sub(a, i16x8.shl(previous, 2)));
          if (half == 0 || k < 3) sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(a));
          previous = a;
          d += 16;
        }
      }
    }
  }
  store<i32>(record, sumLaneI32(sums), QUANTIZED_CORRECTION);
}
