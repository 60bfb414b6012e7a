/** Arithmetic in float32, as the kernels do it: every intermediate result is rounded. */

import { roundHalfToEven } from '../../rounding.js';

/** Rounds to float32. */
export const f32: (x: number) => number = Math.fround;

/** Whole number nearest to a rounded value within limits; NaN is 0, as WebAssembly's saturating conversion has it. */
export function saturate(x: number, lowest: number, highest: number): number {
  return Number.isNaN(x) ? 0 : Math.min(Math.max(x, lowest), highest);
}

/** Running sums added up in the kernels' order: (0 + 2) + (1 + 3). */
export function sumLanes(lanes: ArrayLike<number>): number {
  return f32(f32(lanes[0] + lanes[2]) + f32(lanes[1] + lanes[3]));
}

const F16_RESCALE = 2 ** 112;
const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** f32 of 32 bits. */
export function f32FromBits(code: number): number {
  bits[0] = code;
  return value[0];
}

/** One bf16 or f16 code as a number. Infinity and NaN of f16 become large numbers, as in the kernels. */
export function halfToFloat(isBf16: boolean, code: number): number {
  if (isBf16) return f32FromBits(code << 16);
  return f32FromBits(((code & 0x8000) << 16) | ((code & 0x7fff) << 13)) * F16_RESCALE;
}

const LOG2_E = f32(Math.LOG2E);
const LN2_HIGH = f32(0.693359375);
const LN2_LOW = f32(-2.1219444e-4);
const POLYNOMIAL = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 0.16666665459, 0.50000001201,
].map((c) => f32(c));
const LOWEST = f32(-87.33);

/** e^x in float32, with the operations of assembly/exponential.ts. */
export function exponential(x: number): number {
  if (!(x >= LOWEST)) return 0;
  const clamped = Math.min(x, 88);
  const n = roundHalfToEven(f32(clamped * LOG2_E));
  let r = f32(clamped - f32(n * LN2_HIGH));
  r = f32(r - f32(n * LN2_LOW));
  let p = POLYNOMIAL[0];
  for (let i = 1; i < POLYNOMIAL.length; i++) p = f32(f32(p * r) + POLYNOMIAL[i]);
  p = f32(f32(f32(p * f32(r * r)) + r) + 1);
  return f32(p * 2 ** n);
}
