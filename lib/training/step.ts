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

/** What one batch tells. */
export interface LossAndGradients {
  /** Mean cross-entropy, nats per token. */
  loss: number;
  /** By the parameter's name. Whoever takes them frees them. */
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
    const gradientNorm = globalNorm(gradients.values());
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
  const names = [...model.parameters.keys()];
  // Made outside the differentiated function: gradient functions read them after its tensors are freed.
  const inputs = tf.tensor1d(batch.inputs, 'int32');
  const targets = tf.tensor1d(batch.targets, 'int32');
  const differentiate = tf.valueAndGrads((...weights: tf.Tensor[]) => {
    const byName: ParameterTensors = new Map(names.map((name, index) => [name, weights[index]]));
    return model.loss(inputs, targets, sequences, byName);
  });
  const factor = tf.scalar(share);
  try {
    const { value, grads } = differentiate([...model.parameters.values()], factor);
    const loss = share * value.dataSync()[0];
    value.dispose();
    return { loss, gradients: new Map(names.map((name, index) => [name, grads[index]])) };
  } finally {
    tf.dispose([inputs, targets, factor]);
  }
}

/** √Σg² over all gradients together, in one number. */
export function globalNorm(gradients: Iterable<tf.Tensor>): number {
  return tf.tidy(() => {
    const native = hasNativeKernels();
    const halves = Array.from(gradients, (g) =>
      native
        ? runKernel('L2Loss', [g]) // Σg²/2
        : tf.mul(tf.sum(tf.square(g)), 0.5),
    );
    const half = native
      ? runKernel('AddN', halves, { N: halves.length, T: { type: 'float32' } })
      : tf.addN(halves);
    return Math.sqrt(2 * half.dataSync()[0]);
  });
}

/**
 * The factor that brings gradients of this norm down to `limit`, 1 if they are below it.
 * As PyTorch's clip_grad_norm_: limit / (norm + 1e-6), at most 1.
 */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
