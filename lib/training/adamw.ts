/**
 * AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), in PyTorch's form:
 * p ← p·(1 − lr·λ);  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − lr·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε).
 */
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels } from '../backend/kernels.js';
import { kernelNumbers, NativeMoments, PlainMoments, type Moments } from './adamw-update.js';

/** β₁ and β₂ as b1.58 was trained (training tips). */
export const DEFAULT_BETAS: readonly [number, number] = [0.9, 0.95];
export const DEFAULT_EPSILON = 1e-8;

/** Options of {@link AdamW}. */
export interface AdamWOptions {
  /** β₁ and β₂; DEFAULT_BETAS by default. */
  betas?: readonly [number, number];
  epsilon?: number;
  /** `plain` takes the operations that run on every backend, `native` TensorFlow's fused kernel. */
  kernel?: 'native' | 'plain';
}

/** What the optimizer knows besides the parameters, as plain values: for checkpoints. */
export interface AdamWState {
  /** Updates done so far, t. */
  updates: number;
  /** First and second moments by parameter name, row-major. */
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
}

/**
 * Adam's rate and ε with the bias correction in them: m̂/(√v̂ + ε) = m/(√v + ε·c) · c/(1 − β₁ᵗ) with c = √(1 − β₂ᵗ), so
 * that the correction takes no pass over the tensors.
 * @param updates t, from 1
 */
export function correctedRates(
  updates: number,
  learningRate: number,
  [beta1, beta2]: readonly [number, number],
  epsilon: number,
): { rate: number; epsilon: number } {
  const correction = Math.sqrt(1 - beta2 ** updates);
  return { rate: (learningRate * correction) / (1 - beta1 ** updates), epsilon: epsilon * correction };
}

/** The optimizer of one run, with the moments m and v of every tensor. */
export class AdamW {
  private readonly moments = new Map<string, Moments>();
  private updates = 0;
  private readonly betas: readonly [number, number];
  private readonly epsilon: number;

  constructor(
    private readonly parameters: ReadonlyMap<string, tf.Variable>,
    options: AdamWOptions = {},
  ) {
    const { betas = DEFAULT_BETAS, epsilon = DEFAULT_EPSILON } = options;
    const { kernel = hasNativeKernels() ? 'native' : 'plain' } = options;
    this.betas = betas;
    this.epsilon = epsilon;
    for (const [name, { shape }] of parameters) {
      this.moments.set(name, kernel === 'native' ? new NativeMoments(shape) : new PlainMoments(shape));
    }
  }

  /**
   * One update. Weight decay acts on matrices only, never on the gains of norms.
   * @param gradients by parameter name; the caller frees them
   * @param rates gradientScale is a factor on every gradient, as clipping asks
   */
  step(
    gradients: ReadonlyMap<string, tf.Tensor>,
    rates: { learningRate: number; weightDecay: number; gradientScale?: number },
  ): void {
    const { learningRate, weightDecay, gradientScale = 1 } = rates;
    const [beta1, beta2] = this.betas;
    for (const name of this.parameters.keys()) {
      if (!gradients.has(name))
        throw new Error(`AdamW.step: every parameter needs a gradient, got none for ${name}.`);
    }
    this.updates++;
    const corrected = correctedRates(this.updates, learningRate, this.betas, this.epsilon);
    const decay = 1 - learningRate * weightDecay;
    const update = { beta1, beta2, ...corrected, gradientScale, decay };
    const numbers = kernelNumbers(update);
    for (const [name, parameter] of this.parameters) {
      const decay = parameter.rank >= 2 ? update.decay : 1;
      this.moments.get(name)!.update(parameter, gradients.get(name)!, { ...update, decay, numbers });
    }
    tf.dispose({ ...numbers });
  }

  /** Moments and count as plain values. */
  state(): AdamWState {
    const state: AdamWState = { updates: this.updates, first: new Map(), second: new Map() };
    for (const [name, moments] of this.moments) {
      const { first, second } = moments.read();
      state.first.set(name, first);
      state.second.set(name, second);
    }
    return state;
  }

  /** Restores a state saved by `state`. */
  restore(state: AdamWState): void {
    for (const [name, { size }] of this.parameters) {
      const lengths = [state.first.get(name)?.length, state.second.get(name)?.length];
      if (lengths.some((length) => length !== size)) {
        throw new Error(
          `AdamW.restore: ${name} must have two moments of ${size} values, got ${lengths.join(' and ')}.`,
        );
      }
    }
    for (const [name, moments] of this.moments)
      moments.write(state.first.get(name)!, state.second.get(name)!);
    this.updates = state.updates;
  }

  /** Frees the moments; the parameters stay. */
  dispose(): void {
    for (const moments of this.moments.values()) moments.dispose();
    this.moments.clear();
  }
}
