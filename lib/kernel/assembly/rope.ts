// Rotary positions (arXiv 2104.09864) in the half-split form, pairs i and i + head_dim / 2, and the KV cache.
import {
  ATTENTION_CONTEXT,
  ATTENTION_COSINES,
  ATTENTION_HEADS,
  ATTENTION_HEAD_DIM,
  ATTENTION_HEAD_STRIDE,
  ATTENTION_KV_HEADS,
  ATTENTION_SINES,
} from '../layout';

/**
 * Items `from` to `to`: heads of tokens; of each token first the query heads, then the key heads, then the value heads.
 * Queries are turned into `queries`, keys are turned into the cache, values copied into it.
 * @param shape record of attention (ATTENTION_ in layout.ts)
 * @param qkv `[tokens][stride]`: queries, keys from float `keyOffset`, values from float `valueOffset`
 * @param position of the first token
 * @param queries `[tokens][heads][head stride]`
 * @param keys, values `[kv heads][context][head stride]`
 */
export function rotateAndCache(
  from: i32,
  to: i32,
  scratch: usize,
  shape: usize,
  qkv: usize,
  stride: i32,
  keyOffset: i32,
  valueOffset: i32,
  position: i32,
  queries: usize,
  keys: usize,
  values: usize,
): void {
  const heads = load<i32>(shape, ATTENTION_HEADS);
  const kvHeads = load<i32>(shape, ATTENTION_KV_HEADS);
  const dim = load<i32>(shape, ATTENTION_HEAD_DIM);
  const headBytes = (<usize>load<i32>(shape, ATTENTION_HEAD_STRIDE)) << 2;
  const context = load<i32>(shape, ATTENTION_CONTEXT);
  const perToken = heads + 2 * kvHeads;
  for (let item = from; item < to; item++) {
    const t = item / perToken;
    const part = item % perToken;
    const row = qkv + ((<usize>t * <usize>stride) << 2);
    const angles = (<usize>(position + t) * <usize>(dim >> 1)) << 2;
    const cosines = <usize>load<u32>(shape, ATTENTION_COSINES) + angles;
    const sines = <usize>load<u32>(shape, ATTENTION_SINES) + angles;
    if (part < heads) {
      const head = row + ((<usize>(part * dim)) << 2);
      rotate(head, dim, cosines, sines, queries + <usize>(t * heads + part) * headBytes);
    } else {
      const isKey = part < heads + kvHeads;
      const kvHead = isKey ? part - heads : part - heads - kvHeads;
      const head = row + ((<usize>((isKey ? keyOffset : valueOffset) + kvHead * dim)) << 2);
      const place = (<usize>kvHead * <usize>context + <usize>(position + t)) * headBytes;
      if (isKey) rotate(head, dim, cosines, sines, keys + place);
      else memory.copy(values + place, head, (<usize>dim) << 2);
    }
  }
}

function rotate(head: usize, dim: i32, cosines: usize, sines: usize, target: usize): void {
  const half = (<usize>(dim >> 1)) << 2;
  let i: usize = 0;
  for (; i + 16 <= half; i += 16) {
    const x = v128.load(head + i);
    const y = v128.load(head + half + i);
    const c = v128.load(cosines + i);
    const s = v128.load(sines + i);
    v128.store(target + i, f32x4.sub(f32x4.mul(x, c), f32x4.mul(y, s)));
    v128.store(target + half + i, f32x4.add(f32x4.mul(y, c), f32x4.mul(x, s)));
  }
  for (; i < half; i += 4) {
    const x = load<f32>(head + i);
    const y = load<f32>(head + half + i);
    const c = load<f32>(cosines + i);
    const s = load<f32>(sines + i);
    store<f32>(target + i, x * c - y * s);
    store<f32>(target + half + i, y * c + x * s);
  }
}
