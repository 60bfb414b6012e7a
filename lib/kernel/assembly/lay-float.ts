// Full-precision weights: laid out as they are, or made ternary on the way (absmean, arXiv 2402.17764, equations 1-3).
import {
  BLOCK_COLUMNS,
  FORMAT_BF16,
  FORMAT_F16,
  FORMAT_F32,
  STATUS_NOT_FINITE,
  STATUS_UNEQUAL_SCALES,
} from '../layout';
import { laneAddress, storeFields } from './fields';
import { floatGroupBytes } from './float-product';
import { widenF16 } from './half';

// @ts-ignore: decorator
@inline
function valueBytes(format: i32): usize {
  return format == FORMAT_F32 ? 4 : 2;
}

/** Four values of a row as f32. */
// @ts-ignore: decorator
@inline
function loadFour(at: usize, format: i32): v128 {
  if (format == FORMAT_F32) return v128.load(at);
  const codes = i32x4.extend_low_i16x8_u(v128.load64_zero(at));
  return format == FORMAT_BF16 ? i32x4.shl(codes, 16) : widenNonFiniteToo(codes);
}

// widenF16 makes numbers of infinity and NaN, of 2¹⁶ or more, which no other f16 is. Here they have to stay what they
// are: the sum of magnitudes is where the loader notices them.
// @ts-ignore: decorator
@inline
function widenNonFiniteToo(codes: v128): v128 {
  const wide = widenF16(codes);
  const isBeyond = f32x4.ge(f32x4.abs(wide), f32x4.splat(65_536));
  return v128.or(wide, v128.and(isBeyond, f32x4.splat(Infinity)));
}

/** Values of a row from `column`, at most 64, as f32 at `scratch`, zeros after its end. Returns where they are. */
function loadBlock(scratch: usize, row: usize, format: i32, column: i32, columns: i32): void {
  const bytes = valueBytes(format);
  let at = row + <usize>column * bytes;
  const left = columns - column;
  if (left < BLOCK_COLUMNS) {
    // Copied first: what follows the row in memory is another row, or nothing.
    const copy = scratch + 256;
    memory.fill(copy, 0, 256);
    memory.copy(copy, at, <usize>left * bytes);
    at = copy;
  }
  for (let c: usize = 0; c < <usize>BLOCK_COLUMNS; c += 4) v128.store(scratch + (c << 2), loadFour(at + c * bytes, format));
}

/**
 * Σ|w| of rows `from` to `to` in double precision, a sum a row, so that the total does not depend on the threads.
 * @param sums `[rows]` f64
 */
export function sumMagnitudes(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  format: i32,
  columns: i32,
  sums: usize,
  firstRow: i32,
): void {
  for (let r = from; r < to; r++) {
    const row = source + <usize>r * <usize>columns * valueBytes(format);
    let even = f64x2.splat(0);
    let odd = f64x2.splat(0);
    for (let c = 0; c < columns; c += BLOCK_COLUMNS) {
      loadBlock(scratch, row, format, c, columns);
      for (let i: usize = 0; i < 256; i += 16) {
        const w = f32x4.abs(v128.load(scratch + i));
        even = f64x2.add(even, f64x2.promote_low_f32x4(w));
        odd = f64x2.add(odd, f64x2.promote_low_f32x4(v128.shuffle<i64>(w, w, 1, 0)));
      }
    }
    const sum = f64x2.add(even, odd);
    store<f64>(sums + ((<usize>(firstRow + r)) << 3), f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  }
}

/**
 * Rows `from` to `to` made ternary: clamp(round half to even of w · inverse, -1, 1). Steps 4 and 1.
 * @param inverse bits of the f32 1 / max(mean|w|, 1e-5)
 * @param step bits of the f32 that every |w| other than 0 has to be, for weights that are ternary already; else 0
 * @param status gets STATUS_UNEQUAL_SCALES where one is not
 */
export function layTernarised(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  format: i32,
  columns: i32,
  values: usize,
  blocks: i32,
  firstRow: i32,
  inverse: i32,
  step: i32,
  status: usize,
): void {
  const factor = f32x4.splat(reinterpret<f32>(inverse));
  const magnitude = f32x4.splat(reinterpret<f32>(step));
  let unequal = i32x4.splat(0);
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    const weights = source + <usize>r * <usize>columns * valueBytes(format);
    for (let b = 0; b < blocks; b++) {
      loadBlock(scratch, weights, format, b * BLOCK_COLUMNS, columns);
      if (step != 0) {
        for (let i: usize = 0; i < 256; i += 16) {
          const w = f32x4.abs(v128.load(scratch + i));
          unequal = v128.or(unequal, v128.and(f32x4.ne(w, magnitude), f32x4.ne(w, f32x4.splat(0))));
        }
      }
      storeFields(
        laneAddress(values, blocks, row >> 2, row & 3) + <usize>b * 64,
        sixteenCodes(scratch, factor),
        sixteenCodes(scratch + 64, factor),
        sixteenCodes(scratch + 128, factor),
        sixteenCodes(scratch + 192, factor),
      );
    }
  }
  if (v128.any_true(unequal)) atomic.or<i32>(status, STATUS_UNEQUAL_SCALES);
}

// @ts-ignore: decorator
@inline
function sixteenCodes(at: usize, factor: v128): v128 {
  const low = i16x8.narrow_i32x4_s(fourCodes(at, factor), fourCodes(at + 16, factor));
  const high = i16x8.narrow_i32x4_s(fourCodes(at + 32, factor), fourCodes(at + 48, factor));
  return i8x16.narrow_i16x8_s(low, high);
}

// @ts-ignore: decorator
@inline
function fourCodes(at: usize, factor: v128): v128 {
  const rounded = f32x4.nearest(f32x4.mul(v128.load(at), factor));
  const trit = f32x4.max(f32x4.min(rounded, f32x4.splat(1)), f32x4.splat(-1));
  return i32x4.add(i32x4.trunc_sat_f32x4_s(trit), i32x4.splat(1));
}

/**
 * Rows `from` to `to` as they are, four rows side by side. Steps 4 and 1.
 * @param status gets STATUS_NOT_FINITE for an infinity or a NaN
 */
export function layFloats(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  format: i32,
  columns: i32,
  values: usize,
  firstRow: i32,
  status: usize,
): void {
  const bytes = valueBytes(format);
  const groupBytes = floatGroupBytes(format, columns);
  const perVector = format == FORMAT_F32 ? 4 : 8;
  // The exponent bits, all set in an infinity or a NaN.
  const exponent = format == FORMAT_F32 ? i32x4.splat(0x7f800000) : i16x8.splat(format == FORMAT_BF16 ? 0x7f80 : 0x7c00);
  let invalid = i32x4.splat(0);
  for (let r = from; r < to; r++) {
    const row = source + <usize>r * <usize>columns * bytes;
    const number = firstRow + r;
    let target = values + <usize>(number >> 2) * groupBytes + <usize>(number & 3) * 16;
    for (let c = 0; c < columns; c += perVector) {
      let at = row + <usize>c * bytes;
      if (c + perVector > columns) {
        v128.store(scratch, i32x4.splat(0));
        memory.copy(scratch, at, <usize>(columns - c) * bytes);
        at = scratch;
      }
      const v = v128.load(at);
      const masked = v128.and(v, exponent);
      invalid = v128.or(invalid, format == FORMAT_F32 ? i32x4.eq(masked, exponent) : i16x8.eq(masked, exponent));
      v128.store(target, v);
      target += 64;
    }
  }
  if (v128.any_true(invalid)) atomic.or<i32>(status, STATUS_NOT_FINITE);
}
