import * as tf from '@tensorflow/tfjs';
import { straightThrough, type TensorQuantizer } from '../quantizers/straight-through.js';
import { rmsNorm, type Norm } from './norm.js';

/** What stands around the product of a BitLinear layer. */
export interface BitLinearParts {
  /** RMSNorm before the activation quantizer; absent: the input is quantized as it comes. */
  norm?: Norm;
  quantizeActivations: TensorQuantizer;
  quantizeWeights: TensorQuantizer;
}

/**
 * BitLinear, a linear layer that multiplies quantized activations by quantized weights: y = Q_a(norm(x)) · Q_w(W)ᵀ
 * (arXiv 2310.11453, section 2.1; arXiv 2402.17764, section 2). Both quantizers count as the identity in the backward
 * pass. Weights that read the same input (q, k and v; gate and up) give their outputs side by side.
 * The fast form of the same is fused/bitlinear.ts.
 * @param x [N, C]: N rows (batch × tokens) of C features
 * @param weights each [O_i, C]
 * @returns [N, ΣO_i]
 */
export function bitLinear(x: tf.Tensor2D, weights: tf.Tensor2D[], parts: BitLinearParts): tf.Tensor2D {
  const normed = parts.norm ? rmsNorm(x, parts.norm) : x;
  const activations = straightThrough(normed, parts.quantizeActivations); // (N, C)
  const outputs = weights.map((weight) => {
    const quantized = straightThrough(weight, parts.quantizeWeights); // (O_i, C)
    return tf.matMul<tf.Tensor2D>(activations, quantized, false, true); // (N, O_i)
  });
  return tf.concat(outputs, 1);
}
