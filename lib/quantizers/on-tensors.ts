/**
 * The quantizers on TensorFlow tensors, forward only: the values that the integers stand for, in float32, equal to the
 * plain functions of weights.ts and activations.ts bit for bit (but for the sign of a zero, and for subnormal numbers,
 * which TensorFlow flushes to zero). Gradients: straight-through.ts.
 *
 * Here NaN and Inf are not refused: they spread over all that share their scale, so the loss becomes NaN and the
 * training loop stops.
 */
import * as tf from '@tensorflow/tfjs';
import { meanInDouble } from '../backend/double-mean.js';
import { constant, hasNativeKernels, indices, reduceRows, runKernel } from '../backend/kernels.js';
import * as op from '../backend/operations.js';
import { spend } from '../backend/spend.js';
import type { ActivationQuantizerName, WeightQuantizerName } from '../config.js';
import { activationRange, activationScales, SQRT_7, type ActivationRange } from './activations.js';
import { QUANTIZER_EPSILON, weightGrid, type WeightGrid } from './weights.js';

/** The grid of a weight tensor, what is measured on it as scalars. */
export type TensorGrid = Pick<WeightGrid, 'rule' | 'low' | 'high'> &
  Record<'center' | 'factor' | 'scale', tf.Tensor>;

/**
 * The grid of a weight tensor. On tfjs-node nothing is read for it, so that a training step can become a graph. The
 * wasm backend has neither float64 nor medians: there the plain functions measure.
 */
export function gridOfTensor(quantizer: WeightQuantizerName, weights: tf.Tensor): TensorGrid {
  if (!hasNativeKernels()) return readGrid(quantizer, weights);
  // These do not depend on the weights.
  const { rule, low, high } = weightGrid(quantizer, Float32Array.of(1));
  return tf.tidy(() => {
    const center = rule === 'sign' ? meanInDouble(weights) : tf.scalar(0);
    if (rule === 'sign') {
      // Where the mean is infinite, so are weights: all of them become NaN.
      const scale = op.add(meanInDouble(op.abs(weights)), op.mul(center, 0));
      return { rule, low, high, center, factor: tf.scalar(1), scale };
    }
    const divisor = op.maximum(measureOf(quantizer, weights), QUANTIZER_EPSILON);
    const factor = op.div(quantizer.startsWith('absmax') ? high : 1, divisor);
    return { rule, low, high, center, factor, scale: op.div(1, factor) };
  });
}

/** Mean, median or maximum of |weights|, a scalar; NaN where a weight is. */
function measureOf(quantizer: WeightQuantizerName, weights: tf.Tensor): tf.Tensor {
  const magnitudes = op.abs(weights);
  const axes = indices(weights.shape.map((_, axis) => axis));
  if (quantizer.startsWith('absmax')) return runKernel('Max', [magnitudes, axes]);
  if (quantizer !== 'absmedian-ternary') return meanInDouble(magnitudes);
  const flat = runKernel('Reshape', [magnitudes, tf.tensor1d([weights.size], 'int32')]);
  const median = runKernel('NthElement', [flat, tf.scalar((weights.size - 1) >> 1, 'int32')]);
  // A median would hide a NaN. This sum is 0, or NaN where a weight is not finite.
  return op.add(median, runKernel('Sum', [op.mul(magnitudes, 0), axes]));
}

function readGrid(quantizer: WeightQuantizerName, weights: tf.Tensor): TensorGrid {
  const grid = weightGrid(quantizer, weights.dataSync<'float32'>());
  const { rule, low, high, center, factor, scale } = grid;
  const isFinite = Number.isFinite(factor) && Number.isFinite(scale);
  const [centerTensor, factorTensor, scaleTensor] = [center, factor, isFinite ? scale : NaN].map((number) =>
    tf.scalar(number),
  );
  return { rule, low, high, center: centerTensor, factor: factorTensor, scale: scaleTensor };
}

/** Weights rounded to their grid, by TensorFlow.js's own operations. Any shape, kept. */
export function roundToGrid(weights: tf.Tensor, grid: TensorGrid): tf.Tensor {
  const { rule, center, factor, scale, low, high } = grid;
  return tf.tidy(() => {
    if (rule === 'sign') {
      const above = tf.cast(tf.greater(weights, center), 'float32');
      return op.sub(op.mul(above, op.mul(scale, 2)), scale);
    }
    return spend(
      op.mul(weights, factor),
      (scaled) => op.round(scaled),
      (rounded) => tf.clipByValue(rounded, low, high),
      (integers) => op.mul(integers, scale),
    );
  });
}

/**
 * Ternary weights by TensorFlow's kernel `QuantizeAndDequantizeV2`: one pass in place of four. Only on tfjs-node.
 * The kernel multiplies by 1/scale, rounds half to even and multiplies by scale, just as {@link roundToGrid}: its
 * 1/scale equals the grid's factor, since 1/(1/(1/γ)) = 1/γ for every float32.
 */
export function roundToTernaryByKernel(weights: tf.Tensor, { scale }: TensorGrid): tf.Tensor {
  return tf.tidy(() => {
    // It refuses NaN; of an infinite scale it makes NaN.
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

/** Quantized and dequantized weights of any shape, by the fastest way the backend has. `none` gives a copy. */
export function dequantizedWeights(quantizer: WeightQuantizerName, weights: tf.Tensor): tf.Tensor {
  if (quantizer === 'none') return tf.clone(weights);
  return tf.tidy(() => {
    const grid = gridOfTensor(quantizer, weights);
    const isTernary = grid.rule === 'round' && grid.low === -1 && grid.high === 1;
    return isTernary && hasNativeKernels()
      ? roundToTernaryByKernel(weights, grid)
      : roundToGrid(weights, grid);
  });
}

/** Scales of activations x `[..., features]`: `[..., 1]`, or a scalar where one serves all. Not for `elastic-int8`. */
export function scalesOfTensor(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  const { high, perTensor } = activationRange(quantizer);
  if (quantizer === 'absmean-int4-token') return absmeanScales(quantizer, x);
  return spend(
    tf.abs(x),
    (magnitude) => (perTensor ? tf.max(magnitude) : reduceRows('Max', magnitude)),
    (absmax) => tf.maximum(absmax, QUANTIZER_EPSILON),
    (divisor) => tf.div(high, divisor),
  );
}

function absmeanScales(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  if (!hasNativeKernels()) {
    const features = x.shape[x.rank - 1];
    const scales = activationScales(quantizer, x.dataSync<'float32'>(), features);
    return tf.tensor(scales, [...x.shape.slice(0, -1), 1]);
  }
  return spend(
    op.abs(x),
    (magnitude) => meanInDouble(magnitude, 'rows'),
    (mean) => op.add(mean, QUANTIZER_EPSILON),
    (divisor) => op.div(SQRT_7, divisor),
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
