/** Legend: N positions, V vocabulary, C features. */
import * as tf from '@tensorflow/tfjs';
import { constant, hasNativeKernels, runKernel } from '../../backend/kernels.js';
import { oneHot } from '../cross-entropy.js';
import { withGradient } from '../../backend/custom-gradient.js';
import { transposedProduct } from './transposed-product.js';

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
    value: rows(weight, ids),
    saved: [],
    backward: (dy) => [transposedProduct(oneHot(ids, weight.shape[0]), dy)],
  })) as tf.Tensor2D;
}

/** TensorFlow.js reads the ids back and checks them one by one, which TensorFlow's kernel does itself. */
function rows(weight: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor {
  return hasNativeKernels()
    ? runKernel('GatherV2', [weight, ids, constant(0, 'int32')])
    : tf.gather(weight, ids);
}
