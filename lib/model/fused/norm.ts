/**
 * RMSNorm in two passes with a hand-written gradient.
 * Legend: N rows (batch × tokens), C features.
 */
import type * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, matMul2D, reduceRows } from '../../backend/kernels.js';
import * as op from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';
import { withGradient } from '../../backend/custom-gradient.js';
import type { Norm } from '../norm.js';

/** 1 / √(mean(x²) + ε) of each row: x [N, C] → [N, 1]. */
export function reciprocalRootMeanSquare(x: tf.Tensor, epsilon: number): tf.Tensor {
  return spend(
    op.square(x),
    (square) => reduceRows('Mean', square),
    (mean) => op.add(mean, epsilon),
    (sum) => op.rsqrt(sum),
  );
}

/** Forward pass of RMSNorm. x [N, C] → y [N, C], and the reciprocal root mean square of each row [N, 1]. */
export function rmsNormForward(
  x: tf.Tensor,
  { gain, epsilon }: Norm,
): { y: tf.Tensor; reciprocal: tf.Tensor } {
  const reciprocal = reciprocalRootMeanSquare(x, epsilon);
  return { y: spend(op.mul(x, reciprocal), (normed) => op.mul(normed, gain)), reciprocal };
}

/**
 * Backward pass of RMSNorm.
 * dx = r·(g∘dy) − x·r³·⟨g∘dy, x⟩/C and dgain = Σ_rows dy∘x·r. Both sums are matrix products with p = dy∘x, which
 * is faster than two reductions.
 */
export function rmsNormBackward(
  dy: tf.Tensor,
  x: tf.Tensor,
  reciprocal: tf.Tensor,
  gain: tf.Tensor,
): { dx: tf.Tensor; dgain: tf.Tensor1D } {
  const features = x.shape[x.rank - 1];
  const p = op.mul(dy, x); // (N, C)
  const row = op.reshape(gain, [1, features]);
  const dot = matMul2D(p, row, false, true); // (N, 1)
  const dgain = op.reshape(matMul2D(reciprocal, p, true), [features]) as tf.Tensor1D;
  p.dispose();
  const cubed = op.mul(op.mul(op.square(reciprocal), reciprocal), 1 / features); // (N, 1)
  const along = op.mul(x, op.mul(dot, cubed)); // (N, C)
  const dx = spend(scaledBoth(dy, reciprocal, row), (scaled) => op.sub(scaled, along));
  along.dispose();
  return { dx, dgain };
}

/**
 * dy [N, C] by r [N, 1] and g [1, C]. TensorFlow makes the matrix r·g in less time than it takes to pass over dy twice;
 * the wasm backend does not.
 */
function scaledBoth(dy: tf.Tensor, r: tf.Tensor, g: tf.Tensor): tf.Tensor {
  if (!hasNativeKernels()) return spend(op.mul(dy, g), (scaled) => op.mul(scaled, r));
  return spend(op.mul(r, g), (factors) => op.mul(factors, dy));
}

/** RMSNorm with its gradient. x [N, C] → [N, C]. */
export function rmsNorm(x: tf.Tensor2D, norm: Norm): tf.Tensor2D {
  return withGradient([x, norm.gain], () => {
    const { y, reciprocal } = rmsNormForward(x, norm);
    return {
      value: y,
      saved: [x, norm.gain, reciprocal],
      backward: (dy, [x, gain, reciprocal]) => {
        const { dx, dgain } = rmsNormBackward(dy, x, reciprocal, gain);
        return [dx, dgain];
      },
    };
  }) as tf.Tensor2D;
}
