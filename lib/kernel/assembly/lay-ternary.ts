// Ternary weights from the bytes of each container into the kernel's layout, straight from the buffer that the file was
// read into. The containers' packings: lib/checkpoint/packing.ts.
import { BLOCK_COLUMNS, STATUS_INVALID_CODE, STATUS_UNEQUAL_SCALES } from '../layout';
import { laneAddress, storeFields } from './fields';

const THREE: u8 = 3;

// @ts-ignore: decorator
@inline
function field(bytes: v128, shift: i32): v128 {
  return v128.and(i16x8.shr_u(bytes, shift), i8x16.splat(THREE));
}

// Code 3 in any field: both of its bits set.
// @ts-ignore: decorator
@inline
function threes(bytes: v128): v128 {
  return v128.and(v128.and(bytes, i16x8.shr_u(bytes, 1)), i8x16.splat(0x55));
}

function raise(status: usize, bit: i32): void {
  atomic.or<i32>(status, bit);
}

/**
 * transformers' packed rows `from` to `to`: byte row r holds output rows r, r + R, r + 2R, r + 3R with R = out / 4, which
 * become group r (steps 1 and R).
 * @param source the first of these byte rows is row 0 here
 * @param firstGroup group of row 0
 */
export function layPacked(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  columns: i32,
  values: usize,
  blocks: i32,
  firstGroup: i32,
  status: usize,
): void {
  let invalid = i32x4.splat(0);
  for (let r = from; r < to; r++) {
    for (let b = 0; b < blocks; b++) {
      let at = source + <usize>r * <usize>columns + <usize>(b * BLOCK_COLUMNS);
      const left = columns - b * BLOCK_COLUMNS;
      if (left < BLOCK_COLUMNS) {
        memory.fill(scratch, 0x55, BLOCK_COLUMNS);
        memory.copy(scratch, at, <usize>left);
        at = scratch;
      }
      const s0 = v128.load(at);
      const s1 = v128.load(at, 16);
      const s2 = v128.load(at, 32);
      const s3 = v128.load(at, 48);
      invalid = v128.or(invalid, v128.or(v128.or(threes(s0), threes(s1)), v128.or(threes(s2), threes(s3))));
      const target = laneAddress(values, blocks, firstGroup + r, 0) + <usize>b * 64;
      storeFields(target, field(s0, 0), field(s1, 0), field(s2, 0), field(s3, 0));
      storeFields(target + 16, field(s0, 2), field(s1, 2), field(s2, 2), field(s3, 2));
      storeFields(target + 32, field(s0, 4), field(s1, 4), field(s2, 4), field(s3, 4));
      storeFields(target + 48, field(s0, 6), field(s1, 6), field(s2, 6), field(s3, 6));
    }
  }
  if (v128.any_true(invalid)) raise(status, STATUS_INVALID_CODE);
}

/**
 * I2_S rows `from` to `to`: 128 weights of the flattened matrix in 32 bytes, high bits first. Steps 4 and 1.
 * @param source where row 0 starts, on a whole number of 32-byte groups
 */
export function layI2S(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  columns: i32,
  values: usize,
  blocks: i32,
  firstRow: i32,
  status: usize,
): void {
  let invalid = i32x4.splat(0);
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    let target = laneAddress(values, blocks, row >> 2, row & 3);
    if (columns % 128 != 0) {
      invalid = v128.or(invalid, layCrossingRow(scratch, source, <usize>r * <usize>columns, columns, target));
      continue;
    }
    let at = source + <usize>r * <usize>(columns >> 2);
    for (let b = 0; b < blocks; b += 2) {
      const low = v128.load(at);
      const high = v128.load(at, 16);
      invalid = v128.or(invalid, v128.or(threes(low), threes(high)));
      storeFields(target, field(low, 6), field(high, 6), field(low, 4), field(high, 4));
      storeFields(target + 64, field(low, 2), field(high, 2), field(low, 0), field(high, 0));
      at += 32;
      target += 128;
    }
  }
  if (v128.any_true(invalid)) raise(status, STATUS_INVALID_CODE);
}

// A row of I2_S that starts or ends inside a group of 128, one weight at a time. `first` is its first weight.
function layCrossingRow(scratch: usize, source: usize, first: usize, columns: i32, target: usize): v128 {
  let invalid = i32x4.splat(0);
  for (let c = 0; c < columns; c += BLOCK_COLUMNS) {
    memory.fill(scratch, 1, BLOCK_COLUMNS);
    const end = <usize>min(BLOCK_COLUMNS, columns - c);
    for (let i: usize = 0; i < end; i++) {
      const weight = first + <usize>c + i;
      const byte = load<u8>(source + (weight >> 7) * 32 + (weight & 31));
      store<u8>(scratch + i, (byte >> <u8>(6 - 2 * ((weight >> 5) & 3))) & 3);
    }
    const c0 = v128.load(scratch);
    const c1 = v128.load(scratch, 16);
    const c2 = v128.load(scratch, 32);
    const c3 = v128.load(scratch, 48);
    invalid = v128.or(invalid, v128.or(v128.or(threes(c0), threes(c1)), v128.or(threes(c2), threes(c3))));
    storeFields(target + <usize>c, c0, c1, c2, c3);
  }
  return invalid;
}

// A block of 256 has a scale of its own in TQ files. A BitNet matrix has one for all; only a block of nothing but zeros
// may say 0 instead.
// @ts-ignore: decorator
@inline
function blockIsZero(code: u32, scaleCode: i32, status: usize): bool {
  if ((code & 0x7fff) == 0) return true;
  if (code != <u32>scaleCode) raise(status, STATUS_UNEQUAL_SCALES);
  return false;
}

function storeZeroBlocks(target: usize): void {
  const ones = i8x16.splat(1);
  for (let b: usize = 0; b < 4; b++) storeFields(target + b * 64, ones, ones, ones, ones);
}

/**
 * TQ2_0 rows `from` to `to`: 256 columns in 64 bytes, low bits first, and an f16 scale. Steps 4 and 1.
 * @param scaleCode f16 bits that every block has to have
 */
export function layTQ2(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  columns: i32,
  values: usize,
  blocks: i32,
  firstRow: i32,
  status: usize,
  scaleCode: i32,
): void {
  let invalid = i32x4.splat(0);
  const blockCount = columns >> 8;
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    let target = laneAddress(values, blocks, row >> 2, row & 3);
    let at = source + <usize>r * <usize>blockCount * 66;
    for (let b = 0; b < blockCount; b++) {
      const zero = blockIsZero(load<u16>(at, 64), scaleCode, status);
      for (let half = 0; half < 2; half++) {
        const low = v128.load(at + <usize>half * 32);
        const high = v128.load(at + <usize>half * 32, 16);
        invalid = v128.or(invalid, v128.or(threes(low), threes(high)));
        const t = target + <usize>half * 128;
        storeFields(t, field(low, 0), field(high, 0), field(low, 2), field(high, 2));
        storeFields(t + 64, field(low, 4), field(high, 4), field(low, 6), field(high, 6));
      }
      if (zero) storeZeroBlocks(target);
      at += 66;
      target += 256;
    }
  }
  if (v128.any_true(invalid)) raise(status, STATUS_INVALID_CODE);
}

/** TQ1_0 rows `from` to `to`: 256 columns in 52 bytes of base 3, and an f16 scale. Steps 4 and 1. */
export function layTQ1(
  from: i32,
  to: i32,
  scratch: usize,
  source: usize,
  columns: i32,
  values: usize,
  blocks: i32,
  firstRow: i32,
  status: usize,
  scaleCode: i32,
): void {
  const blockCount = columns >> 8;
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    let target = laneAddress(values, blocks, row >> 2, row & 3);
    let at = source + <usize>r * <usize>blockCount * 54;
    for (let b = 0; b < blockCount; b++) {
      let b0 = v128.load(at);
      let b1 = v128.load(at, 16);
      let b2 = v128.load(at, 32);
      for (let n: usize = 0; n < 5; n++) {
        v128.store(scratch + 32 * n, ternaryDigits(b0));
        v128.store(scratch + 32 * n, ternaryDigits(b1), 16);
        v128.store(scratch + 160 + 16 * n, ternaryDigits(b2));
        b0 = timesThree(b0);
        b1 = timesThree(b1);
        b2 = timesThree(b2);
      }
      let rest = v128.load32_zero(at + 48);
      for (let n: usize = 0; n < 4; n++) {
        v128.store_lane<i32>(scratch + 240 + 4 * n, ternaryDigits(rest), 0);
        rest = timesThree(rest);
      }
      for (let q: usize = 0; q < 4; q++) {
        const c = scratch + q * 64;
        storeFields(target + q * 64, v128.load(c), v128.load(c, 16), v128.load(c, 32), v128.load(c, 48));
      }
      if (blockIsZero(load<u16>(at, 52), scaleCode, status)) storeZeroBlocks(target);
      at += 54;
      target += 256;
    }
  }
}

// A stored byte is a fraction of 256; its next digit is the whole part of three times it.
// @ts-ignore: decorator
@inline
function ternaryDigits(bytes: v128): v128 {
  const low = i16x8.extend_low_i8x16_u(bytes);
  const high = i16x8.extend_high_i8x16_u(bytes);
  const three = i16x8.splat(3);
  return i8x16.narrow_i16x8_u(i16x8.shr_u(i16x8.mul(low, three), 8), i16x8.shr_u(i16x8.mul(high, three), 8));
}

// @ts-ignore: decorator
@inline
function timesThree(bytes: v128): v128 {
  return i8x16.add(bytes, i8x16.add(bytes, bytes));
}
