/**
 * Fake quantizers with a straight-through gradient (Bengio et al. 2013, arXiv 1308.3432; BitNet, arXiv 2310.11453,
 * section 2.2). Forward: the values that the integers stand for. Backward: rounding has slope 0 almost everywhere, and
 * TensorFlow.js says so (the gradients of its sign and round are zeros), so nothing could be learned; the estimator
 * takes the quantizer for the identity instead. Scales count as constants.
 *
 * `identity`: dy passes everywhere, as in the papers and in transformers.
 * `clipped`: dy passes only where the quantizer does not saturate, and is 0 elsewhere, as in BinaryNet
 * (arXiv 1602.02830, section 2.3) and LSQ (arXiv 1902.08153, equation 5). A value saturates where it lies beyond the
 * outermost integers before rounding: w/γ outside [−1, 1] for ternary weights, |w − mean(w)| > β for the sign,
 * w/γ outside [0, 1] for {0, 1}, x·scale outside [−8, 7] for absmean int4. Absmax never saturates.
 */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from '../backend/custom-gradient.js';
import type { AblationOptions, ActivationQuantizerName, WeightQuantizerName } from '../config.js';
import { activationRange, signedRange } from './activations.js';
import {
  dequantizedActivations,
  dequantizedElastic,
  dequantizedWeights,
  gridOfTensor,
  scalesOfTensor,
} from './on-tensors.js';

/** How the gradient passes a quantizer; see the head of this file. */
export type StraightThrough = AblationOptions['straight_through'];

/** Options of {@link fakeQuantizeWeights}. */
export interface FakeWeightOptions {
  /** `identity` by default. */
  straightThrough?: StraightThrough;
}

/** Options of {@link fakeQuantizeActivations}. */
export interface FakeActivationOptions {
  /** `identity` by default. The elastic quantizer is always clipped, by its own definition. */
  straightThrough?: StraightThrough;
  /** The learned step of `elastic-int8`: one value, above 0. Its gradient is LSQ's. */
  step?: tf.Tensor;
}

/**
 * Quantized and dequantized weights with a straight-through gradient.
 * @param weights any shape; one scale for the whole tensor
 * @returns a new tensor of the same shape
 * @throws Error for an unknown quantizer
 */
export function fakeQuantizeWeights(
  quantizer: WeightQuantizerName,
  weights: tf.Tensor,
  options: FakeWeightOptions = {},
): tf.Tensor {
  const clipped = isClipped(options.straightThrough) && !quantizer.startsWith('absmax');
  return passThrough(
    weights,
    () => dequantizedWeights(quantizer, weights),
    clipped && quantizer !== 'none' ? (w) => unsaturatedWeights(quantizer, w) : undefined,
  );
}

/**
 * Quantized and dequantized activations with a straight-through gradient.
 * @param x `[..., features]`, any rank from 1; every row of features has its own scale unless the quantizer says
 *   `tensor`
 * @returns a new tensor of the same shape
 * @throws Error for an unknown quantizer, and for `elastic-int8` without `step`
 */
export function fakeQuantizeActivations(
  quantizer: ActivationQuantizerName,
  x: tf.Tensor,
  options: FakeActivationOptions = {},
): tf.Tensor {
  if (quantizer === 'elastic-int8') {
    if (!options.step) {
      throw new Error(
        'fakeQuantizeActivations: elastic-int8 must be given its learned step, got none. Pass { step }.',
      );
    }
    return fakeQuantizeElastic(x, options.step, 8);
  }
  const clipped = isClipped(options.straightThrough) && quantizer === 'absmean-int4-token';
  return passThrough(
    x,
    () => dequantizedActivations(quantizer, x),
    clipped ? (x) => unsaturatedActivations(quantizer, x) : undefined,
  );
}

/**
 * The elastic quantizer with LSQ's gradients: dx = dy where low ≤ x/step ≤ high, else 0; dstep = Σ dy · d / √(n·high)
 * with d = low or high where x saturates, else round(x/step) − x/step, over the n values of x
 * (arXiv 1902.08153, equations 3 and 5, section 2.2).
 * @param x any shape
 * @param step one value, of any shape
 * @param bits 2 to 8
 */
export function fakeQuantizeElastic(x: tf.Tensor, step: tf.Tensor, bits: number): tf.Tensor {
  const range = signedRange(bits);
  const { low, high } = range;
  if (step.size !== 1) {
    throw new Error(`fakeQuantizeElastic: step must hold one value, got shape [${step.shape.join(', ')}].`);
  }
  return withGradient([x, step], () => ({
    value: dequantizedElastic(x, step, range),
    saved: [x, step],
    backward: (dy, [x, step]) => {
      const steps = tf.div(x, tf.reshape(step, []));
      const inside = within(steps, low, high);
      const error = tf.sub(tf.clipByValue(tf.round(steps), low, high), tf.mul(inside, steps));
      const dstep = tf.mul(tf.sum(tf.mul(dy, error)), 1 / Math.sqrt(x.size * high));
      return [tf.mul(dy, inside), tf.reshape(dstep, step.shape)];
    },
  }));
}

function isClipped(straightThrough: StraightThrough = 'identity'): boolean {
  if (straightThrough === 'identity' || straightThrough === 'clipped') return straightThrough === 'clipped';
  throw new Error(
    `straight-through gradient: must be 'identity' or 'clipped', got ${JSON.stringify(straightThrough)}.`,
  );
}

/** 1 where a weight lies within the outermost integers of its grid, else 0. */
function unsaturatedWeights(quantizer: WeightQuantizerName, weights: tf.Tensor): tf.Tensor {
  const { rule, center, factor, scale, low, high } = gridOfTensor(quantizer, weights);
  if (rule === 'sign') return within(tf.sub(weights, center), tf.neg(scale), scale);
  return within(tf.mul(weights, factor), low, high);
}

function unsaturatedActivations(quantizer: ActivationQuantizerName, x: tf.Tensor): tf.Tensor {
  const { low, high } = activationRange(quantizer);
  return within(tf.mul(x, scalesOfTensor(quantizer, x)), low, high);
}

function within(x: tf.Tensor, low: tf.Tensor | number, high: tf.Tensor | number): tf.Tensor {
  return tf.cast(tf.logicalAnd(tf.greaterEqual(x, low), tf.lessEqual(x, high)), 'float32');
}

/** An operation whose gradient is dy, or dy times the mask of its input. */
function passThrough(x: tf.Tensor, quantize: () => tf.Tensor, mask?: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  return withGradient([x], () => ({
    value: quantize(),
    saved: mask ? [x] : [],
    backward: (dy, [x]) => [mask ? tf.mul(dy, mask(x)) : tf.clone(dy)],
  }));
}
