/** Legend: N positions, V vocabulary. The fast form of the mean is fused/cross-entropy.ts. */
import * as tf from '@tensorflow/tfjs';
import { constant, hasNativeKernels, runKernel } from '../backend/kernels.js';

/**
 * Cross-entropy of each position in nats.
 * @param logits [N, V]
 * @param targets [N] int32, ids below V
 * @returns [N]
 */
export function crossEntropyPerPosition(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => {
    const logProbabilities = tf.logSoftmax(logits);
    return tf.neg(tf.sum<tf.Tensor1D>(tf.mul(logProbabilities, oneHot(targets, logits.shape[1])), -1));
  });
}

/** [N] → [N, V] float32. The wasm backend writes wrong values when asked for float32: there it is cast afterwards. */
export function oneHot(ids: tf.Tensor1D, depth: number): tf.Tensor2D {
  if (!hasNativeKernels()) return tf.cast(tf.oneHot(ids, depth), 'float32') as tf.Tensor2D;
  const [one, zero] = [constant(1), constant(0)];
  return runKernel<tf.Tensor2D>('OneHot', [ids, constant(depth, 'int32'), one, zero], { axis: -1 });
}
