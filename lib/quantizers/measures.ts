/**
 * What quantizers measure on tensors: the grid of a weight matrix, the scales of absmean activations. On tfjs-node
 * nothing is read into JavaScript for it, so that a training step can become a graph. The wasm backend has neither
 * float64 nor medians: there the plain functions measure.
 */
import * as tf from '@tensorflow/tfjs';
import { meanInDouble } from '../backend/double-mean.js';
import { constant, hasNativeKernels, indices, runKernel } from '../backend/kernels.js';
import * as op from '../backend/operations.js';
import type { WeightQuantizerName } from '../ablation-options.js';
import { activationScales, SQRT_7 } from './activations.js';
import type { Measured } from './weight-groups.js';
import { QUANTIZER_EPSILON, weightGrid, type WeightGrid } from './weights.js';

/** The grid of a weight tensor: what is measured on it as scalars, or for each row [rows, 1]; NaN where a weight is not finite. */
export type TensorGrid = Pick<WeightGrid, 'rule' | 'low' | 'high'> &
  Record<'center' | 'factor' | 'scale', tf.Tensor>;

/** The grid of a weight tensor of any shape; of a matrix, one for each row as well. */
export function gridOfTensor(
  quantizer: WeightQuantizerName,
  weights: tf.Tensor,
  measured: Measured = 'all',
): TensorGrid {
  if (!hasNativeKernels()) return readGrid(quantizer, weights, measured);
  // These do not depend on the weights.
  const { rule, low, high } = weightGrid(quantizer, Float32Array.of(1));
  return tf.tidy(() => {
    if (rule === 'sign') {
      const center = meanInDouble(weights, measured);
      // Where the mean is infinite, the scale is made NaN.
      const scale = op.add(meanInDouble(op.abs(weights), measured), op.mul(center, 0));
      return { rule, low, high, center, factor: tf.scalar(1), scale };
    }
    const divisor = op.maximum(measureOf(quantizer, weights, measured), QUANTIZER_EPSILON);
    const factor = op.div(quantizer.startsWith('absmax') ? high : 1, divisor);
    return { rule, low, high, center: tf.scalar(0), factor, scale: op.div(1, factor) };
  });
}

/** Mean, median or maximum of |weights|, a scalar or for each row; NaN where a weight is. */
function measureOf(quantizer: WeightQuantizerName, weights: tf.Tensor, measured: Measured): tf.Tensor {
  const magnitudes = op.abs(weights);
  const axes = indices(weights.shape.map((_, axis) => axis));
  if (quantizer.startsWith('absmax')) {
    return measured === 'rows'
      ? runKernel('Max', [magnitudes, constant(-1, 'int32')], { keep_dims: true })
      : runKernel('Max', [magnitudes, axes]);
  }
  if (quantizer !== 'absmedian-ternary') return meanInDouble(magnitudes, measured);
  if (measured === 'rows')
    throw new Error('absmedian-ternary: must have one scale, got a request for one a row.');
  const flat = runKernel('Reshape', [magnitudes, tf.tensor1d([weights.size], 'int32')]);
  const median = runKernel('NthElement', [flat, tf.scalar((weights.size - 1) >> 1, 'int32')]);
  // A median would hide a NaN. This sum is 0, or NaN where a weight is not finite.
  return op.add(median, runKernel('Sum', [op.mul(magnitudes, 0), axes]));
}

function readGrid(quantizer: WeightQuantizerName, weights: tf.Tensor, measured: Measured): TensorGrid {
  const values = weights.dataSync<'float32'>();
  const count = measured === 'rows' ? weights.shape[0] : 1;
  const size = values.length / count;
  const grids = Array.from({ length: count }, (_, row) =>
    weightGrid(quantizer, values.subarray(row * size, (row + 1) * size)),
  );
  const { rule, low, high } = grids[0];
  const shape = measured === 'rows' ? [count, 1] : [];
  const column = (of: (grid: WeightGrid) => number): tf.Tensor => tf.tensor(grids.map(of), shape, 'float32');
  return {
    rule,
    low,
    high,
    center: column(({ center }) => center),
    factor: column(({ factor }) => factor),
    scale: column(({ factor, scale }) => (Number.isFinite(factor) && Number.isFinite(scale) ? scale : NaN)),
  };
}

/** Scales √7 / (mean|x| + 1e-5) of every row: x [..., features] → [..., 1]. */
export function absmeanScales(x: tf.Tensor): tf.Tensor {
  if (!hasNativeKernels()) {
    const features = x.shape[x.rank - 1];
    const scales = activationScales('absmean-int4-token', x.dataSync<'float32'>(), features);
    return tf.tensor(scales, [...x.shape.slice(0, -1), 1]);
  }
  return tf.tidy(() => {
    const mean = meanInDouble(op.abs(x), 'rows');
    return op.div(SQRT_7, op.add(mean, QUANTIZER_EPSILON));
  });
}
