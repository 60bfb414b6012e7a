/**
 * Causal attention with grouped queries, straight from the joint product of q, k and v.
 * Legend: B batch, T tokens, H query heads, K key/value heads, G = H/K query heads per key head, D head size.
 */
import * as tf from '@tensorflow/tfjs';
import { reduceRows } from '../backend/kernels.js';
import { spend } from '../backend/spend.js';
import { withGradient } from './custom-gradient.js';
import { rotate, rotateBack, type RotaryTable } from './rope.js';

export interface AttentionShape {
  batch: number;
  tokens: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
}

/** Queries from `start` to `end` see no key beyond `end`: scores to the right of it need not exist. */
export interface QueryBlock {
  start: number;
  end: number;
  /** 0 where a query may look, −1e9 where it may not: [G·(end − start), end]. */
  mask: tf.Tensor2D;
}

/** Two blocks spare a quarter of the causal scores; four were slower, since each product gets smaller. */
const QUERY_BLOCKS = 2;

/** The blocks of queries for sequences of T tokens and G query heads per key head. The caller frees the masks. */
export function queryBlocks(tokens: number, groups: number): QueryBlock[] {
  const size = Math.ceil(tokens / QUERY_BLOCKS);
  const blocks: QueryBlock[] = [];
  for (let start = 0; start < tokens; start += size) {
    const end = Math.min(tokens, start + size);
    const rows = groups * (end - start);
    const mask = new Float32Array(rows * end);
    for (let row = 0; row < rows; row++) {
      mask.fill(-1e9, row * end + start + (row % (end - start)) + 1, (row + 1) * end);
    }
    blocks.push({ start, end, mask: tf.tensor2d(mask, [rows, end]) });
  }
  return blocks;
}

/**
 * softmax(q·kᵀ/√D + mask)·v with rotary positions on q and k. Query head h reads key head ⌊h/G⌋.
 * @param qkv [B·T, (H + 2K)·D]: for each token the query heads, then the key heads, then the value heads
 * @param table from rotaryTable, its length D^(−1/4): on q and on k together that is the 1/√D of the scores
 * @param blocks from queryBlocks(T, G)
 * @returns [B·T, H·D]
 */
export function attention(
  qkv: tf.Tensor2D,
  shape: AttentionShape,
  table: RotaryTable,
  blocks: readonly QueryBlock[],
): tf.Tensor2D {
  const { batch: B, tokens: T, heads: H, keyValueHeads: K, headDim: D } = shape;
  const G = H / K;

  return withGradient([qkv], () => {
    // Heads first: a range of heads is then one block of memory, which TensorFlow hands out without a copy.
    const byHead = tf.transpose(tf.reshape(qkv, [B, T, H + 2 * K, D]), [2, 0, 1, 3]); // (H + 2K, B, T, D)
    const turned = rotate(tf.slice(byHead, 0, H + K), table); // (H + K, B, T, D)
    const q = groupQueries(tf.slice(turned, 0, H)); // (K·B, G, T, D)
    const k = tf.reshape(tf.slice(turned, H, K), [K * B, T, D]);
    const v = tf.reshape(tf.slice(byHead, H + K, K), [K * B, T, D]);
    const probabilities = blocks.map(({ start, end, mask }) =>
      spend(
        tf.matMul(queryRows(q, start, end), keys(k, 0, end), false, true),
        (scores) => tf.add(scores, mask),
        (scores) => tf.softmax(scores),
      ),
    ); // (K·B, G·t, end) for a block of t queries
    const out = joinQueries(blocks.map(({ end }, i) => tf.matMul(probabilities[i], keys(v, 0, end)))); // (K·B, G, T, D)
    return {
      value: tf.reshape(tf.transpose(ungroupQueries(out), [1, 2, 0, 3]), [B * T, H * D]),
      saved: [q, k, v, out, ...probabilities],
      backward: (dy, [q, k, v, out, ...probabilities]) => {
        const dOutByHead = tf.transpose(tf.reshape(dy, [B, T, H, D]), [2, 0, 1, 3]); // (H, B, T, D)
        const dOut = groupQueries(dOutByHead); // (K·B, G, T, D)
        // Softmax: dS = P∘(dP − Δ), where Δ = Σ_D dO∘O is a row sum of P∘dP that costs T/D times less.
        const delta = spend(tf.mul(dOut, out), (product) => reduceRows('Sum', product)); // (K·B, G, T, 1)
        const parts = blocks.map(({ start, end }, i) => {
          const dOutRows = queryRows(dOut, start, end); // (K·B, G·t, D)
          const dv = tf.matMul(probabilities[i], dOutRows, true, false); // (K·B, end, D)
          const dScores = spend(
            tf.matMul(dOutRows, keys(v, 0, end), false, true),
            (dp) => tf.sub(dp, queryRows(delta, start, end)),
            (difference) => tf.mul(probabilities[i], difference),
          ); // (K·B, G·t, end)
          const dq = tf.matMul(dScores, keys(k, 0, end)); // (K·B, G·t, D)
          const dk = tf.matMul(dScores, queryRows(q, start, end), true, false); // (K·B, end, D)
          dScores.dispose();
          return { dq, dk, dv };
        });
        const dByHead = tf.concat(
          [
            rotateBack(ungroupQueries(joinQueries(parts.map(({ dq }) => dq))), table),
            rotateBack(tf.reshape(sumKeys(parts.map(({ dk }) => dk)), [K, B, T, D]), table),
            tf.reshape(sumKeys(parts.map(({ dv }) => dv)), [K, B, T, D]),
          ],
          0,
        ); // (H + 2K, B, T, D)
        return [tf.reshape(tf.transpose(dByHead, [1, 2, 0, 3]), [B * T, (H + 2 * K) * D])];
      },
    };
  }) as tf.Tensor2D;

  /** (H, B, T, D) → (K·B, G, T, D): the queries that share a key head side by side. */
  function groupQueries(x: tf.Tensor): tf.Tensor {
    const grouped = G === 1 ? x : tf.transpose(tf.reshape(x, [K, G, B, T, D]), [0, 2, 1, 3, 4]);
    return tf.reshape(grouped, [K * B, G, T, D]);
  }
  /** (K·B, G, T, D) → (H, B, T, D). */
  function ungroupQueries(x: tf.Tensor): tf.Tensor {
    const grouped = G === 1 ? x : tf.transpose(tf.reshape(x, [K, B, G, T, D]), [0, 2, 1, 3, 4]);
    return tf.reshape(grouped, [H, B, T, D]);
  }
  /** Queries start to end of every head: (K·B, G, T, x) → (K·B, G·(end − start), x). */
  function queryRows(x: tf.Tensor, start: number, end: number): tf.Tensor {
    const size = x.shape[3]!;
    const rows = end - start === T ? x : tf.slice(x, [0, 0, start, 0], [K * B, G, end - start, size]);
    return tf.reshape(rows, [K * B, G * (end - start), size]);
  }
  /** Blocks of queries (K·B, G·t, D), one after the other → (K·B, G, T, D). */
  function joinQueries(parts: tf.Tensor[]): tf.Tensor {
    const rows = parts.map((part) => tf.reshape(part, [K * B, G, part.shape[1]! / G, D]));
    return rows.length === 1 ? rows[0] : tf.concat(rows, 2);
  }
  /** Keys start to end of every head: (K·B, T, D) → (K·B, end − start, D). */
  function keys(x: tf.Tensor, start: number, end: number): tf.Tensor {
    return end - start === x.shape[1] ? x : tf.slice(x, [0, start, 0], [K * B, end - start, D]);
  }
  /** Sum of gradients of the first keys, [K·B, end_i, D] with growing end_i → (K·B, T, D). */
  function sumKeys(parts: tf.Tensor[]): tf.Tensor {
    return parts.reduce((sum, part) => {
      const common = sum.shape[1]!;
      return tf.concat([tf.add(sum, keys(part, 0, common)), keys(part, common, part.shape[1]!)], 1);
    });
  }
}
