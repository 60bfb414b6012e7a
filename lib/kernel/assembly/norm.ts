// RMSNorm in float32, as transformers computes it: x · rsqrt(mean(x²) + ε), then · gain.
import { sumLaneF32 } from './sums';

/**
 * Tokens `from` to `to`.
 * @param x `[tokens][stride]`
 * @param gain `[columns]`
 * @param epsilon bits of the f32
 * @param out `[tokens][outStride]`
 */
export function rmsNorm(
  from: i32,
  to: i32,
  scratch: usize,
  x: usize,
  stride: i32,
  columns: i32,
  gain: usize,
  epsilon: i32,
  out: usize,
  outStride: i32,
): void {
  for (let t = from; t < to; t++) {
    const row = x + ((<usize>t * <usize>stride) << 2);
    const target = out + ((<usize>t * <usize>outStride) << 2);
    const factor =
      <f32>1 / sqrt<f32>(sumOfSquares(row, columns) / <f32>columns + reinterpret<f32>(epsilon));
    const factors = f32x4.splat(factor);
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      const at = (<usize>c) << 2;
      v128.store(target + at, f32x4.mul(f32x4.mul(v128.load(row + at), factors), v128.load(gain + at)));
    }
    for (; c < columns; c++) {
      const at = (<usize>c) << 2;
      store<f32>(target + at, load<f32>(row + at) * factor * load<f32>(gain + at));
    }
  }
}

/** Sixteen running sums: four vectors, so that one addition need not wait for the one before. */
function sumOfSquares(row: usize, columns: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let c = 0;
  for (; c + 16 <= columns; c += 16) {
    const at = row + ((<usize>c) << 2);
    const x0 = v128.load(at);
    const x1 = v128.load(at, 16);
    const x2 = v128.load(at, 32);
    const x3 = v128.load(at, 48);
    s0 = f32x4.add(s0, f32x4.mul(x0, x0));
    s1 = f32x4.add(s1, f32x4.mul(x1, x1));
    s2 = f32x4.add(s2, f32x4.mul(x2, x2));
    s3 = f32x4.add(s3, f32x4.mul(x3, x3));
  }
  let sum = sumLaneF32(f32x4.add(f32x4.add(s0, s2), f32x4.add(s1, s3)));
  for (; c < columns; c++) {
    const value = load<f32>(row + ((<usize>c) << 2));
    sum += value * value;
  }
  return sum;
}
