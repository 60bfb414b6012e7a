/** Legend: N positions, V vocabulary. */
import * as tf from '@tensorflow/tfjs';
import * as op from '../backend/operations.js';
import { withGradient } from '../backend/custom-gradient.js';

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

/**
 * Mean cross-entropy in nats per position, with gradient (softmax − target) / N.
 * @param logits [N, V]
 * @param targets [N] int32
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Scalar {
  return withGradient([logits], () => {
    const [positions, vocabulary] = logits.shape;
    const expected = oneHot(targets, vocabulary);
    const logProbabilities = tf.logSoftmax(logits);
    const value = tf.neg(tf.mul(tf.sum(tf.mul(logProbabilities, expected)), 1 / positions));
    const slope = op.mul(op.sub(tf.exp(logProbabilities), expected), 1 / positions);
    return { value, saved: [slope], backward: (dy, [slope]) => [op.mul(dy, slope)] };
  }) as tf.Scalar;
}

/** [N] → [N, V] float32. Cast afterwards: the wasm backend's oneHot writes wrong values when asked for float32. */
export function oneHot(ids: tf.Tensor1D, depth: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(ids, depth), 'float32') as tf.Tensor2D;
}
