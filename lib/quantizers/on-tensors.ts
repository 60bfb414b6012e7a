/**
 * The quantizers on TensorFlow tensors, forward only: the values that the integers stand for, in float32, equal to the
 * plain functions of weights.ts and activations.ts bit for bit (but for the sign of a zero, and for subnormal numbers,
 * which TensorFlow flushes to zero). Gradients: straight-through.ts.
 *
 * Here NaN and Inf are not refused: they spread over all that share their scale, so the loss becomes NaN and the
 * training loop stops.
 */
import * as tf from '@tensorflow/tfjs';
import type { ActivationQuantizerName, WeightQuantizerName } from '../ablation-options.js';
import { activationRange, keptOf, type ActivationRange } from './activations.js';
import { absmeanScales, gridOfTensor, type TensorGrid } from './measures.js';
import { inGroups, type Measured, type WeightGroups } from './weight-groups.js';
import { QUANTIZER_EPSILON } from './weights.js';

/** Weights rounded to their grid, any shape. */
export function roundToGrid(weights: tf.Tensor, grid: TensorGrid): tf.Tensor {
  const { rule, center, factor, scale, low, high } = grid;
  return tf.tidy(() => {
    if (rule === 'sign') {
      const above = tf.cast(tf.greater(weights, center), 'float32');
      return tf.sub(tf.mul(above, tf.mul(scale, 2)), scale);
    }
    return tf.mul(tf.clipByValue(tf.round(tf.mul(weights, factor)), low, high), scale);
  });
}

/**
 * Quantized and dequantized weights of any shape, with a scale for each group. `none` gives a copy.
 * @param round puts a part on its grid; fused/ternary-weights.ts has a faster way
 */
export function dequantizedWeights(
  quantizer: WeightQuantizerName,
  weights: tf.Tensor,
  groups: WeightGroups = {},
  round: (part: tf.Tensor, grid: TensorGrid, measured: Measured) => tf.Tensor = roundToGrid,
): tf.Tensor {
  if (quantizer === 'none') return tf.clone(weights);
  return inGroups(weights, groups, (part, measured) =>
    tf.tidy(() => round(part, gridOfTensor(quantizer, part, measured), measured)),
  );
}

/** Scales of activations x `[..., features]`: `[..., 1]`, or a scalar where one serves all. Not for `elastic-int8`. */
export function scalesOfTensor(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  const { high, perTensor } = activationRange(quantizer);
  if (quantizer === 'absmean-int4-token') return absmeanScales(x);
  return tf.tidy(() => {
    const absmax = perTensor ? tf.max(tf.abs(x)) : tf.max(tf.abs(x), -1, true);
    return tf.div(high, tf.maximum(absmax, QUANTIZER_EPSILON));
  });
}

/** Quantized and dequantized activations x `[..., features]`. `none` gives a copy. Not for `elastic-int8`. */
export function dequantizedActivations(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  if (quantizer === 'none') return tf.clone(x);
  const range = activationRange(quantizer);
  return tf.tidy(() => {
    const scales = scalesOfTensor(quantizer, x);
    const rounded = tf.round(tf.mul(x, scales));
    // |x| · Q / max|x| rounds to at most Q: only absmean can leave the range.
    const integers = quantizer === 'absmean-int4-token' ? clip(rounded, range) : rounded;
    const kept = quantizer === 'top-half-int8-token' ? tf.mul(integers, isLarge(x)) : integers;
    return tf.div(kept, scales);
  });
}

/** 1 where a magnitude belongs to the larger half of its row, else 0. */
function isLarge(x: tf.Tensor): tf.Tensor {
  const magnitudes = tf.abs(x);
  const count = keptOf(x.shape[x.rank - 1]);
  const { values } = tf.topk(magnitudes, count); // [..., count], largest first
  const least = tf.slice(
    values,
    [...x.shape.slice(0, -1).map(() => 0), count - 1],
    [...x.shape.slice(0, -1), 1],
  );
  return tf.cast(tf.greaterEqual(magnitudes, least), 'float32');
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
