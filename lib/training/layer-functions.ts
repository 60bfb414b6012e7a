/** The library's layers as notebooks call them, to hold their own against. Nothing here has a type of TensorFlow.js. */
import type { Tensor } from '../backend/notebook-tensorflow.js';
import type { TrainableModel } from './types.js';

/** Layers as training computes them: b1.58's quantizers, straight-through gradients, all on TensorFlow.js's tape. */
export interface Layers {
  /** Absmean ternary weights, dequantized; any shape. */
  quantizeWeights(weights: Tensor): Tensor;
  /** Absmax int8 activations with a scale for each row, dequantized; [tokens, features]. */
  quantizeActivations(x: Tensor): Tensor;
  /** gain · x / √(mean(x²) + ε) over the last axis; x [tokens, features], gain [features]. */
  rmsNorm(x: Tensor, gain: Tensor, epsilon?: number): Tensor;
  /**
   * Q_a(norm(x)) · Q_w(W)ᵀ, without a norm where no gain is given; x [tokens, in], weight [out, in], gain [in].
   * @returns [tokens, out]
   */
  bitLinear(x: Tensor, weight: Tensor, gain?: Tensor): Tensor;
  /** Rotary positions, [..., tokens, head size]; `theta` is 500,000 by default. */
  rotate(x: Tensor, theta?: number): Tensor;
  /** Causal attention with rotary positions; q, k and v [batch, heads, tokens, head size], as is what it returns. */
  attention(q: Tensor, k: Tensor, v: Tensor, theta?: number): Tensor;
  /** relu(gate)² ∘ up. */
  squaredRelu(gate: Tensor, up: Tensor): Tensor;
  /** One layer of a model on hidden values [batch · tokens, hidden size], as is what it returns. */
  block(model: TrainableModel, layer: number, hidden: Tensor, batch: number): Tensor;
  /** A model's logits for ids [batch · tokens]: [batch · tokens, vocabulary]. */
  logits(model: TrainableModel, ids: Tensor, batch: number): Tensor;
  /** A model's mean cross-entropy in nats, one value. */
  loss(model: TrainableModel, ids: Tensor, targets: Tensor, batch: number): Tensor;
}
