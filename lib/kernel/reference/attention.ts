/** References of assembly/rope.ts and assembly/attention.ts. */
import {
  ATTENTION_CONTEXT,
  ATTENTION_COSINES,
  ATTENTION_HEADS,
  ATTENTION_HEAD_DIM,
  ATTENTION_HEAD_STRIDE,
  ATTENTION_KV_HEADS,
  ATTENTION_SCALE,
  ATTENTION_SCORE_STRIDE,
  ATTENTION_SINES,
  SCORE_POSITIONS,
  VALUE_DIMENSIONS,
} from '../layout.js';
import { exponential, f32, sumLanes } from './float32.js';
import type { Reference } from './reference.js';
import type { Views } from './views.js';

interface Shape {
  heads: number;
  kvHeads: number;
  /** Query heads that share a KV head. */
  group: number;
  dim: number;
  headStride: number;
  context: number;
  scoreStride: number;
  scale: number;
}

function readShape(m: Views, shape: number): Shape {
  const at = (offset: number): number => m.i32[(shape + offset) / 4];
  return {
    heads: at(ATTENTION_HEADS),
    kvHeads: at(ATTENTION_KV_HEADS),
    group: at(ATTENTION_HEADS) / at(ATTENTION_KV_HEADS),
    dim: at(ATTENTION_HEAD_DIM),
    headStride: at(ATTENTION_HEAD_STRIDE),
    context: at(ATTENTION_CONTEXT),
    scoreStride: at(ATTENTION_SCORE_STRIDE),
    scale: m.f32[(shape + ATTENTION_SCALE) / 4],
  };
}

/** Turns queries and keys, and puts keys and values into the cache. */
export const rotateAndCache: Reference<'rotateAndCache'> = (
  m,
  { from, to },
  { shape, qkv, stride, keyOffset, valueOffset, position, queries, keys, values },
) => {
  const { heads, kvHeads, dim, headStride, context } = readShape(m, shape);
  const perToken = heads + 2 * kvHeads;
  const rotate = (head: number, t: number, target: number): void => {
    const angles = (position + t) * (dim / 2);
    const cosines = m.u32[(shape + ATTENTION_COSINES) / 4] / 4 + angles;
    const sines = m.u32[(shape + ATTENTION_SINES) / 4] / 4 + angles;
    for (let i = 0; i < dim / 2; i++) {
      const x = m.f32[head + i];
      const y = m.f32[head + dim / 2 + i];
      m.f32[target + i] = f32(x * m.f32[cosines + i]) - f32(y * m.f32[sines + i]);
      m.f32[target + dim / 2 + i] = f32(y * m.f32[cosines + i]) + f32(x * m.f32[sines + i]);
    }
  };
  for (let item = from; item < to; item++) {
    const t = Math.floor(item / perToken);
    const part = item % perToken;
    const row = qkv / 4 + t * stride;
    const cached = (kvHead: number): number => (kvHead * context + position + t) * headStride;
    if (part < heads) rotate(row + part * dim, t, queries / 4 + (t * heads + part) * headStride);
    else if (part < heads + kvHeads) {
      const kvHead = part - heads;
      rotate(row + keyOffset + kvHead * dim, t, keys / 4 + cached(kvHead));
    } else {
      const kvHead = part - heads - kvHeads;
      const source = row + valueOffset + kvHead * dim;
      m.f32.copyWithin(values / 4 + cached(kvHead), source, source + dim);
    }
  }
};

function score(m: Views, s: Shape, query: number, key: number): number {
  const lanes = new Float32Array(4);
  for (let d = 0; d < s.headStride; d++) lanes[d % 4] += f32(m.f32[key + d] * m.f32[query + d]);
  return f32(sumLanes(lanes) * s.scale);
}

function softmax(m: Views, row: number, length: number): void {
  let top = -Infinity;
  for (let p = 0; p < length; p++) top = Math.max(top, m.f32[row + p]);
  const lanes = new Float32Array(4);
  for (let p = 0; p < length; p++) {
    m.f32[row + p] = exponential(f32(m.f32[row + p] - top));
    lanes[p % 4] += m.f32[row + p];
  }
  const sum = sumLanes(lanes);
  for (let p = 0; p < length; p++) m.f32[row + p] /= sum;
}

function weigh(
  m: Views,
  s: Shape,
  kvHead: number,
  values: number,
  d: number,
  length: number,
  row: number,
): number {
  let sum = 0;
  for (let p = 0; p < length; p++) {
    sum = f32(sum + f32(m.f32[row + p] * m.f32[values / 4 + (kvHead * s.context + p) * s.headStride + d]));
  }
  return sum;
}

/** Scores of one token against SCORE_POSITIONS positions of a KV head. */
export const attentionScores: Reference<'attentionScores'> = (
  m,
  { from, to },
  { shape, queries, keys, length, scores },
) => {
  const s = readShape(m, shape);
  const parts = Math.ceil(length / SCORE_POSITIONS);
  for (let item = from; item < to; item++) {
    const kvHead = Math.floor(item / parts);
    const start = (item % parts) * SCORE_POSITIONS;
    for (let head = kvHead * s.group; head < (kvHead + 1) * s.group; head++) {
      for (let p = start; p < Math.min(start + SCORE_POSITIONS, length); p++) {
        const key = keys / 4 + (kvHead * s.context + p) * s.headStride;
        m.f32[scores / 4 + head * s.scoreStride + p] = score(m, s, queries / 4 + head * s.headStride, key);
      }
    }
  }
};

/** Scores of heads to probabilities. */
export const attentionSoftmax: Reference<'attentionSoftmax'> = (
  m,
  { from, to },
  { shape, length, scores },
) => {
  const { scoreStride } = readShape(m, shape);
  for (let head = from; head < to; head++) softmax(m, scores / 4 + head * scoreStride, length);
};

/** VALUE_DIMENSIONS dimensions of the weighted values of a KV head's query heads. */
export const attentionValues: Reference<'attentionValues'> = (
  m,
  { from, to },
  { shape, values, length, scores, out },
) => {
  const s = readShape(m, shape);
  const parts = s.headStride / VALUE_DIMENSIONS;
  for (let item = from; item < to; item++) {
    const kvHead = Math.floor(item / parts);
    const start = (item % parts) * VALUE_DIMENSIONS;
    for (let head = kvHead * s.group; head < (kvHead + 1) * s.group; head++) {
      const row = scores / 4 + head * s.scoreStride;
      for (let d = start; d < Math.min(start + VALUE_DIMENSIONS, s.dim); d++) {
        m.f32[out / 4 + head * s.dim + d] = weigh(m, s, kvHead, values, d, length, row);
      }
    }
  }
};

/** KV heads of tokens, each from scores to weighted values. */
export const attention: Reference<'attention'> = (
  m,
  { from, to, scratch },
  { shape, queries, keys, values, position, out, outStride },
) => {
  const s = readShape(m, shape);
  const row = scratch / 4;
  for (let item = from; item < to; item++) {
    const t = Math.floor(item / s.kvHeads);
    const kvHead = item % s.kvHeads;
    const length = position + t + 1;
    for (let head = kvHead * s.group; head < (kvHead + 1) * s.group; head++) {
      const query = queries / 4 + (t * s.heads + head) * s.headStride;
      for (let p = 0; p < length; p++) {
        m.f32[row + p] = score(m, s, query, keys / 4 + (kvHead * s.context + p) * s.headStride);
      }
      softmax(m, row, length);
      for (let d = 0; d < s.dim; d++) {
        m.f32[out / 4 + t * outStride + head * s.dim + d] = weigh(m, s, kvHead, values, d, length, row);
      }
    }
  }
};
