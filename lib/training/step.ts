/** One training step: loss and gradients of a batch, clipping, update. Legend: B batch, T tokens. */
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, runKernel } from '../backend/kernels.js';
import * as op from '../backend/operations.js';
import type { BitLM } from '../model/bitlm.js';
import type { ParameterTensors } from '../model/forward-pass.js';
import type { TokenWindows } from '../corpora/corpus.js';
import type { AdamW } from './adamw.js';
import { splitBatch, type BatchPart } from './split-batch.js';

/** What one step measured. */
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
 * @param parts that the batch is taken in, one after the other; see split-batch.ts
 */
export function lossAndGradients(
  model: BitLM,
  batch: TokenWindows,
  sequences: number,
  parts = 1,
): LossAndGradients {
  const tensors = splitBatch(batch, sequences, parts).map((part) => new PartTensors(part));
  try {
    const found = tensors.map((part) => differentiate(model, part));
    const losses = found.map(({ value }) => value.dataSync<'float32'>()[0]);
    tf.dispose(found.map(({ value }) => value));
    const gradients = sumOfParts(found.map(({ gradients: ofPart }) => ofPart));
    if (parts > 1) tf.dispose(found.map(({ gradients: ofPart }) => ofPart));
    const names = [...model.parameters.keys()];
    return {
      loss: meanLoss(tensors, losses),
      gradients: new Map(names.map((name, index) => [name, gradients[index]])),
    };
  } finally {
    for (const part of tensors) part.dispose();
  }
}

/** Part of a batch as tensors. The caller frees them. */
export class PartTensors {
  /** [B·T] int32. */
  readonly inputs: tf.Tensor1D;
  /** [B·T] int32. */
  readonly targets: tf.Tensor1D;
  readonly sequences: number;
  /** Of the whole batch. */
  readonly share: number;
  /** The share as a scalar. */
  readonly factor: tf.Scalar;

  constructor({ batch, sequences, share }: BatchPart) {
    this.inputs = tf.tensor1d(batch.inputs, 'int32');
    this.targets = tf.tensor1d(batch.targets, 'int32');
    this.sequences = sequences;
    this.share = share;
    this.factor = tf.scalar(share);
  }

  dispose(): void {
    tf.dispose([this.inputs, this.targets, this.factor]);
  }
}

/**
 * Mean loss of a part, and its share of the batch's gradients in the order of the model's parameters: tensors, of which
 * none is read, so that a graph can be made of it.
 */
export function differentiate(
  model: BitLM,
  // Made outside the differentiated function: gradient functions read them after its tensors are freed.
  { inputs, targets, sequences, factor }: PartTensors,
): { value: tf.Scalar; gradients: tf.Tensor[] } {
  const names = [...model.parameters.keys()];
  const { value, grads } = tf.valueAndGrads((...weights: tf.Tensor[]) => {
    const byName: ParameterTensors = new Map(names.map((name, index) => [name, weights[index]]));
    return model.loss(inputs, targets, sequences, byName);
  })([...model.parameters.values()], factor);
  return { value, gradients: grads };
}

/** Gradients of a batch from those of its parts, always added up in the same order; of one part, its own. */
export function sumOfParts(parts: readonly tf.Tensor[][]): tf.Tensor[] {
  if (parts.length === 1) return parts[0];
  const [first, ...others] = parts;
  return first.map((gradient, i) =>
    tf.tidy(() => others.reduce((sum, part) => op.add(sum, part[i]), gradient)),
  );
}

/** Mean loss of a batch from the mean losses of its parts. */
export function meanLoss(parts: readonly Pick<BatchPart, 'share'>[], losses: ArrayLike<number>): number {
  return parts.reduce((sum, { share }, i) => sum + share * losses[i], 0);
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
