import * as tf from '@tensorflow/tfjs';

/**
 * LayerNorm without gain and shift, as BitNet's BitLinear has it: y = (x − mean(x)) / √(Var(x) + ε) over the last axis
 * (arXiv 2310.11453, section 2.1).
 * @param x [N, C]: N rows (batch × tokens) of C features
 * @returns [N, C]
 */
export function layerNorm(x: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true); // (N, 1)
  return tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
}
