/**
 * The quantizers on TensorFlow tensors, forward only: the values that the integers stand for, in float32, equal to the
 * plain functions of weights.ts and activations.ts bit for bit (but for the sign of a zero, and for subnormal numbers,
 * which TensorFlow flushes to zero). Gradients: straight-through.ts.
 *
 * Here NaN and Inf are not refused: they spread over all that share their scale, so the loss becomes NaN and the
 * training loop stops.
 */
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, reduceRows, runKernel } from '../backend/kernels.js';
import { spend } from '../backend/spend.js';
import type { ActivationQuantizerName, WeightQuantizerName } from '../config.js';
import { activationRange, activationScales, type ActivationRange } from './activations.js';
import { QUANTIZER_EPSILON, weightGrid, type WeightGrid } from './weights.js';

/**
 * The grid of a weight tensor. The weights are read back for it: the sum has to be taken in one order on every
 * backend, and reading costs about as much as a reduction by TensorFlow.
 */
export function gridOfTensor(quantizer: WeightQuantizerName, weights: tf.Tensor): WeightGrid {
  return weightGrid(quantizer, weights.dataSync<'float32'>());
}

/** Weights rounded to their grid, by TensorFlow.js's own operations. Any shape, kept. */
export function roundToGrid(weights: tf.Tensor, grid: WeightGrid): tf.Tensor {
  const { rule, center, factor, scale, low, high } = grid;
  return tf.tidy(() => {
    if (!(Number.isFinite(factor) && Number.isFinite(scale))) return tf.mul(weights, NaN);
    if (rule === 'sign') {
      const above = tf.cast(tf.greater(weights, center), 'float32');
      return tf.sub(tf.mul(above, 2 * scale), scale);
    }
    return spend(
      tf.mul(weights, factor),
      (scaled) => tf.round(scaled),
      (rounded) => tf.clipByValue(rounded, low, high),
      (integers) => tf.mul(integers, scale),
    );
  });
}

/**
 * Ternary weights by TensorFlow's kernel `QuantizeAndDequantizeV2`: one pass in place of four. Only on tfjs-node.
 * The kernel multiplies by 1/scale, rounds half to even and multiplies by scale, just as {@link roundToGrid}: its
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

/** Quantized and dequantized weights of any shape, by the fastest way the backend has. `none` gives a copy. */
export function dequantizedWeights(quantizer: WeightQuantizerName, weights: tf.Tensor): tf.Tensor {
  if (quantizer === 'none') return tf.clone(weights);
  const grid = gridOfTensor(quantizer, weights);
  const ternary = grid.rule === 'round' && grid.low === -1 && grid.high === 1;
  if (ternary && Number.isFinite(grid.scale) && hasNativeKernels()) {
    return roundToTernaryByKernel(weights, grid);
  }
  return roundToGrid(weights, grid);
}

/** Scales of activations x `[..., features]`: `[..., 1]`, or a scalar where one serves all. Not for `elastic-int8`. */
export function scalesOfTensor(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  const { high, perTensor } = activationRange(quantizer);
  if (quantizer === 'absmean-int4-token') {
    // Means are read back for the same reason as those of weights.
    const features = x.shape[x.rank - 1];
    const scales = activationScales(quantizer, x.dataSync<'float32'>(), features);
    return tf.tensor(scales, [...x.shape.slice(0, -1), 1]);
  }
  return spend(
    tf.abs(x),
    (magnitude) => (perTensor ? tf.max(magnitude) : reduceRows('Max', magnitude)),
    (absmax) => tf.maximum(absmax, QUANTIZER_EPSILON),
    (divisor) => tf.div(high, divisor),
  );
}

/** Quantized and dequantized activations x `[..., features]`. `none` gives a copy. Not for `elastic-int8`. */
export function dequantizedActivations(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  if (quantizer === 'none') return tf.clone(x);
  const range = activationRange(quantizer);
  return tf.tidy(() => {
    const scales = scalesOfTensor(quantizer, x);
    return spend(
      tf.mul(x, scales),
      (scaled) => tf.round(scaled),
      // |x| · Q / max|x| rounds to at most Q: only absmean can leave the range.
      (rounded) => (quantizer === 'absmean-int4-token' ? clip(rounded, range) : tf.clone(rounded)),
      (integers) => tf.div(integers, scales),
    );
  });
}

/**
 * Elastic quantizer: clamp(round(x / step), low, high) · step. `step` holds one value. Its scale does not depend on x,
 * and the wasm backend clips NaN to a bound: x · 0 is added so that NaN and Inf come out as NaN.
 */
export function dequantizedElastic(
  x: tf.Tensor,
  step: tf.Tensor,
  range: Pick<ActivationRange, 'low' | 'high'>,
): tf.Tensor {
  return tf.tidy(() => {
    const width = tf.reshape(step, []);
    const quantized = tf.mul(clip(tf.round(tf.div(x, width)), range), width);
    return tf.add(quantized, tf.mul(x, 0));
  });
}

function clip(x: tf.Tensor, { low, high }: Pick<ActivationRange, 'low' | 'high'>): tf.Tensor {
  return tf.clipByValue(x, low, high);
}
