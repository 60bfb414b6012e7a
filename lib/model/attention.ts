import * as tf from '@tensorflow/tfjs';
import { rotate, type RotaryTable } from './rope.js';

/** How many of everything attention has to do with. */
export interface AttentionShape {
  batch: number;
  tokens: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
}

/**
 * Causal attention with grouped queries: softmax(q·kᵀ/√D + mask)·v with rotary positions on q and k. Query head h reads
 * key head ⌊h·K/H⌋ (Ainslie et al., arXiv 2305.13245). The fast form of the same is fused/attention.ts.
 * Legend: B batch, T tokens, H query heads, K key/value heads, D head size.
 * @param qkv [B·T, (H + 2K)·D]: for each token the query heads, then the key heads, then the value heads
 * @param table from rotaryTable
 * @returns [B·T, H·D]
 */
export function attention(qkv: tf.Tensor2D, shape: AttentionShape, table: RotaryTable): tf.Tensor2D {
  const { batch: B, tokens: T, heads: H, keyValueHeads: K, headDim: D } = shape;
  const byHead = tf.transpose(tf.reshape(qkv, [B, T, H + 2 * K, D]), [0, 2, 1, 3]); // (B, H + 2K, T, D)
  const [q, k, v] = tf.split(byHead, [H, K, K], 1);
  const scores = tf.matMul(rotate(q, table), forEachQuery(rotate(k, table)), false, true); // (B, H, T, T)
  const probabilities = tf.softmax(tf.add(tf.mul(scores, 1 / Math.sqrt(D)), causalMask(T)));
  const mixed = tf.matMul(probabilities, forEachQuery(v)); // (B, H, T, D)
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * T, H * D]);

  /** Repeats each key or value head for the queries that share it: (B, K, T, D) → (B, H, T, D). */
  function forEachQuery(x: tf.Tensor): tf.Tensor {
    return tf.reshape(tf.stack(Array<tf.Tensor>(H / K).fill(x), 2), [B, H, T, D]);
  }
}

/** 0 where a query may look, −1e9 where a key lies in its future: [T, T]. */
function causalMask(tokens: number): tf.Tensor {
  const positions = tf.range(0, tokens);
  const isFuture = tf.less(tf.expandDims(positions, 1), tf.expandDims(positions, 0));
  return tf.mul(tf.cast(isFuture, 'float32'), -1e9);
}
