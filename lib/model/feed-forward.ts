import * as tf from '@tensorflow/tfjs';
import { bitLinear, type BitLinearParts } from './bitlinear.js';

/** Weights of one feed-forward block, and what stands around their products. */
export interface FeedForwardParts {
  /** [I, C] */
  gate: tf.Tensor2D;
  /** [I, C] */
  up: tf.Tensor2D;
  /** [C, I] */
  down: tf.Tensor2D;
  /** In front of gate and up. */
  input: BitLinearParts;
  /** In front of down; its norm is the SubLN of 2B4T (ffn_sub_norm). */
  output: BitLinearParts;
}

/**
 * The feed-forward block: down(norm(act(gate(norm(x))) ∘ up(norm(x)))), gate, up and down being BitLinear layers.
 * The activation is squared ReLU in 2B4T (arXiv 2504.12285, section 2) and SiLU, which makes SwiGLU, in b1.58
 * (arXiv 2402.17764, section 2). The fast form of the same is fused/feed-forward.ts.
 * @param x [N, C]: N rows (batch × tokens) of C features; I is the intermediate size
 * @returns [N, C]
 */
export function feedForward(
  x: tf.Tensor2D,
  { gate, up, down, input, output }: FeedForwardParts,
  activation: 'relu2' | 'silu',
): tf.Tensor2D {
  const [gated, upper] = tf.split(bitLinear(x, [gate, up], input), 2, 1); // (N, I) each
  const active = activation === 'relu2' ? squaredRelu(gated) : silu(gated);
  return bitLinear(tf.mul(active, upper), [down], output);
}

/** relu(x)² */
export function squaredRelu<T extends tf.Tensor>(x: T): T {
  return tf.square(tf.relu(x));
}

/** x·σ(x) */
export function silu<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x));
}

/** x·Φ(x), Φ being the normal distribution; of a feed-forward block without a gate (Hendrycks & Gimpel, arXiv 1606.08415). */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}
