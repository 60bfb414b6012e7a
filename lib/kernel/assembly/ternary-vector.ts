// Four rows times one quantized vector; the rows' sums, before the correction, come back in the four lanes.
import { BLOCK_BYTES } from '../layout';
import { sumLanesI32x4 } from './sums';

// Read from memory and not written as a constant: with a constant, Node 24 rebuilds the mask in the loop, 1.8 times slower.
const LOW_FIELDS: usize = memory.data<u8>([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]);

/** Blocks whose products fit 16 bits: 16 blocks · 4 fields · 2 products a lane · 2 · 128 = 32,768, and that only downwards. */
export const NARROW_BLOCKS = 16;

// @ts-ignore: decorator
@inline
export function groupTimesVector(weights: usize, blocks: i32, values: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? relaxedGroupTimesVector(weights, blocks, values)
    : plainGroupTimesVector(weights, blocks, values + <usize>blocks * 64);
}

/** rdot: the relaxed 8-bit dot product, whose second operand has to stay below 128; it is trit + 1 here. */
// @ts-ignore: decorator
@inline
function relaxedGroupTimesVector(weights: usize, blocks: i32, values: usize): v128 {
  const mask = v128.load(LOW_FIELDS);
  let w = weights;
  let a = values;
  let t0 = i32x4.splat(0);
  let t1 = i32x4.splat(0);
  let t2 = i32x4.splat(0);
  let t3 = i32x4.splat(0);
  for (let left = blocks; left > 0; left -= NARROW_BLOCKS) {
    const end = w + <usize>min(left, NARROW_BLOCKS) * BLOCK_BYTES;
    let s0 = i16x8.splat(0);
    let s1 = i16x8.splat(0);
    let s2 = i16x8.splat(0);
    let s3 = i16x8.splat(0);
    while (w < end) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      let x = v128.load(a);
      s0 = i16x8.add(s0, v128.relaxed_dot<i16>(x, v128.and(w0, mask)));
      s1 = i16x8.add(s1, v128.relaxed_dot<i16>(x, v128.and(w1, mask)));
      s2 = i16x8.add(s2, v128.relaxed_dot<i16>(x, v128.and(w2, mask)));
      s3 = i16x8.add(s3, v128.relaxed_dot<i16>(x, v128.and(w3, mask)));
      x = v128.load(a, 16);
      s0 = i16x8.add(s0, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w0, 2), mask)));
      s1 = i16x8.add(s1, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w1, 2), mask)));
      s2 = i16x8.add(s2, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w2, 2), mask)));
      s3 = i16x8.add(s3, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w3, 2), mask)));
      x = v128.load(a, 32);
      s0 = i16x8.add(s0, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w0, 4), mask)));
      s1 = i16x8.add(s1, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w1, 4), mask)));
      s2 = i16x8.add(s2, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w2, 4), mask)));
      s3 = i16x8.add(s3, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w3, 4), mask)));
      x = v128.load(a, 48);
      s0 = i16x8.add(s0, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w0, 6), mask)));
      s1 = i16x8.add(s1, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w1, 6), mask)));
      s2 = i16x8.add(s2, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w2, 6), mask)));
      s3 = i16x8.add(s3, v128.relaxed_dot<i16>(x, v128.and(i16x8.shr_u(w3, 6), mask)));
      w += BLOCK_BYTES;
      a += 64;
    }
    t0 = i32x4.add(t0, i32x4.extadd_pairwise_i16x8_s(s0));
    t1 = i32x4.add(t1, i32x4.extadd_pairwise_i16x8_s(s1));
    t2 = i32x4.add(t2, i32x4.extadd_pairwise_i16x8_s(s2));
    t3 = i32x4.add(t3, i32x4.extadd_pairwise_i16x8_s(s3));
  }
  return sumLanesI32x4(t0, t1, t2, t3);
}

/** dotsh: shifts without masks; see completeVector in quantized.ts for the differences. Exact modulo 2³². */
// @ts-ignore: decorator
@inline
function plainGroupTimesVector(weights: usize, blocks: i32, differences: usize): v128 {
  let d = differences;
  let t0 = i32x4.splat(0);
  let t1 = i32x4.splat(0);
  let t2 = i32x4.splat(0);
  let t3 = i32x4.splat(0);
  for (let w = weights, end = weights + <usize>blocks * BLOCK_BYTES; w < end; w += BLOCK_BYTES) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const w2 = v128.load(w, 32);
    const w3 = v128.load(w, 48);
    let x = v128.load(d);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, w0));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, w1));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, w2));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, w3));
    x = v128.load(d, 16);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 2)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 2)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 2)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 2)));
    x = v128.load(d, 32);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 4)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 4)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 4)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 4)));
    x = v128.load(d, 48);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 6)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 6)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 6)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 6)));
    x = v128.load(d, 64);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 8)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 8)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 8)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 8)));
    x = v128.load(d, 80);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 10)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 10)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 10)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 10)));
    x = v128.load(d, 96);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 12)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 12)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 12)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 12)));
    x = v128.load(d, 112);
    t0 = i32x4.add(t0, i32x4.dot_i16x8_s(x, i16x8.shr_s(w0, 14)));
    t1 = i32x4.add(t1, i32x4.dot_i16x8_s(x, i16x8.shr_s(w1, 14)));
    t2 = i32x4.add(t2, i32x4.dot_i16x8_s(x, i16x8.shr_s(w2, 14)));
    t3 = i32x4.add(t3, i32x4.dot_i16x8_s(x, i16x8.shr_s(w3, 14)));
    d += 128;
  }
  return sumLanesI32x4(t0, t1, t2, t3);
}
