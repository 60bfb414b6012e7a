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
import type { AblationOptions, ActivationQuantizerName, WeightQuantizerName } from '../ablation-options.js';
import { activationRange, signedRange } from './activations.js';
import { gridOfTensor } from './measures.js';
import {
  dequantizedActivations,
  dequantizedElastic,
  dequantizedWeights,
  scalesOfTensor,
} from './on-tensors.js';
import { inGroups, type Measured, type WeightGroups } from './weight-groups.js';

/** How the gradient passes a quantizer of the library; see the head of this file. */
export type StraightThrough = AblationOptions['straight_through'];

/**
 * A quantizer on tensors: values in, the values that its integers stand for out, in a new tensor of the same shape.
 * `gradient` says how the gradient passes: everywhere where it is absent; times the mask that it makes of the input;
 * or `own`, by the gradient of the quantizer's own operations.
 */
export type TensorQuantizer = ((x: tf.Tensor) => tf.Tensor) & {
  readonly gradient?: 'own' | ((x: tf.Tensor) => tf.Tensor);
};

/**
 * The straight-through estimator: forward q(x), backward dy, as if q were the identity. That is what
 * x + stopgradient(q(x) − x) says, without its rounding.
 * @param x any shape
 */
export function straightThrough(x: tf.Tensor, quantize: TensorQuantizer): tf.Tensor {
  const { gradient } = quantize;
  if (gradient === 'own') return quantize(x);
  return withGradient([x], () => ({
    value: quantize(x),
    saved: gradient ? [x] : [],
    backward: (dy, [x]) => [gradient ? tf.mul(dy, gradient(x)) : tf.clone(dy)],
  }));
}

/** Options of {@link activationQuantizer}. */
export interface ActivationGradientOptions {
  /** `identity` by default. The elastic quantizer is always clipped, by its own definition. */
  straightThrough?: StraightThrough;
  /** The learned step of `elastic-int8`: one value, above 0. Its gradient is LSQ's. */
  step?: tf.Tensor;
}

/**
 * A weight quantizer by its name, for tensors of any shape; one scale for the whole tensor, or for each group.
 * @throws Error for an unknown quantizer, when it is used
 */
export function weightQuantizer(
  name: WeightQuantizerName,
  straightThrough: StraightThrough = 'identity',
  groups: WeightGroups = {},
): TensorQuantizer {
  const quantize = (weights: tf.Tensor): tf.Tensor => dequantizedWeights(name, weights, groups);
  const saturates = name !== 'none' && !name.startsWith('absmax');
  if (!isClipped(straightThrough) || !saturates) return quantize;
  const gradient = (weights: tf.Tensor): tf.Tensor =>
    inGroups(weights, groups, (part, measured) => unsaturatedWeights(name, part, measured));
  return Object.assign(quantize, { gradient });
}

/**
 * An activation quantizer by its name, for tensors `[..., features]` of any rank from 1; every row of features has its
 * own scale unless the name says `tensor`.
 * @throws Error for `elastic-int8` without `step`, and for an unknown quantizer, when it is used
 */
export function activationQuantizer(
  name: ActivationQuantizerName,
  { straightThrough = 'identity', step }: ActivationGradientOptions = {},
): TensorQuantizer {
  if (name === 'elastic-int8') {
    if (!step) {
      throw new Error(
        'activationQuantizer: elastic-int8 must be given its learned step, got none. Pass { step }.',
      );
    }
    const elastic = (x: tf.Tensor): tf.Tensor => fakeQuantizeElastic(x, step, 8);
    return Object.assign(elastic, { gradient: 'own' } as const);
  }
  const quantize = (x: tf.Tensor): tf.Tensor => dequantizedActivations(name, x);
  if (!isClipped(straightThrough) || name !== 'absmean-int4-token') return quantize;
  return Object.assign(quantize, { gradient: (x: tf.Tensor) => unsaturatedActivations(name, x) });
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

function isClipped(straightThrough: StraightThrough): boolean {
  if (straightThrough === 'identity' || straightThrough === 'clipped') return straightThrough === 'clipped';
  throw new Error(
    `straight-through gradient: must be 'identity' or 'clipped', got ${JSON.stringify(straightThrough)}.`,
  );
}

/** 1 where a weight lies within the outermost integers of its grid, else 0. */
function unsaturatedWeights(
  quantizer: WeightQuantizerName,
  weights: tf.Tensor,
  measured: Measured,
): tf.Tensor {
  const { rule, center, factor, scale, low, high } = gridOfTensor(quantizer, weights, measured);
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
