/** Quantizers that a reader writes, as notebooks see them: without a type of TensorFlow.js. */
import type { Tensor } from '../backend/notebook-tensorflow.js';

/** What a quantizer is given beside the values. */
export interface QuantizerDraws {
  /**
   * Uniform random numbers from 0 up to 1, of the shape of the values. They follow from the run's seed, the step and
   * the call: a run that was stopped draws the very same ones when it goes on.
   */
  uniform: () => Tensor;
}

/**
 * A quantizer as a function: a tensor of values to a new tensor of the same shape that holds what they are rounded to.
 * Weights come as [out, in], activations as [tokens, features].
 */
export type QuantizerFunction = (values: Tensor, draws: QuantizerDraws) => Tensor;

/** A reader's own parts of a model. */
export interface OwnParts {
  /** In the place of `weight_quantizer`: each of the seven matrices of a layer, [out, in]. */
  weightQuantizer?: QuantizerFunction;
  /** In the place of `activation_quantizer`: what enters those matrices, [tokens, in], after its norm. */
  activationQuantizer?: QuantizerFunction;
}
