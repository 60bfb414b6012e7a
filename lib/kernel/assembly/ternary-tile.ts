// Four rows times one or two quantized vectors, with the rows unpacked beforehand. Unpacked fields keep the meaning of
// the packed ones, so that the same correction applies: trit + 1, and in the plain build the signed trit in the top
// field of odd bytes. The four rows take turns every 16 bytes, so that one address reaches all of them: with an address
// for each, working these out cost a sixth of the time.
import { BLOCK_BYTES, BLOCK_COLUMNS } from '../layout';
import { sumLanesI32x4 } from './sums';

const LOW_FIELDS: usize = memory.data<u8>([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]);

/** Columns whose relaxed products fit 16 bits: 64 steps · 2 products a lane · 2 · 128 = 32,768, and that only downwards. */
const NARROW_COLUMNS: usize = 1024;

/** Bytes of a block of four unpacked rows: 8 bits a column in the relaxed build, 16 in the plain one. */
const UNPACKED_BLOCK_BYTES: usize = ASC_FEATURE_RELAXED_SIMD ? 4 * BLOCK_COLUMNS : 8 * BLOCK_COLUMNS;

/** Bytes of four unpacked rows. */
// @ts-ignore: decorator
@inline
export function unpackedGroupBytes(blocks: i32): usize {
  return <usize>blocks * UNPACKED_BLOCK_BYTES;
}

/** The four rows of a group into `target`, in the order of the columns, 16 bytes of each row in turn. */
export function unpackGroup(weights: usize, blocks: i32, target: usize): void {
  const mask = v128.load(LOW_FIELDS);
  for (let b = 0; b < blocks; b++) {
    for (let row: usize = 0; row < 4; row++) {
      const w = v128.load(weights + <usize>b * BLOCK_BYTES + row * 16);
      const t = target + <usize>b * UNPACKED_BLOCK_BYTES + row * 16;
      if (ASC_FEATURE_RELAXED_SIMD) {
        v128.store(t, v128.and(w, mask));
        v128.store(t, v128.and(i16x8.shr_u(w, 2), mask), 64);
        v128.store(t, v128.and(i16x8.shr_u(w, 4), mask), 128);
        v128.store(t, v128.and(i16x8.shr_u(w, 6), mask), 192);
      } else {
        storeWidened(t, v128.and(w, mask));
        storeWidened(t + 128, v128.and(i16x8.shr_u(w, 2), mask));
        storeWidened(t + 256, v128.and(i16x8.shr_u(w, 4), mask));
        // Even bytes hold trit + 1, odd bytes the signed trit: 16-bit lanes shifted down from the top keep the sign.
        const even = v128.and(i16x8.shr_u(w, 6), i16x8.splat(3));
        const odd = i16x8.shr_s(w, 14);
        v128.store(t, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), 384);
        v128.store(t, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 448);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function storeWidened(target: usize, bytes: v128): void {
  v128.store(target, i16x8.extend_low_i8x16_u(bytes));
  v128.store(target, i16x8.extend_high_i8x16_u(bytes), 64);
}

/** Sums of the four rows for the first token in the lanes of the result, for the second at `second`. */
export function tileOfTwo(rows: usize, blocks: i32, first: usize, other: usize, second: usize): v128 {
  const columns = <usize>blocks * BLOCK_COLUMNS;
  let p0 = i32x4.splat(0);
  let p1 = i32x4.splat(0);
  let p2 = i32x4.splat(0);
  let p3 = i32x4.splat(0);
  let q0 = i32x4.splat(0);
  let q1 = i32x4.splat(0);
  let q2 = i32x4.splat(0);
  let q3 = i32x4.splat(0);
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let start: usize = 0; start < columns; start += NARROW_COLUMNS) {
      const end = min(start + NARROW_COLUMNS, columns);
      let s0 = i16x8.splat(0);
      let s1 = i16x8.splat(0);
      let s2 = i16x8.splat(0);
      let s3 = i16x8.splat(0);
      let u0 = i16x8.splat(0);
      let u1 = i16x8.splat(0);
      let u2 = i16x8.splat(0);
      let u3 = i16x8.splat(0);
      for (let c = start; c < end; c += 16) {
        const a = v128.load(first + c);
        const b = v128.load(other + c);
        const at = rows + (c << 2);
        let w = v128.load(at);
        s0 = i16x8.add(s0, v128.relaxed_dot<i16>(a, w));
        u0 = i16x8.add(u0, v128.relaxed_dot<i16>(b, w));
        w = v128.load(at, 16);
        s1 = i16x8.add(s1, v128.relaxed_dot<i16>(a, w));
        u1 = i16x8.add(u1, v128.relaxed_dot<i16>(b, w));
        w = v128.load(at, 32);
        s2 = i16x8.add(s2, v128.relaxed_dot<i16>(a, w));
        u2 = i16x8.add(u2, v128.relaxed_dot<i16>(b, w));
        w = v128.load(at, 48);
        s3 = i16x8.add(s3, v128.relaxed_dot<i16>(a, w));
        u3 = i16x8.add(u3, v128.relaxed_dot<i16>(b, w));
      }
      p0 = i32x4.add(p0, i32x4.extadd_pairwise_i16x8_s(s0));
      p1 = i32x4.add(p1, i32x4.extadd_pairwise_i16x8_s(s1));
      p2 = i32x4.add(p2, i32x4.extadd_pairwise_i16x8_s(s2));
      p3 = i32x4.add(p3, i32x4.extadd_pairwise_i16x8_s(s3));
      q0 = i32x4.add(q0, i32x4.extadd_pairwise_i16x8_s(u0));
      q1 = i32x4.add(q1, i32x4.extadd_pairwise_i16x8_s(u1));
      q2 = i32x4.add(q2, i32x4.extadd_pairwise_i16x8_s(u2));
      q3 = i32x4.add(q3, i32x4.extadd_pairwise_i16x8_s(u3));
    }
  } else {
    for (let c: usize = 0; c < columns; c += 8) {
      const a = v128.load8x8_s(first + c);
      const b = v128.load8x8_s(other + c);
      const at = rows + (c << 3);
      let w = v128.load(at);
      p0 = i32x4.add(p0, i32x4.dot_i16x8_s(a, w));
      q0 = i32x4.add(q0, i32x4.dot_i16x8_s(b, w));
      w = v128.load(at, 16);
      p1 = i32x4.add(p1, i32x4.dot_i16x8_s(a, w));
      q1 = i32x4.add(q1, i32x4.dot_i16x8_s(b, w));
      w = v128.load(at, 32);
      p2 = i32x4.add(p2, i32x4.dot_i16x8_s(a, w));
      q2 = i32x4.add(q2, i32x4.dot_i16x8_s(b, w));
      w = v128.load(at, 48);
      p3 = i32x4.add(p3, i32x4.dot_i16x8_s(a, w));
      q3 = i32x4.add(q3, i32x4.dot_i16x8_s(b, w));
    }
  }
  v128.store(second, sumLanesI32x4(q0, q1, q2, q3));
  return sumLanesI32x4(p0, p1, p2, p3);
}

/** Sums of the four rows for one token: the last of an odd number. */
export function tileOfOne(rows: usize, blocks: i32, token: usize): v128 {
  // Both tokens of a tile may be the same one; the second result is thrown away.
  return tileOfTwo(rows, blocks, token, token, rows + unpackedGroupBytes(blocks));
}
