import * as tf from '@tensorflow/tfjs';
import { median } from '../analysis/statistics.js';

/** Side of the square matrices; larger ones are no faster. */
const SIDE = 1024;
const REPEATS = 5;

/** GFLOP/s of a large float32 matrix product with the threads that TensorFlow runs with: the median of a few. */
export function measureSgemm(): number {
  return tf.tidy(() => {
    const a = tf.randomNormal<tf.Rank.R2>([SIDE, SIDE]);
    const b = tf.randomNormal<tf.Rank.R2>([SIDE, SIDE]);
    const milliseconds = Array.from({ length: REPEATS }, () => {
      const started = performance.now();
      tf.matMul(a, b).dispose();
      return performance.now() - started;
    });
    return (2 * SIDE ** 3) / median(milliseconds) / 1e6;
  });
}
