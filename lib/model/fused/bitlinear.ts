/**
 * BitLinear in its fast form: the norm in front of the quantizer, both quantizers and the product are one operation with
 * one gradient. That is a third faster than TensorFlow.js's tape over the parts, with the same mathematics.
 * Legend: N rows (batch × tokens), C input features, O output features.
 */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from '../../backend/custom-gradient.js';
import type { AblationOptions } from '../../ablation-options.js';
import type { OwnQuantizers } from '../../quantizers/own-quantizers.js';
import {
  activationQuantizer,
  straightThrough,
  weightQuantizer,
  type TensorQuantizer,
} from '../../quantizers/straight-through.js';
import { bitLinear as plainBitLinear } from '../bitlinear.js';
import type { Norm } from '../norm.js';
import { rmsNorm } from './norm.js';
import { productBackward, productForward } from './quantized-product.js';

/** What a BitLinear layer does around its product. */
export interface BitLinearOptions extends Pick<
  AblationOptions,
  'weight_quantizer' | 'weight_groups' | 'weight_group_size' | 'activation_quantizer' | 'straight_through'
> {
  /** RMSNorm before the activation quantizer; absent: the input is quantized as it comes. */
  norm?: Norm;
  /** See ProductQuantizers. */
  inputRule?: (normed: tf.Tensor) => tf.Tensor;
  /** The reader's own quantizers, in the place of the named ones. */
  own?: OwnQuantizers;
  /** The learned step of the elastic activation quantizer, shape [1]; wanted by that quantizer alone. */
  step?: tf.Tensor1D;
}

/**
 * y = Q_a(norm(x)) · Q_w(W)ᵀ for one weight matrix, or for several that read the same input (q, k and v; gate and up):
 * their outputs stand side by side. Where the gradient of a quantizer is not the identity the plain form does it.
 *
 * The straight-through estimator takes both quantizers for the identity in the backward pass:
 * dW = dyᵀ·Q_a(norm(x)) and d norm(x) = dy·Q_w(W) (arXiv 2310.11453, section 2.2).
 * @param x [N, C]
 * @param weights each [O_i, C]
 * @returns [N, ΣO_i]
 */
export function bitLinear(x: tf.Tensor2D, weights: tf.Tensor2D[], options: BitLinearOptions): tf.Tensor2D {
  const features = x.shape[1];
  for (const { shape } of weights) {
    if (shape[1] !== features) {
      throw new Error(
        `bitLinear: weight must be [out, ${features}] to fit x [${x.shape.join(', ')}], got [${shape.join(', ')}].`,
      );
    }
  }
  if (hasIdentityGradient(options)) return fused(x, weights, options);
  const { own, straight_through: straightThrough } = options;
  const normed = options.norm ? rmsNorm(x, options.norm) : x;
  return plainBitLinear(normed, weights, {
    quantizeActivations: activationsRule(options),
    quantizeWeights:
      own?.weights?.onTape ?? weightQuantizer(options.weight_quantizer, straightThrough, options),
  });
}

/** Q_a(norm(x)), what the weights of such a layer are multiplied by, [N, C] → [N, C]. */
export function quantizedInput(x: tf.Tensor2D, options: BitLinearOptions): tf.Tensor2D {
  return straightThrough(
    options.norm ? rmsNorm(x, options.norm) : x,
    activationsRule(options),
  ) as tf.Tensor2D;
}

function activationsRule(options: BitLinearOptions): TensorQuantizer {
  const { inputRule, own, step, straight_through: straightThrough } = options;
  const named = (): TensorQuantizer =>
    activationQuantizer(options.activation_quantizer, { straightThrough, step });
  return inputRule ?? own?.activations?.onTape ?? named();
}

/** True where the backward pass takes both quantizers for the identity. */
export function hasIdentityGradient(options: BitLinearOptions): boolean {
  const { own, straight_through: straightThrough, activation_quantizer: activations } = options;
  if (own?.weights?.bringsGradient || own?.activations?.bringsGradient) return false;
  return straightThrough === 'identity' && activations !== 'elastic-int8';
}

function fused(x: tf.Tensor2D, weights: tf.Tensor2D[], options: BitLinearOptions): tf.Tensor2D {
  const { norm } = options;
  const sizes = weights.map((weight) => weight.shape[0]);
  return withGradient([x, ...(norm ? [norm.gain] : []), ...weights], () => {
    const { outputs, saved } = productForward(x, weights, options, norm, true);
    return {
      value: outputs[0], // (N, O)
      saved,
      backward: (dy, saved) => {
        const { dx, dgain, dweights } = productBackward([dy], saved);
        const separate = sizes.length === 1 ? dweights : tf.split(dweights[0], sizes, 0);
        return dgain ? [dx, dgain, ...separate] : [dx, ...separate];
      },
    };
  }) as tf.Tensor2D;
}
