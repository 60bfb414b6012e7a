/** Legend: N positions, V vocabulary, C features. */
import * as tf from '@tensorflow/tfjs';
import { matMul2D } from '../../backend/kernels.js';
import { oneHot } from '../cross-entropy.js';
import { withGradient } from '../../backend/custom-gradient.js';

/**
 * Rows of the embedding matrix.
 * The gradient is oneHotᵀ·dy: the usual one, a segment sum, does not exist on the wasm backend, and for the small
 * vocabularies trained here the product is as fast.
 * @param weight [V, C]
 * @param ids [N] int32
 * @returns [N, C]
 */
export function embed(weight: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  return withGradient([weight], () => ({
    value: tf.gather(weight, ids),
    saved: [],
    backward: (dy) => [matMul2D(oneHot(ids, weight.shape[0]), dy, true)],
  })) as tf.Tensor2D;
}
