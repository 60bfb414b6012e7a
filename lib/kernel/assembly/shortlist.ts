// Exact greedy and top-k choices at half the bytes: int8 copies of the head's rows give every logit with a proven bound
// on its error; only rows that can still win are computed exactly.
//
// Let w be a row, x the vector, n their length, ‖·‖ the Euclidean norm. The row is held as s · q with whole q in
// -127..127, the vector as t · p with whole p of 16 bits; A = Σ q p is exact in 32 bits, because p is scaled so that
// 127 Σ|p| < 2³¹. With E ≥ ‖w - s q‖, W ≥ ‖w‖, X ≥ ‖x‖, D ≥ ‖x - t p‖:
//
//   |w·x - s t A| = |(w - s q)·x + s q·(x - t p)| ≤ E X + ‖s q‖ D ≤ E X + (W + E) D      (Cauchy-Schwarz)
//
// The exact head adds n products in float32, which moves its result by at most n 2⁻²⁴ Σ|w x| ≤ n 2⁻²⁴ W X: a product
// rounds once, and a running sum and its final additions round fewer than n - 1 times, since there are at least four
// of them. s t A is rounded four times on its way to a bound, each by 2⁻²⁴ of at most (W + E)(X + D). So with
//
//   B = E (X + D) + W D + (n 2⁻²⁴ + 2⁻²⁰) (W + E) (X + D) + 2⁻¹⁰⁰
//
// the exact head's logit lies in [s t A - B, s t A + B]; 2⁻²⁰ is 16 times what those roundings and the roundings of B
// itself take, and 2⁻¹⁰⁰ covers products that underflow. For the k best logits let L be the k-th largest lower end:
// k rows reach L, so the k-th best logit is at least L, and a row whose upper end is below L is not among the k best.
import { FORMAT_BF16, FORMAT_F32, MATRIX_FORMAT, MATRIX_VALUES } from '../layout';
import { floatGroupBytes } from './float-product';
import { widenF16 } from './half';
import { sumLaneF32, sumLanesI32x4 } from './sums';

/** Bytes of four rows: `[columns / 16][4 rows][16]`, then four s, four E and four W. Columns are a multiple of 16. */
// @ts-ignore: decorator
@inline
function groupBytes(columns: i32): usize {
  return <usize>columns * 4 + 64;
}

// Below this a square may underflow; such rows count as zero with all of their norm as error.
const SMALLEST_ABSMAX: f32 = 9.313225746154785e-10; // 2⁻³⁰

// Columns c to c + 3 of a row in the head's layout.
// @ts-ignore: decorator
@inline
function loadHead(lane: usize, format: i32, c: i32): v128 {
  if (format == FORMAT_F32) return v128.load(lane + ((<usize>c) << 4));
  const codes = i32x4.extend_low_i16x8_u(v128.load64_zero(lane + <usize>(c >> 3) * 64 + ((<usize>(c & 4)) << 1)));
  return format == FORMAT_BF16 ? i32x4.shl(codes, 16) : widenF16(codes);
}

/** Int8 copies of groups `firstGroup + from` to `firstGroup + to` of the head. */
export function layShortlist(
  from: i32,
  to: i32,
  scratch: usize,
  head: usize,
  columns: i32,
  shortlist: usize,
  firstGroup: i32,
): void {
  const format = load<i32>(head, MATRIX_FORMAT);
  const n = <f32>columns;
  for (let g = firstGroup + from; g < firstGroup + to; g++) {
    const group = <usize>load<u32>(head, MATRIX_VALUES) + <usize>g * floatGroupBytes(format, columns);
    const target = shortlist + <usize>g * groupBytes(columns);
    for (let r: usize = 0; r < 4; r++) {
      const lane = group + r * 16;
      let largest = f32x4.splat(0);
      for (let c = 0; c < columns; c += 4) largest = f32x4.max(largest, f32x4.abs(loadHead(lane, format, c)));
      const absmax = max(
        max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
        max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
      );
      const small = absmax < SMALLEST_ABSMAX;
      const scale = small ? <f32>0 : absmax / <f32>127;
      const inverse = f32x4.splat(small ? <f32>0 : <f32>127 / absmax);
      const scales = f32x4.splat(scale);
      let norm = f32x4.splat(0);
      let error = f32x4.splat(0);
      for (let c = 0; c < columns; c += 16) {
        let codes0 = i32x4.splat(0);
        let codes1 = i32x4.splat(0);
        let codes2 = i32x4.splat(0);
        let codes3 = i32x4.splat(0);
        for (let i = 0; i < 4; i++) {
          const w = loadHead(lane, format, c + 4 * i);
          const q = f32x4.nearest(f32x4.mul(w, inverse));
          const e = f32x4.sub(w, f32x4.mul(q, scales));
          norm = f32x4.add(norm, f32x4.mul(w, w));
          error = f32x4.add(error, f32x4.mul(e, e));
          const codes = i32x4.trunc_sat_f32x4_s(q);
          if (i == 0) codes0 = codes;
          else if (i == 1) codes1 = codes;
          else if (i == 2) codes2 = codes;
          else codes3 = codes;
        }
        const bytes = i8x16.narrow_i16x8_s(
          i16x8.narrow_i32x4_s(codes0, codes1),
          i16x8.narrow_i32x4_s(codes2, codes3),
        );
        v128.store(target + ((<usize>c) << 2) + r * 16, bytes);
      }
      // The sums of squares round by less than n 2⁻²³ of themselves, an error e by less than 2⁻²³ of |w|.
      const slack = <f32>1 + n * <f32>1.1920929e-7;
      const longest = small ? absmax * sqrt<f32>(n) * slack : sqrt<f32>(sumLaneF32(norm)) * slack;
      const wrong = small ? longest : sqrt<f32>(sumLaneF32(error)) * slack + longest * <f32>1.1920929e-7;
      const trailer = target + ((<usize>columns) << 2) + r * 4;
      store<f32>(trailer, scale);
      store<f32>(trailer, wrong, 16);
      store<f32>(trailer, longest, 32);
    }
  }
}

/**
 * The vector p, and t, X + D, D behind it. Returns 1, or 0 for a vector without a bound: zero, infinite or NaN.
 * @param x `[columns]` f32
 * @param quantized `[columns]` i16, then three f32
 */
export function quantizeForShortlist(x: usize, columns: i32, quantized: usize): i32 {
  let absmax: f64 = 0;
  let sum: f64 = 0;
  let squares: f64 = 0;
  for (let c = 0; c < columns; c++) {
    const value = <f64>load<f32>(x + ((<usize>c) << 2));
    const magnitude = abs<f64>(value);
    absmax = max(absmax, magnitude);
    sum += magnitude;
    squares += value * value;
  }
  // Outside these limits a norm could overflow or underflow in float32.
  if (!(absmax > 1e-15 && absmax < 1e15)) return 0;
  // 2³¹ / 127 = 16,909,320; rounding p adds at most half a step a column.
  const inverse = min<f64>(32767 / absmax, (16_909_000 - <f64>columns) / sum);
  const step = <f32>(1 / inverse);
  let missed: f64 = 0;
  for (let c = 0; c < columns; c++) {
    const value = <f64>load<f32>(x + ((<usize>c) << 2));
    const p = <i32>nearest<f64>(value * inverse);
    store<i16>(quantized + ((<usize>c) << 1), <i16>p);
    const difference = value - <f64>step * <f64>p;
    missed += difference * difference;
  }
  const trailer = quantized + ((<usize>columns) << 1);
  const error = sqrt<f64>(missed) * 1.000001;
  store<f32>(trailer, step);
  store<f32>(trailer, <f32>((sqrt<f64>(squares) + error) * 1.000001), 4);
  store<f32>(trailer, <f32>error, 8);
  return 1;
}

/**
 * Groups `from` to `to`: the ends of each logit's interval.
 * @param quantized from quantizeForShortlist
 * @param lower, upper `[groups][4]`
 */
export function boundLogits(
  from: i32,
  to: i32,
  scratch: usize,
  shortlist: usize,
  columns: i32,
  quantized: usize,
  lower: usize,
  upper: usize,
): void {
  const trailer = quantized + ((<usize>columns) << 1);
  const step = v128.load32_splat(trailer);
  const reach = v128.load32_splat(trailer, 4); // X + D
  const missed = v128.load32_splat(trailer, 8); // D
  const rounding = f32x4.mul(reach, f32x4.splat(<f32>columns * <f32>5.9604645e-8 + <f32>9.5367432e-7));
  for (let g = from; g < to; g++) {
    let w = shortlist + <usize>g * groupBytes(columns);
    let a = quantized;
    let s0 = i32x4.splat(0);
    let s1 = i32x4.splat(0);
    let s2 = i32x4.splat(0);
    let s3 = i32x4.splat(0);
    while (a < trailer) {
      const low = v128.load(a);
      const high = v128.load(a, 16);
      let v = v128.load(w);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(low, i16x8.extend_low_i8x16_s(v)));
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(high, i16x8.extend_high_i8x16_s(v)));
      v = v128.load(w, 16);
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(low, i16x8.extend_low_i8x16_s(v)));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(high, i16x8.extend_high_i8x16_s(v)));
      v = v128.load(w, 32);
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(low, i16x8.extend_low_i8x16_s(v)));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(high, i16x8.extend_high_i8x16_s(v)));
      v = v128.load(w, 48);
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(low, i16x8.extend_low_i8x16_s(v)));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(high, i16x8.extend_high_i8x16_s(v)));
      a += 32;
      w += 64;
    }
    const scale = v128.load(w);
    const wrong = v128.load(w, 16);
    const longest = v128.load(w, 32);
    const logits = f32x4.mul(f32x4.convert_i32x4_s(sumLanesI32x4(s0, s1, s2, s3)), f32x4.mul(scale, step));
    let bound = f32x4.add(f32x4.mul(wrong, reach), f32x4.mul(longest, missed));
    bound = f32x4.add(bound, f32x4.mul(f32x4.add(longest, wrong), rounding));
    bound = f32x4.add(bound, f32x4.splat(7.888609052210118e-31)); // 2⁻¹⁰⁰
    const at = (<usize>g) << 4;
    v128.store(lower + at, f32x4.sub(logits, bound));
    v128.store(upper + at, f32x4.add(logits, bound));
  }
}
