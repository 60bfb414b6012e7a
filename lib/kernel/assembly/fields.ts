// Codes 0, 1, 2 (trit + 1) into the fields of a ternary matrix.
import { BLOCK_BYTES, GROUP_ROWS } from '../layout';

// In the plain build the top field of every 16-bit lane holds the signed trit; see quantized.ts.
const TOP_FIELD: i16 = ASC_FEATURE_RELAXED_SIMD ? 0 : 0x4000;

/** Where a lane of a group begins. */
// @ts-ignore: decorator
@inline
export function laneAddress(values: usize, blocks: i32, group: i32, lane: i32): usize {
  return values + <usize>group * <usize>blocks * BLOCK_BYTES + <usize>lane * (BLOCK_BYTES / GROUP_ROWS);
}

/** Stores 64 columns of one row: columns 0-15, 16-31, 32-47, 48-63, a code a byte. */
// @ts-ignore: decorator
@inline
export function storeFields(target: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  const low = v128.or(c0, i16x8.shl(c1, 2));
  const high = v128.or(i16x8.shl(c2, 4), i16x8.shl(c3, 6));
  v128.store(target, i16x8.sub(v128.or(low, high), i16x8.splat(TOP_FIELD)));
}

/** Groups `from` to `to` to zeros: rows that pad the last group keep them. */
export function clearGroups(from: i32, to: i32, scratch: usize, values: usize, blocks: i32): void {
  const ones = i8x16.splat(1);
  for (let g = from; g < to; g++) {
    const group = laneAddress(values, blocks, g, 0);
    for (let at = group; at < group + <usize>blocks * BLOCK_BYTES; at += 16) storeFields(at, ones, ones, ones, ones);
  }
}

/**
 * Counts of groups `from` to `to`, padding included: zeros and plus ones.
 * @param counts `[groups][2]` i32
 */
export function countTrits(from: i32, to: i32, scratch: usize, values: usize, blocks: i32, counts: usize): void {
  const low = i8x16.splat(0x55);
  for (let g = from; g < to; g++) {
    let zeros: i32 = 0;
    let plus: i32 = 0;
    let at = laneAddress(values, blocks, g, 0);
    for (const end = at + <usize>blocks * BLOCK_BYTES; at < end; at += 16) {
      const codes = i16x8.add(v128.load(at), i16x8.splat(TOP_FIELD));
      zeros += bitsSet(v128.and(codes, low));
      plus += bitsSet(v128.andnot(codes, low));
    }
    const target = counts + ((<usize>g) << 3);
    store<i32>(target, zeros);
    store<i32>(target, plus, 4);
  }
}

// @ts-ignore: decorator
@inline
function bitsSet(bits: v128): i32 {
  return <i32>(popcnt<i64>(i64x2.extract_lane(bits, 0)) + popcnt<i64>(i64x2.extract_lane(bits, 1)));
}
