// ln Σ e^logit, which turns logits into log-probabilities, in blocks that threads can share.
import { LOGIT_BLOCK } from '../layout';
import { exponential } from './exponential';

/**
 * Blocks `from` to `to` of LOGIT_BLOCK logits: the largest logit m of each, and Σ e^(logit - m) in double precision.
 * @param out `[blocks][2]` f64
 */
export function sumExponentials(from: i32, to: i32, scratch: usize, logits: usize, count: i32, out: usize): void {
  for (let block = from; block < to; block++) {
    const start = logits + ((<usize>block * LOGIT_BLOCK) << 2);
    const length = min(LOGIT_BLOCK, count - block * LOGIT_BLOCK);
    const whole = (<usize>(length & ~3)) << 2;
    const end = (<usize>length) << 2;
    let largest = f32x4.splat(-Infinity);
    for (let i: usize = 0; i < whole; i += 16) largest = f32x4.max(largest, v128.load(start + i));
    let top = max(
      max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
      max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
    );
    for (let i = whole; i < end; i += 4) top = max(top, load<f32>(start + i));
    const tops = f32x4.splat(top);
    let even = f64x2.splat(0);
    let odd = f64x2.splat(0);
    for (let i: usize = 0; i < whole; i += 16) {
      const e = exponential(f32x4.sub(v128.load(start + i), tops));
      even = f64x2.add(even, f64x2.promote_low_f32x4(e));
      odd = f64x2.add(odd, f64x2.promote_low_f32x4(v128.shuffle<i64>(e, e, 1, 0)));
    }
    const sums = f64x2.add(even, odd);
    let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    for (let i = whole; i < end; i += 4) {
      sum += <f64>f32x4.extract_lane(exponential(f32x4.splat(load<f32>(start + i) - top)), 0);
    }
    const target = out + ((<usize>block) << 4);
    store<f64>(target, <f64>top);
    store<f64>(target, sum, 8);
  }
}
