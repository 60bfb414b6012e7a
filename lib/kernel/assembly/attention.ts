// Causal grouped-query attention over a KV cache: scores, softmax in float32, weighted values. One token is split over
// the threads by positions, then heads, then head dimensions; many tokens are split by token and KV head. Every number
// is summed in the same order either way, so prefill and decoding agree bit for bit.
import {
  ATTENTION_CONTEXT,
  ATTENTION_HEADS,
  ATTENTION_HEAD_DIM,
  ATTENTION_HEAD_STRIDE,
  ATTENTION_KV_HEADS,
  ATTENTION_SCALE,
  ATTENTION_SCORE_STRIDE,
  SCORE_POSITIONS,
  VALUE_DIMENSIONS,
} from '../layout';
import { exponential } from './exponential';
import { sumLaneF32, sumLanesF32x4 } from './sums';

/**
 * Items `from` to `to` for one token: SCORE_POSITIONS positions of one KV head, all its query heads.
 * @param length positions that the token sees, itself included
 * @param scores `[heads][score stride]`
 */
export function attentionScores(
  from: i32,
  to: i32,
  scratch: usize,
  shape: usize,
  queries: usize,
  keys: usize,
  length: i32,
  scores: usize,
): void {
  const parts = (length + SCORE_POSITIONS - 1) / SCORE_POSITIONS;
  for (let item = from; item < to; item++) {
    const kvHead = item / parts;
    const start = (item % parts) * SCORE_POSITIONS;
    scoreGroup(shape, kvHead, queries, keys, start, min(start + SCORE_POSITIONS, length), groupRow(shape, kvHead, scores));
  }
}

/** Items `from` to `to` for one token: query heads. Scores become probabilities. */
export function attentionSoftmax(
  from: i32,
  to: i32,
  scratch: usize,
  shape: usize,
  length: i32,
  scores: usize,
): void {
  const stride = (<usize>load<i32>(shape, ATTENTION_SCORE_STRIDE)) << 2;
  for (let head = from; head < to; head++) softmax(scores + <usize>head * stride, length);
}

/**
 * Items `from` to `to` for one token: VALUE_DIMENSIONS dimensions of one KV head, all its query heads.
 * @param out `[heads][head_dim]`
 */
export function attentionValues(
  from: i32,
  to: i32,
  scratch: usize,
  shape: usize,
  values: usize,
  length: i32,
  scores: usize,
  out: usize,
): void {
  const parts = load<i32>(shape, ATTENTION_HEAD_STRIDE) / VALUE_DIMENSIONS;
  for (let item = from; item < to; item++) {
    const kvHead = item / parts;
    weighValues(shape, kvHead, values, (item % parts) * VALUE_DIMENSIONS, length, groupRow(shape, kvHead, scores), out);
  }
}

/**
 * Items `from` to `to`: KV heads of tokens, each from scores to weighted values.
 * @param position of the first token
 * @param queries `[tokens][heads][head stride]`
 * @param out `[tokens][outStride]`, heads side by side
 */
export function attention(
  from: i32,
  to: i32,
  scratch: usize,
  shape: usize,
  queries: usize,
  keys: usize,
  values: usize,
  position: i32,
  out: usize,
  outStride: i32,
): void {
  const heads = load<i32>(shape, ATTENTION_HEADS);
  const kvHeads = load<i32>(shape, ATTENTION_KV_HEADS);
  const headStride = load<i32>(shape, ATTENTION_HEAD_STRIDE);
  const scoreBytes = (<usize>load<i32>(shape, ATTENTION_SCORE_STRIDE)) << 2;
  for (let item = from; item < to; item++) {
    const t = item / kvHeads;
    const kvHead = item % kvHeads;
    const length = position + t + 1;
    const tokenQueries = queries + ((<usize>(t * heads * headStride)) << 2);
    scoreGroup(shape, kvHead, tokenQueries, keys, 0, length, scratch);
    for (let h = 0; h < heads / kvHeads; h++) softmax(scratch + <usize>h * scoreBytes, length);
    const tokenOut = out + ((<usize>t * <usize>outStride) << 2);
    for (let d = 0; d < headStride; d += VALUE_DIMENSIONS) {
      weighValues(shape, kvHead, values, d, length, scratch, tokenOut);
    }
  }
}

// The scores of a KV head's query heads, which stand one after the other.
// @ts-ignore: decorator
@inline
function groupRow(shape: usize, kvHead: i32, scores: usize): usize {
  const group = load<i32>(shape, ATTENTION_HEADS) / load<i32>(shape, ATTENTION_KV_HEADS);
  return scores + ((<usize>(kvHead * group * load<i32>(shape, ATTENTION_SCORE_STRIDE))) << 2);
}

function scoreGroup(
  shape: usize,
  kvHead: i32,
  queries: usize,
  keys: usize,
  start: i32,
  end: i32,
  scores: usize,
): void {
  const group = load<i32>(shape, ATTENTION_HEADS) / load<i32>(shape, ATTENTION_KV_HEADS);
  const headBytes = (<usize>load<i32>(shape, ATTENTION_HEAD_STRIDE)) << 2;
  const scoreBytes = (<usize>load<i32>(shape, ATTENTION_SCORE_STRIDE)) << 2;
  const scale = load<f32>(shape, ATTENTION_SCALE);
  const scales = f32x4.splat(scale);
  const context = load<i32>(shape, ATTENTION_CONTEXT);
  for (let p = start; p < end; p++) {
    const key = keys + (<usize>kvHead * <usize>context + <usize>p) * headBytes;
    let query = queries + <usize>(kvHead * group) * headBytes;
    let score = scores + ((<usize>p) << 2);
    let h = 0;
    for (; h + 4 <= group; h += 4) {
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      for (let d: usize = 0; d < headBytes; d += 16) {
        const k = v128.load(key + d);
        const q = query + d;
        s0 = f32x4.add(s0, f32x4.mul(k, v128.load(q)));
        s1 = f32x4.add(s1, f32x4.mul(k, v128.load(q + headBytes)));
        s2 = f32x4.add(s2, f32x4.mul(k, v128.load(q + 2 * headBytes)));
        s3 = f32x4.add(s3, f32x4.mul(k, v128.load(q + 3 * headBytes)));
      }
      const s = f32x4.mul(sumLanesF32x4(s0, s1, s2, s3), scales);
      v128.store_lane<i32>(score, s, 0);
      v128.store_lane<i32>(score + scoreBytes, s, 1);
      v128.store_lane<i32>(score + 2 * scoreBytes, s, 2);
      v128.store_lane<i32>(score + 3 * scoreBytes, s, 3);
      query += 4 * headBytes;
      score += 4 * scoreBytes;
    }
    for (; h < group; h++) {
      let s = f32x4.splat(0);
      for (let d: usize = 0; d < headBytes; d += 16) {
        s = f32x4.add(s, f32x4.mul(v128.load(key + d), v128.load(query + d)));
      }
      store<f32>(score, sumLaneF32(s) * scale);
      query += headBytes;
      score += scoreBytes;
    }
  }
}

/** `length` scores to probabilities. The row has room up to a multiple of four. */
function softmax(row: usize, length: i32): void {
  const end = row + ((<usize>length) << 2);
  const padded = row + ((<usize>((length + 3) & ~3)) << 2);
  for (let p = end; p < padded; p += 4) store<f32>(p, -Infinity);
  let largest = f32x4.splat(-Infinity);
  for (let p = row; p < padded; p += 16) largest = f32x4.max(largest, v128.load(p));
  const top = f32x4.splat(
    max(
      max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
      max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
    ),
  );
  let sums = f32x4.splat(0);
  for (let p = row; p < padded; p += 16) {
    const e = exponential(f32x4.sub(v128.load(p), top));
    v128.store(p, e);
    sums = f32x4.add(sums, e);
  }
  const sum = f32x4.splat(sumLaneF32(sums));
  for (let p = row; p < padded; p += 16) v128.store(p, f32x4.div(v128.load(p), sum));
}

function weighValues(
  shape: usize,
  kvHead: i32,
  values: usize,
  dimension: i32,
  length: i32,
  probabilities: usize,
  out: usize,
): void {
  const group = load<i32>(shape, ATTENTION_HEADS) / load<i32>(shape, ATTENTION_KV_HEADS);
  const dim = load<i32>(shape, ATTENTION_HEAD_DIM);
  const headBytes = (<usize>load<i32>(shape, ATTENTION_HEAD_STRIDE)) << 2;
  const scoreBytes = (<usize>load<i32>(shape, ATTENTION_SCORE_STRIDE)) << 2;
  const context = load<i32>(shape, ATTENTION_CONTEXT);
  const first = values + <usize>kvHead * <usize>context * headBytes + ((<usize>dimension) << 2);
  const count = min(VALUE_DIMENSIONS, dim - dimension);
  let target = out + ((<usize>(kvHead * group * dim + dimension)) << 2);
  let row = probabilities;
  for (let h = 0; h < group; h += 2) {
    const two = h + 1 < group;
    const other = two ? row + scoreBytes : row;
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let b2 = f32x4.splat(0);
    let b3 = f32x4.splat(0);
    let value = first;
    for (let p: usize = 0; p < (<usize>length) << 2; p += 4) {
      const pa = v128.load32_splat(row + p);
      const pb = v128.load32_splat(other + p);
      let v = v128.load(value);
      a0 = f32x4.add(a0, f32x4.mul(pa, v));
      b0 = f32x4.add(b0, f32x4.mul(pb, v));
      v = v128.load(value, 16);
      a1 = f32x4.add(a1, f32x4.mul(pa, v));
      b1 = f32x4.add(b1, f32x4.mul(pb, v));
      v = v128.load(value, 32);
      a2 = f32x4.add(a2, f32x4.mul(pa, v));
      b2 = f32x4.add(b2, f32x4.mul(pb, v));
      v = v128.load(value, 48);
      a3 = f32x4.add(a3, f32x4.mul(pa, v));
      b3 = f32x4.add(b3, f32x4.mul(pb, v));
      value += headBytes;
    }
    storeDimensions(target, a0, a1, a2, a3, count);
    if (two) storeDimensions(target + ((<usize>dim) << 2), b0, b1, b2, b3, count);
    target += (<usize>dim) << 3;
    row += 2 * scoreBytes;
  }
}

/** The first `count` of 16 lanes. Heads stand side by side, so nothing may be written beyond them. */
function storeDimensions(target: usize, a0: v128, a1: v128, a2: v128, a3: v128, count: i32): void {
  if (count == VALUE_DIMENSIONS) {
    v128.store(target, a0);
    v128.store(target, a1, 16);
    v128.store(target, a2, 32);
    v128.store(target, a3, 48);
    return;
  }
  for (let i = 0; i < count; i++) {
    const lanes = i < 4 ? a0 : i < 8 ? a1 : i < 12 ? a2 : a3;
    const pair = (i & 2) == 0 ? i64x2.extract_lane(lanes, 0) : i64x2.extract_lane(lanes, 1);
    store<i32>(target + ((<usize>i) << 2), <i32>((i & 1) == 0 ? pair : pair >> 32));
  }
}
