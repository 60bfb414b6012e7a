/** One training step: loss and gradients of a batch, clipping, update. Legend: B batch, T tokens. */
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, runKernel } from '../backend/kernels.js';
import type { BitLM, ParameterTensors } from '../model/bitlm.js';
import type { TokenWindows } from '../corpora/corpus.js';
import type { AdamW } from './adamw.js';

export interface StepResult {
  /** Mean cross-entropy of the batch before the update, nats per token. */
  loss: number;
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number;
}

/** What one batch gives. */
export interface LossAndGradients {
  /** Mean cross-entropy, nats per token. */
  loss: number;
  /** By the parameter's name. The caller frees them. */
  gradients: Map<string, tf.Tensor>;
}

/** Rates of one update; gradients above a norm of `clipNorm` are scaled down to it. */
export interface StepRates {
  learningRate: number;
  weightDecay: number;
  clipNorm: number;
}

/**
 * What a step does with the gradients of its batch: one update, if they and the loss are finite. Frees them.
 * @returns the loss; when it or the gradient is not finite nothing was updated
 */
export function update(
  optimizer: AdamW,
  { loss, gradients }: LossAndGradients,
  rates: StepRates,
): StepResult {
  try {
    const gradientNorm = tf.tidy(() => normOf(halfSquares([...gradients.values()]).dataSync<'float32'>()));
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
      const gradientScale = clipFactor(gradientNorm, rates.clipNorm);
      optimizer.step(gradients, { ...rates, gradientScale });
    }
    return { loss, gradientNorm };
  } finally {
    tf.dispose([...gradients.values()]);
  }
}

/**
 * Mean loss of a batch and its gradient with respect to every learned tensor.
 * @param sequences number of sequences in the batch, B
 * @param share of a larger batch, above 0: factor on loss and gradients, so that those of all parts add up to the whole
 */
export function lossAndGradients(
  model: BitLM,
  batch: TokenWindows,
  sequences: number,
  share = 1,
): LossAndGradients {
  // Made outside the differentiated function: gradient functions read them after its tensors are freed.
  const inputs = tf.tensor1d(batch.inputs, 'int32');
  const targets = tf.tensor1d(batch.targets, 'int32');
  const factor = tf.scalar(share);
  try {
    const { value, gradients } = differentiate(model, inputs, targets, sequences, factor);
    const loss = share * value.dataSync()[0];
    value.dispose();
    const names = [...model.parameters.keys()];
    return { loss, gradients: new Map(names.map((name, index) => [name, gradients[index]])) };
  } finally {
    tf.dispose([inputs, targets, factor]);
  }
}

/**
 * The same as tensors, of which none is read: what a graph can be made of.
 * @param inputs [B·T] int32
 * @param targets [B·T] int32
 * @param factor of the gradients, a scalar
 * @returns the mean loss, and the gradients in the order of the model's parameters
 */
export function differentiate(
  model: BitLM,
  inputs: tf.Tensor1D,
  targets: tf.Tensor1D,
  sequences: number,
  factor: tf.Scalar,
): { value: tf.Scalar; gradients: tf.Tensor[] } {
  const names = [...model.parameters.keys()];
  const { value, grads } = tf.valueAndGrads((...weights: tf.Tensor[]) => {
    const byName: ParameterTensors = new Map(names.map((name, index) => [name, weights[index]]));
    return model.loss(inputs, targets, sequences, byName);
  })([...model.parameters.values()], factor);
  return { value, gradients: grads };
}

/** Σg²/2 of each gradient, [gradients]. */
export function halfSquares(gradients: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() => {
    if (!hasNativeKernels()) return tf.stack(gradients.map((g) => tf.mul(tf.sum(tf.square(g)), 0.5)));
    const halves = gradients.map((g) => runKernel('L2Loss', [g]));
    return runKernel('Pack', halves, { N: halves.length, T: { type: 'float32' }, axis: 0 });
  }) as tf.Tensor1D;
}

/** √Σg² over all gradients together, from what {@link halfSquares} finds. */
export function normOf(halves: Float32Array): number {
  return Math.sqrt(2 * halves.reduce((sum, half) => sum + half, 0));
}

/**
 * The factor that brings gradients of this norm down to `limit`, 1 if they are below it.
 * As PyTorch's clip_grad_norm_: limit / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
