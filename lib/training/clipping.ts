import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, runKernel } from '../backend/kernels.js';

/** √Σg² over all gradients together, in one number. */
export function globalNorm(gradients: Iterable<tf.Tensor>): number {
  return tf.tidy(() => {
    const native = hasNativeKernels();
    const halves = Array.from(gradients, (g) =>
      native
        ? runKernel('L2Loss', [g]) // Σg²/2
        : tf.mul(tf.sum(tf.square(g)), 0.5),
    );
    const half = native
      ? runKernel('AddN', halves, { N: halves.length, T: { type: 'float32' } })
      : tf.addN(halves);
    return Math.sqrt(2 * half.dataSync()[0]);
  });
}

/**
 * The factor that brings gradients of this norm down to `limit`, 1 if they are below it.
 * As PyTorch's clip_grad_norm_: limit / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
