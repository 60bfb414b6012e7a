/**
 * Causal attention as one operation with one gradient, straight from the joint product of q, k and v.
 * Legend: B batch, T tokens, H query heads, K key/value heads, G = H/K query heads per key head, D head size.
 */
import * as tf from '@tensorflow/tfjs';
import { reduceRows } from '../../backend/kernels.js';
import * as op from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';
import { withGradient } from '../../backend/custom-gradient.js';
import type { AttentionShape } from '../attention.js';
import type { RotaryTable } from '../rope.js';
import { rotate, rotateBack } from './rope.js';

/** Queries from `start` to `end` see no key beyond `end`: scores to the right of it need not exist. */
export interface QueryBlock {
  start: number;
  end: number;
  /** 0 where a query may look, −1e9 where it may not: [G·(end − start), end]. */
  mask: tf.Tensor2D;
}

/** Two blocks spare a quarter of the causal scores; four were slower, since each product gets smaller. */
const QUERY_BLOCKS = 2;
/** Blocks of fewer queries cost more in calls than they spare. */
const LEAST_QUERIES = 64;

/** The blocks of queries for sequences of T tokens and G query heads per key head. The caller frees the masks. */
export function queryBlocks(tokens: number, groups: number): QueryBlock[] {
  const size = Math.max(LEAST_QUERIES, Math.ceil(tokens / QUERY_BLOCKS));
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
  const axes = new HeadAxes(shape);
  return withGradient([qkv], () => {
    const { heads: H, keyValueHeads: K } = shape;
    // Heads first: a range of heads is then one block of memory, which TensorFlow hands out without a copy.
    const byHead = axes.toHeads(qkv, H + 2 * K); // (H + 2K, B, T, D)
    const turned = rotate(axes.heads(byHead, 0, H + K), table); // (H + K, B, T, D)
    const q = axes.groupQueries(axes.heads(turned, 0, H)); // (K, B, G, T, D)
    const k = axes.heads(turned, H, K); // (K, B, T, D)
    const v = axes.heads(byHead, H + K, K);
    const probabilities = blocks.map(({ start, end, mask }) =>
      spend(
        op.matMul(axes.queryRows(q, start, end), axes.keys(k, 0, end), false, true),
        (scores) => op.add(scores, mask),
        (scores) => op.softmax(scores),
      ),
    ); // (K, B, G·t, end) for a block of t queries
    const out = axes.joinQueries(
      blocks.map(({ end }, i) => op.matMul(probabilities[i], axes.keys(v, 0, end))),
    ); // (K, B, G, T, D)
    return {
      value: axes.fromHeads(axes.ungroupQueries(out), H),
      saved: [q, k, v, out, ...probabilities],
      backward: (dy, saved) => [attentionBackward(dy, saved, shape, table, blocks)],
    };
  }) as tf.Tensor2D;
}

/** The gradient of qkv, from what {@link attention} saved. */
function attentionBackward(
  dy: tf.Tensor,
  [q, k, v, out, ...probabilities]: readonly tf.Tensor[],
  shape: AttentionShape,
  table: RotaryTable,
  blocks: readonly QueryBlock[],
): tf.Tensor {
  const axes = new HeadAxes(shape);
  const { heads: H, keyValueHeads: K } = shape;
  const dOut = axes.groupQueries(axes.toHeads(dy, H)); // (K, B, G, T, D)
  // Softmax: dS = P∘(dP − Δ), where Δ = Σ_D dO∘O is a row sum of P∘dP that costs T/D times less.
  const delta = spend(op.mul(dOut, out), (product) => reduceRows('Sum', product)); // (K, B, G, T, 1)
  const parts = blocks.map(({ start, end }, i) => {
    const dOutRows = axes.queryRows(dOut, start, end); // (K, B, G·t, D)
    const dv = op.matMul(probabilities[i], dOutRows, true, false); // (K, B, end, D)
    const dScores = spend(
      op.matMul(dOutRows, axes.keys(v, 0, end), false, true),
      (dp) => op.sub(dp, axes.queryRows(delta, start, end)),
      (difference) => op.mul(probabilities[i], difference),
    ); // (K, B, G·t, end)
    const dq = op.matMul(dScores, axes.keys(k, 0, end)); // (K, B, G·t, D)
    const dk = op.matMul(dScores, axes.queryRows(q, start, end), true, false); // (K, B, end, D)
    dScores.dispose();
    return { dq, dk, dv };
  });
  const dByHead = op.concat(
    [
      rotateBack(axes.ungroupQueries(axes.joinQueries(parts.map(({ dq }) => dq))), table),
      rotateBack(axes.sumKeys(parts.map(({ dk }) => dk)), table),
      axes.sumKeys(parts.map(({ dv }) => dv)),
    ],
    0,
  ); // (H + 2K, B, T, D)
  return axes.fromHeads(dByHead, H + 2 * K);
}

/** Moves the axes of batch, tokens and heads around. */
class HeadAxes {
  private readonly groups: number;
  /** Leading axes of queries that share a key head: an axis of length 1 is left out. */
  private readonly grouped: number[];

  constructor(private readonly shape: AttentionShape) {
    const { batch: B, heads: H, keyValueHeads: K } = shape;
    this.groups = H / K;
    this.grouped = this.groups === 1 ? [K, B] : [K, B, this.groups];
  }

  /** (B·T, count·D) → (count, B, T, D). */
  toHeads(x: tf.Tensor, count: number): tf.Tensor {
    const { batch: B, tokens: T, headDim: D } = this.shape;
    return spend(op.reshape(x, [B, T, count, D]), (split) => op.transpose(split, [2, 0, 1, 3]));
  }

  /** (count, B, T, D) → (B·T, count·D). */
  fromHeads(x: tf.Tensor, count: number): tf.Tensor {
    const { batch: B, tokens: T, headDim: D } = this.shape;
    return spend(op.transpose(x, [1, 2, 0, 3]), (split) => op.reshape(split, [B * T, count * D]));
  }

  /** Some of the heads of (heads, B, T, D). */
  heads(x: tf.Tensor, first: number, count: number): tf.Tensor {
    const { batch: B, tokens: T, headDim: D } = this.shape;
    return op.slice(x, [first, 0, 0, 0], [count, B, T, D]);
  }

  /** (H, B, T, D) → (K, B, G, T, D): the queries that share a key head side by side. */
  groupQueries(x: tf.Tensor): tf.Tensor {
    const { batch: B, tokens: T, keyValueHeads: K, headDim: D } = this.shape;
    if (this.groups === 1) return x;
    return op.transpose(op.reshape(x, [K, this.groups, B, T, D]), [0, 2, 1, 3, 4]);
  }

  /** (K, B, G, T, D) → (H, B, T, D). */
  ungroupQueries(x: tf.Tensor): tf.Tensor {
    const { batch: B, tokens: T, heads: H, headDim: D } = this.shape;
    return this.groups === 1 ? x : op.reshape(op.transpose(x, [0, 2, 1, 3, 4]), [H, B, T, D]);
  }

  /** Queries start to end of every head: (K, B, G, T, x) → (K, B, G·(end − start), x). */
  queryRows(x: tf.Tensor, start: number, end: number): tf.Tensor {
    const { batch: B, tokens: T, keyValueHeads: K } = this.shape;
    const size = x.shape[x.rank - 1];
    const begin = [...this.grouped.map(() => 0), start, 0];
    const rows = end - start === T ? x : op.slice(x, begin, [...this.grouped, end - start, size]);
    return this.groups === 1 ? rows : op.reshape(rows, [K, B, this.groups * (end - start), size]);
  }

  /** Blocks of queries (K, B, G·t, D), one after the other → (K, B, G, T, D). */
  joinQueries(parts: tf.Tensor[]): tf.Tensor {
    const { headDim: D } = this.shape;
    const rows = parts.map((x) =>
      this.groups === 1 ? x : op.reshape(x, [...this.grouped, x.shape[2]! / this.groups, D]),
    );
    return rows.length === 1 ? rows[0] : op.concat(rows, this.grouped.length);
  }

  /** Keys start to end of every head: (K, B, T, D) → (K, B, end − start, D). */
  keys(x: tf.Tensor, start: number, end: number): tf.Tensor {
    const { batch: B, keyValueHeads: K, headDim: D } = this.shape;
    return end - start === x.shape[2] ? x : op.slice(x, [0, 0, start, 0], [K, B, end - start, D]);
  }

  /** Sum of gradients of the first keys, [K, B, end_i, D] with growing end_i → (K, B, T, D). */
  sumKeys(parts: tf.Tensor[]): tf.Tensor {
    return parts.reduce((sum, part) => {
      const common = sum.shape[2]!;
      return op.concat([op.add(sum, this.keys(part, 0, common)), this.keys(part, common, part.shape[2]!)], 2);
    });
  }
}
