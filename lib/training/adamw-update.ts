/**
 * The update of one parameter by AdamW, twice: from plain operations, which run everywhere and are the oracle, and by
 * TensorFlow's ResourceApplyAdam, which reads and writes each value once.
 */
import * as tf from '@tensorflow/tfjs';
import { runEffect, runKernel } from '../backend/kernels.js';
import * as op from '../backend/operations.js';
import { countValues } from '../shape.js';

/** The numbers of one update. β and ε are Adam's; `rate` and `epsilon` hold the bias correction already. */
export interface UpdateRates {
  beta1: number;
  beta2: number;
  /** lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) */
  rate: number;
  /** ε · √(1 − β₂ᵗ) */
  epsilon: number;
  /** 1 − lr · λ, or 1 for a parameter that does not decay. */
  decay: number;
  /** Factor on the gradient, from clipping. */
  gradientScale: number;
  /** From {@link kernelNumbers}: made once a step, since every parameter shares them. */
  numbers: KernelNumbers;
}

/** Numbers of an update as tensors. */
export interface KernelNumbers {
  /** The scalar inputs of ResourceApplyAdam. */
  adam: tf.Tensor[];
  decay: tf.Tensor;
  gradientScale: tf.Tensor;
}

/**
 * What kernels take of the numbers of one update. ResourceApplyAdam's own bias correction is switched off by zero
 * powers of β: `rate` and `epsilon` hold it. The caller frees them.
 */
export function kernelNumbers(update: Omit<UpdateRates, 'numbers'>): KernelNumbers {
  const { rate, beta1, beta2, epsilon, decay, gradientScale } = update;
  return {
    adam: [0, 0, rate, beta1, beta2, epsilon].map((number) => tf.scalar(number)),
    decay: tf.scalar(decay),
    gradientScale: tf.scalar(gradientScale),
  };
}

/** The two moments of one parameter, and how they change it. */
export interface Moments {
  update(parameter: tf.Variable, gradient: tf.Tensor, rates: UpdateRates): void;
  read(): { first: Float32Array; second: Float32Array };
  write(first: Float32Array, second: Float32Array): void;
  dispose(): void;
}

/** Moments as tensors, updated by plain operations. */
export class PlainMoments implements Moments {
  private first: tf.Tensor;
  private second: tf.Tensor;

  constructor(private readonly shape: number[]) {
    this.first = tf.zeros(shape);
    this.second = tf.zeros(shape);
  }

  update(parameter: tf.Variable, gradient: tf.Tensor, rates: UpdateRates): void {
    const { beta1, beta2, rate, epsilon, decay, gradientScale } = rates;
    const [first, second, value] = tf.tidy((): [tf.Tensor, tf.Tensor, tf.Tensor] => {
      const g = gradientScale === 1 ? gradient : tf.mul(gradient, gradientScale);
      const first = tf.add(tf.mul(this.first, beta1), tf.mul(g, 1 - beta1));
      const second = tf.add(tf.mul(this.second, beta2), tf.mul(tf.square(g), 1 - beta2));
      const step = tf.div(tf.mul(first, rate), tf.add(tf.sqrt(second), epsilon));
      return [first, second, tf.sub(tf.mul(parameter, decay), step)];
    });
    this.replace(first, second);
    parameter.assign(value);
    value.dispose();
  }

  read(): { first: Float32Array; second: Float32Array } {
    return {
      first: this.first.dataSync<'float32'>().slice(),
      second: this.second.dataSync<'float32'>().slice(),
    };
  }

  write(first: Float32Array, second: Float32Array): void {
    this.replace(tf.tensor(first, this.shape), tf.tensor(second, this.shape));
  }

  dispose(): void {
    tf.dispose([this.first, this.second]);
  }

  private replace(first: tf.Tensor, second: tf.Tensor): void {
    this.dispose();
    this.first = first;
    this.second = second;
  }
}

const FLOAT = { type: 'float32' } as const;

/**
 * Names of variables, and by shape those that were given back: TensorFlow keeps a kernel for each name and shape until
 * the process ends, so a process that trains many models must take the same names again.
 */
const names = {
  made: 0,
  free: new Map<string, string[]>(),
  take(shape: readonly number[]): string {
    return this.free.get(shape.join())?.pop() ?? `adamw-${this.made++}`;
  },
  giveBack(name: string, shape: readonly number[]): void {
    const key = shape.join();
    this.free.set(key, [...(this.free.get(key) ?? []), name]);
  },
};

/** Moments in TensorFlow's own variables, updated by ResourceApplyAdam (tfjs-node only). */
export class NativeMoments implements Moments {
  private readonly first: tf.Tensor;
  private readonly second: tf.Tensor;
  /** Holds the parameter during the update; its buffer is handed over, not copied. */
  private readonly value: tf.Tensor;
  /** Of the three variables. */
  private readonly names: string[];

  constructor(private readonly shape: number[]) {
    this.names = [0, 1, 2].map(() => names.take(shape));
    [this.first, this.second, this.value] = this.names.map((name) =>
      tf.keep(runKernel('VarHandleOp', [], { container: '', shared_name: name, dtype: FLOAT, shape })),
    );
    const size = countValues(shape);
    this.write(new Float32Array(size), new Float32Array(size));
  }

  update(parameter: tf.Variable, gradient: tf.Tensor, rates: UpdateRates): void {
    const { decay, gradientScale, numbers } = rates;
    const updated = tf.tidy(() => {
      // The kernel changes the variable in place only if nothing else holds its buffer: so a fresh product goes in
      // and is released at once.
      const decayed = op.mul(parameter, decay === 1 ? 1 : numbers.decay);
      assign(this.value, decayed);
      decayed.dispose();
      const g = gradientScale === 1 ? gradient : op.mul(gradient, numbers.gradientScale);
      runEffect('ResourceApplyAdam', [this.value, this.first, this.second, ...numbers.adam, g], {
        T: FLOAT,
        use_locking: false,
        use_nesterov: false,
      });
      return readVariable(this.value);
    });
    parameter.assign(updated);
    updated.dispose();
  }

  read(): { first: Float32Array; second: Float32Array } {
    // Not out of tidy(): it looks for tensors among all of the values.
    const [first, second] = [this.first, this.second].map((handle) => {
      const value = readVariable(handle);
      const values = value.dataSync<'float32'>().slice();
      value.dispose();
      return values;
    });
    return { first, second };
  }

  write(first: Float32Array, second: Float32Array): void {
    tf.tidy(() => {
      assign(this.first, tf.tensor(first, this.shape));
      assign(this.second, tf.tensor(second, this.shape));
    });
  }

  dispose(): void {
    for (const handle of [this.first, this.second, this.value]) {
      runEffect('DestroyResourceOp', [handle], { ignore_lookup_error: true });
      handle.dispose();
    }
    for (const name of this.names.splice(0)) names.giveBack(name, this.shape);
  }
}

function assign(handle: tf.Tensor, value: tf.Tensor): void {
  runEffect('AssignVariableOp', [handle, value], { dtype: FLOAT });
}

function readVariable(handle: tf.Tensor): tf.Tensor {
  return runKernel('ReadVariableOp', [handle], { dtype: FLOAT });
}
