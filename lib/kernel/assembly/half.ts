// 16-bit floats to f32, exactly, denormals included.

/** Eight f16 as four 32-bit lanes of two: the lower, even ones. */
// @ts-ignore: decorator
@inline
export function widenEvenF16(pairs: v128): v128 {
  return widenHighF16(i32x4.shl(pairs, 16));
}

/** The upper, odd ones. */
// @ts-ignore: decorator
@inline
export function widenOddF16(pairs: v128): v128 {
  return widenHighF16(pairs);
}

// An f16 in the upper half of each lane. Its exponent and fraction, moved to where an f32 has them, are 2¹¹² too small;
// multiplying mends that, for denormals too. Infinity and NaN become large numbers: checkpoints hold none, and the
// loader refuses those that do.
// @ts-ignore: decorator
@inline
function widenHighF16(lanes: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shr_s(lanes, 3), i32x4.splat(0x8fffe000)), f32x4.splat(5.192296858534828e33));
}

/** Four f16 codes in the lower halves of 32-bit lanes. */
// @ts-ignore: decorator
@inline
export function widenF16(codes: v128): v128 {
  return widenHighF16(i32x4.shl(codes, 16));
}

/** One f16 code, exactly, infinity and NaN included only as large numbers. */
export function f16ToF32(code: u32): f32 {
  const bits: u32 = ((code & 0x8000) << 16) | ((code & 0x7fff) << 13);
  return reinterpret<f32>(bits) * <f32>5.192296858534828e33;
}
