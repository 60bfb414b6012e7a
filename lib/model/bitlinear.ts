/**
 * BitLinear: a linear layer that multiplies quantized activations by quantized weights (arXiv 2310.11453, section 2.1;
 * arXiv 2402.17764, section 2). The norm in front of the quantizer, both quantizers and the product are one operation
 * with one gradient: that is a third faster than TensorFlow.js's tape over the parts, with the same mathematics.
 * Legend: N rows (batch × tokens), C input features, O output features.
 */
import * as tf from '@tensorflow/tfjs';
import type { AblationOptions } from '../config.js';
import { withGradient } from '../backend/custom-gradient.js';
import type { OwnQuantizers } from '../quantizers/own-quantizer.js';
import { fakeQuantizeActivations, fakeQuantizeWeights } from '../quantizers/straight-through.js';
import { rmsNorm, type Norm } from './norm.js';
import { productBackward, productForward } from './fused/quantized-product.js';

/** What a BitLinear layer does around its product. */
export interface BitLinearOptions extends Pick<
  AblationOptions,
  'weight_quantizer' | 'activation_quantizer' | 'straight_through'
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
 * their outputs stand side by side.
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
  return hasIdentityGradient(options) ? fused(x, weights, options) : composed(x, weights, options);
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

/** The same from its parts on TensorFlow.js's tape: for quantizers whose gradient is not the identity. */
function composed(x: tf.Tensor2D, weights: tf.Tensor2D[], options: BitLinearOptions): tf.Tensor2D {
  const { norm, step, own, straight_through: straightThrough } = options;
  const normed = norm ? rmsNorm(x, norm) : x;
  const activations =
    options.inputRule?.(normed) ??
    own?.activations?.onTape(normed) ??
    fakeQuantizeActivations(options.activation_quantizer, normed, { straightThrough, step });
  const outputs = weights.map((weight) => {
    const quantized =
      own?.weights?.onTape(weight) ??
      fakeQuantizeWeights(options.weight_quantizer, weight, { straightThrough });
    return tf.matMul(activations, quantized, false, true);
  });
  return (outputs.length === 1 ? outputs[0] : tf.concat(outputs, 1)) as tf.Tensor2D;
}
