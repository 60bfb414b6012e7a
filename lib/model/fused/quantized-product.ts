/**
 * The two passes of BitLinear as plain functions, so that a block can join several layers into one operation.
 * Legend: N rows (batch × tokens), C input features, O output features.
 */
import type * as tf from '@tensorflow/tfjs';
import { matMul2D } from '../../backend/kernels.js';
import * as op from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';
import { dequantizedWeights } from './ternary-weights.js';
import { transposedProduct } from './transposed-product.js';
import type { ActivationQuantizerName, WeightQuantizerName } from '../../ablation-options.js';
import { dequantizedActivations } from '../../quantizers/on-tensors.js';
import type { WeightGroups } from '../../quantizers/weight-groups.js';
import type { OwnQuantizers } from '../../quantizers/own-quantizers.js';
import { isAbsmaxPerToken, normAndQuantize } from './norm-quantize.js';
import type { Norm } from '../norm.js';
import { rmsNormBackward, rmsNormForward } from './norm.js';

/** Which quantizers a product uses. Their gradient here is the identity: the straight-through estimator. */
export interface ProductQuantizers extends WeightGroups {
  weight_quantizer: WeightQuantizerName;
  activation_quantizer: ActivationQuantizerName;
  /** The reader's own quantizers, in the place of the named ones. */
  own?: OwnQuantizers;
  /** In the place of the activation quantizer, for evaluations: norm(x) to what enters the product, a new tensor. */
  inputRule?: (normed: tf.Tensor) => tf.Tensor;
}

export interface Product {
  /** Q_a(norm(x)) · Q_w(W_i)ᵀ for each weight, [N, O_i]. */
  outputs: tf.Tensor[];
  /** What the backward pass reads. */
  saved: tf.Tensor[];
}

/**
 * Forward pass. x [N, C], each weight [O_i, C].
 * @param joint true: one output [N, ΣO_i] from the weights one below the other, which is faster than several products
 */
export function productForward(
  x: tf.Tensor,
  weights: readonly tf.Tensor[],
  quantizers: ProductQuantizers,
  norm?: Norm,
  joint = false,
): Product {
  const { activations, reciprocal } = enteringProduct(x, quantizers, norm);
  let quantized = weights.map(
    (weight) =>
      quantizers.own?.weights?.values(weight) ??
      dequantizedWeights(quantizers.weight_quantizer, weight, quantizers),
  ); // (O_i, C)
  if (joint && quantized.length > 1) quantized = [op.concat(quantized, 0)];
  return {
    outputs: quantized.map((weight) => matMul2D(activations, weight, false, true)),
    saved: [activations, ...quantized, ...(norm && reciprocal ? [x, norm.gain, reciprocal] : [])],
  };
}

/** Q_a(norm(x)) [N, C], and where there is a norm the reciprocal root mean square of each row [N, 1]. */
function enteringProduct(
  x: tf.Tensor,
  { activation_quantizer: quantizer, inputRule, own }: ProductQuantizers,
  norm?: Norm,
): { activations: tf.Tensor; reciprocal?: tf.Tensor } {
  if (norm && !inputRule && !own?.activations && isAbsmaxPerToken(quantizer))
    return normAndQuantize(x, norm, quantizer);
  const normed = norm && rmsNormForward(x, norm);
  const entering = normed?.y ?? x;
  const activations =
    inputRule?.(entering) ??
    own?.activations?.values(entering) ??
    dequantizedActivations(quantizer, entering);
  normed?.y.dispose();
  return { activations, reciprocal: normed?.reciprocal };
}

/** Gradients of a product: of its input, of the norm's gain where there is one, and of each weight. */
export interface ProductGradients {
  dx: tf.Tensor;
  dgain?: tf.Tensor1D;
  dweights: tf.Tensor[];
}

/**
 * Backward pass: dW_i = dy_iᵀ·Q_a(norm(x)) and d norm(x) = Σ dy_i·Q_w(W_i) (arXiv 2310.11453, section 2.2).
 * @param dys gradient of each output, [N, O_i]
 * @param saved from productForward
 */
export function productBackward(dys: readonly tf.Tensor[], saved: readonly tf.Tensor[]): ProductGradients {
  const [activations, ...rest] = saved;
  const dweights = dys.map((dy) => transposedProduct(dy, activations)); // (O_i, C)
  let dnormed: tf.Tensor = matMul2D(dys[0], rest[0]); // (N, C)
  for (let i = 1; i < dys.length; i++) {
    dnormed = spend(matMul2D(dys[i], rest[i]), (more) => {
      const sum = op.add(dnormed, more);
      dnormed.dispose();
      return sum;
    });
  }
  const [x, gain, reciprocal] = rest.slice(dys.length);
  if (!x) return { dx: dnormed, dweights };
  const { dx, dgain } = rmsNormBackward(dnormed, x, reciprocal, gain);
  dnormed.dispose();
  return { dx, dgain, dweights };
}
