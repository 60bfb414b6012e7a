import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, runKernel } from '../backend/kernels.js';

/** Σg²/2 of each gradient, [gradients]. */
export function halfSquares(gradients: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() => {
    if (!hasNativeKernels()) return tf.stack(gradients.map((g) => tf.mul(tf.sum(tf.square(g)), 0.5)));
    const halves = gradients.map((g) => runKernel('L2Loss', [g]));
    return runKernel('Pack', halves, { N: halves.length, T: { type: 'float32' }, axis: 0 });
  }) as tf.Tensor1D;
}

/** √Σg² over all gradients together, from what {@link halfSquares} finds. */
export function normOf(halves: Float32Array): number {
  return Math.sqrt(2 * halves.reduce((sum, half) => sum + half, 0));
}

/**
 * The factor that brings gradients of this norm down to `limit`, 1 if they are below it.
 * As PyTorch's clip_grad_norm_: limit / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
