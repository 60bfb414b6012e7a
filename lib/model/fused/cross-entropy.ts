/** Legend: N positions, V vocabulary. */
import * as tf from '@tensorflow/tfjs';
import * as op from '../../backend/operations.js';
import { withGradient } from '../../backend/custom-gradient.js';
import { oneHot } from '../cross-entropy.js';

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
