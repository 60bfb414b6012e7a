import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, runKernel } from '../../backend/kernels.js';
import type { WeightQuantizerName } from '../../config.js';
import * as plain from '../../quantizers/on-tensors.js';
import type { WeightGrid } from '../../quantizers/weights.js';

/** Quantized and dequantized weights of any shape, by the fastest way the backend has. `none` gives a copy. */
export function dequantizedWeights(quantizer: WeightQuantizerName, weights: tf.Tensor): tf.Tensor {
  if (quantizer === 'none') return tf.clone(weights);
  const grid = plain.gridOfTensor(quantizer, weights);
  const isTernary = grid.rule === 'round' && grid.low === -1 && grid.high === 1;
  if (isTernary && Number.isFinite(grid.scale) && hasNativeKernels()) {
    return roundToTernaryByKernel(weights, grid);
  }
  return plain.roundToGrid(weights, grid);
}

/**
 * Ternary weights by TensorFlow's kernel `QuantizeAndDequantizeV2`: one pass in place of four. Only on tfjs-node.
 * The kernel multiplies by 1/scale, rounds half to even and multiplies by scale, just as {@link plain.roundToGrid}: its
 * 1/scale equals the grid's factor, since 1/(1/(1/γ)) = 1/γ for every float32.
 */
export function roundToTernaryByKernel(weights: tf.Tensor, grid: WeightGrid): tf.Tensor {
  return tf.tidy(() =>
    runKernel('QuantizeAndDequantizeV2', [weights, tf.scalar(-grid.scale), tf.scalar(grid.scale)], {
      T: { type: 'float32' },
      signed_input: true,
      num_bits: 2,
      range_given: true,
      round_mode: 'HALF_TO_EVEN',
      narrow_range: true,
      axis: -1,
    }),
  );
}
