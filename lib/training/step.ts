/** One training step, and evaluation on a fixed set of windows. Legend: B batch, T tokens. */
import * as tf from '@tensorflow/tfjs';
import type { BitLM, ParameterTensors } from '../model/bitlm.js';
import type { TokenWindows } from '../corpora/corpus.js';
import type { AdamW } from './adamw.js';
import { clipFactor, halfSquares, normOf } from './clipping.js';

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
  return { value: value as tf.Scalar, gradients: grads };
}

/** Validation windows that go through the model at once. */
const WINDOWS_AT_ONCE = 64;

/**
 * Mean cross-entropy over windows, nats per token.
 * @param windows as many whole windows as you like, [windows · tokens]
 * @param tokens tokens in a window, T
 */
export function evaluate(model: BitLM, windows: TokenWindows, tokens: number): number {
  const { inputs, targets } = windows;
  let sum = 0;
  for (let start = 0; start < inputs.length; start += WINDOWS_AT_ONCE * tokens) {
    const ids = inputs.subarray(start, start + WINDOWS_AT_ONCE * tokens);
    const loss = tf.tidy(() => {
      const expected = tf.tensor1d(targets.subarray(start, start + ids.length), 'int32');
      return model.loss(tf.tensor1d(ids, 'int32'), expected, ids.length / tokens).dataSync();
    })[0];
    sum += loss * ids.length;
  }
  return sum / inputs.length;
}

/**
 * Mean cross-entropy over windows, and on each kind of position, nats per token.
 * @param windows as many whole windows as you like, [windows · tokens]
 * @param tokens tokens in a window, T
 * @param kindOfTarget index of the kind, below `count`, of the target at a position of every window
 */
export function evaluateByKind(
  model: BitLM,
  windows: TokenWindows,
  tokens: number,
  count: number,
  kindOfTarget: (position: number) => number,
): { mean: number; kinds: number[] } {
  const { inputs, targets } = windows;
  const kindAt = Array.from({ length: tokens }, (_, position) => kindOfTarget(position));
  const sums = new Float64Array(count);
  const counts = new Float64Array(count);
  for (let start = 0; start < inputs.length; start += WINDOWS_AT_ONCE * tokens) {
    const ids = inputs.subarray(start, start + WINDOWS_AT_ONCE * tokens);
    const losses = tf.tidy(() => {
      const expected = tf.tensor1d(targets.subarray(start, start + ids.length), 'int32');
      return model
        .lossPerPosition(tf.tensor1d(ids, 'int32'), expected, ids.length / tokens)
        .dataSync<'float32'>();
    });
    losses.forEach((loss, at) => {
      sums[kindAt[at % tokens]] += loss;
      counts[kindAt[at % tokens]]++;
    });
  }
  const total = sums.reduce((sum, value) => sum + value, 0);
  return { mean: total / inputs.length, kinds: Array.from(sums, (sum, kind) => sum / counts[kind]) };
}
