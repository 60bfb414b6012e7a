import * as tf from '@tensorflow/tfjs';
import { constant, hasNativeKernels, runKernel } from '../../backend/kernels.js';
import * as op from '../../backend/operations.js';
import type { WeightQuantizerName } from '../../ablation-options.js';
import type { TensorGrid } from '../../quantizers/measures.js';
import { dequantizedWeights as plainly, roundToGrid } from '../../quantizers/on-tensors.js';
import type { WeightGroups } from '../../quantizers/weight-groups.js';

/**
 * Quantized and dequantized weights of any shape, by the fastest way the backend has, with a scale for each group. `none`
 * gives a copy.
 */
export function dequantizedWeights(
  quantizer: WeightQuantizerName,
  weights: tf.Tensor,
  groups: WeightGroups = {},
): tf.Tensor {
  return plainly(quantizer, weights, groups, (part, grid, measured) => {
    const isTernary = grid.rule === 'round' && grid.low === -1 && grid.high === 1;
    return isTernary && measured === 'all' && hasNativeKernels()
      ? roundToTernaryByKernel(part, grid)
      : roundToGrid(part, grid);
  });
}

/**
 * Ternary weights by TensorFlow's kernel `QuantizeAndDequantizeV2`: one pass in place of four. Only on tfjs-node.
 * The kernel multiplies by 1/scale, rounds half to even and multiplies by scale, just as {@link roundToGrid}: its
 * 1/scale equals the grid's factor, since 1/(1/(1/γ)) = 1/γ for every float32.
 */
export function roundToTernaryByKernel(weights: tf.Tensor, { scale }: TensorGrid): tf.Tensor {
  return tf.tidy(() => {
    // It refuses NaN, and makes NaN of an infinite scale.
    const isFinite = runKernel('IsFinite', [scale]);
    const reach = runKernel('SelectV2', [isFinite, scale, constant(Infinity)]);
    return runKernel('QuantizeAndDequantizeV2', [weights, op.sub(0, reach), reach], {
      T: { type: 'float32' },
      signed_input: true,
      num_bits: 2,
      range_given: true,
      round_mode: 'HALF_TO_EVEN',
      narrow_range: true,
      axis: -1,
    });
  });
}
