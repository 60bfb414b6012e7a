import * as tf from '@tensorflow/tfjs';

/** RMSNorm's learned gain [C], and ε inside the root. */
export interface Norm {
  gain: tf.Tensor1D;
  epsilon: number;
}

/**
 * RMSNorm: y = gain · x / √(mean(x²) + ε) over the last axis (Zhang & Sennrich, arXiv 1910.07467).
 * @param x [N, C]: N rows (batch × tokens) of C features
 * @returns [N, C]
 */
export function rmsNorm(x: tf.Tensor2D, { gain, epsilon }: Norm): tf.Tensor2D {
  const meanSquare = tf.mean(tf.square(x), -1, true); // (N, 1)
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), gain);
}
