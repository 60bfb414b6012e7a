/**
 * Quantizers that a reader writes: functions on tensors, values in, values out. The straight-through gradient is put
 * around them unless they call `tf.customGrad`: then they bring their own. Each is tried on a few values before it is
 * used, and is named by a hash, so that a run is not resumed with another.
 */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, runKernel } from '../backend/kernels.js';
import type { Tensor, TensorFunction } from '../backend/notebook-tensorflow.js';
import { quote } from '../io/quote.js';
import { RandomStream } from '../random.js';
import type { OwnParts, QuantizerFunction } from './quantizer-function.js';
import type { TensorQuantizer } from './straight-through.js';

/** Shape of the values that a quantizer is tried on: more columns than rows, so that a mixed-up axis shows. */
const TRIAL_SHAPE = [4, 24] as const;

/** A reader's quantizer, tried and named. */
export class OwnQuantizer {
  /** Name of the function and a hash of its source and of what it did on the trial's values. */
  readonly id: string;
  /** True where it brings its own gradient: it calls `tf.customGrad`. */
  readonly bringsGradient: boolean;
  /** False where two calls on the same values and draws differ: it draws random numbers of its own. */
  readonly isRepeatable: boolean;
  /** True where it asks for random numbers. */
  readonly isRandom: boolean;
  private seed = 0;
  private step = 0;
  private drawn = 0;

  /**
   * @param part what it is for, for messages
   * @throws Error where it returns no tensor of the same shape, or values or a gradient that are not finite
   */
  constructor(
    private readonly part: keyof OwnParts,
    private readonly quantize: QuantizerFunction,
  ) {
    if (typeof quantize !== 'function') {
      throw new Error(`${part}: must be a function on tensors, got ${describe(quantize)}.`);
    }
    const first = this.try();
    this.isRandom = this.drawn > 0;
    const second = this.try();
    this.bringsGradient = first.customGradient;
    this.isRepeatable = first.values.every((value, i) => value === second.values[i]);
    if (this.bringsGradient) this.tryGradient();
    const hash = createHash('sha256').update(plainSource(quantize));
    // A function may read values from around it: what it does belongs to its name, coarse enough for any machine.
    if (this.isRepeatable) hash.update(fingerprint(first.values));
    this.id = `${quantize.name || 'function'} ${hash.digest('hex').slice(0, 16)}`;
  }

  /** Sets the seed and step that `draws` follows from. */
  at(seed: number, step: number): void {
    this.seed = seed;
    this.step = step;
    this.drawn = 0;
  }

  /** The quantized values, a new tensor; without a gradient, for the inside of operations that have their own. */
  values(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const result = this.call(x);
      return result === x ? tf.clone(x) : result;
    });
  }

  /** The same on TensorFlow.js's tape: with the function's own gradient, or straight through. */
  get onTape(): TensorQuantizer {
    if (!this.bringsGradient) return (x) => this.values(x);
    return Object.assign((x: tf.Tensor) => this.call(x), { gradient: 'own' } as const);
  }

  private call(x: tf.Tensor): tf.Tensor {
    let result: unknown;
    try {
      const values = x as unknown as Tensor;
      const draws = { uniform: () => this.draw(x.shape) as unknown as Tensor };
      // What tf.customGrad returns takes tensors alone.
      result =
        this.quantize.length < 2 ? (this.quantize as TensorFunction)(values) : this.quantize(values, draws);
    } catch (error) {
      throw new Error(
        `${this.part}: the function stopped on values [${x.shape.join(', ')}] with ${String(error)}`,
        { cause: error },
      );
    }
    if (!(result instanceof tf.Tensor)) {
      throw new Error(`${this.part}: the function must return a tensor, got ${describe(result)}.`);
    }
    const shape: number[] = result.shape;
    if (shape.join() !== x.shape.join()) {
      throw new Error(
        `${this.part}: the function must return a value for each that it gets, [${x.shape.join(', ')}], ` +
          `got [${shape.join(', ')}].`,
      );
    }
    return result.dtype === 'float32' ? result : tf.cast(result, 'float32');
  }

  private draw(shape: number[]): tf.Tensor {
    const words = new RandomStream(this.seed, 'quantizer', this.step * 2 ** 16 + this.drawn++);
    const seeds = [words.uint32() >>> 1, words.uint32() >>> 1];
    if (!hasNativeKernels()) return tf.randomUniform(shape, 0, 1, 'float32', seeds[0]);
    const inputs = [tf.tensor1d(shape, 'int32'), tf.tensor1d(seeds, 'int32')];
    const type = { type: 'int32' } as const;
    return runKernel('StatelessRandomUniform', inputs, { dtype: { type: 'float32' }, T: type, Tseed: type });
  }

  private try(): { values: Float32Array; customGradient: boolean } {
    this.at(0, 0);
    return tf.tidy(() => {
      const { result, customGradient } = watchingForGradients(() => this.call(trialValues()));
      const values = result.dataSync<'float32'>().slice();
      const bad = values.find((value) => !Number.isFinite(value));
      if (bad !== undefined) {
        throw new Error(
          `${this.part}: the function must return finite values, got ${bad} for values around 0. ` +
            'Look for a division by zero or a logarithm.',
        );
      }
      return { values, customGradient };
    });
  }

  private tryGradient(): void {
    this.at(0, 0);
    const fail = (found: string): never => {
      throw new Error(
        `${this.part}: a function that calls tf.customGrad brings its own gradient, which must be finite and not zero ` +
          `everywhere, got ${found}. Without tf.customGrad the straight-through gradient is put around it.`,
      );
    };
    tf.tidy(() => {
      let gradient: tf.Tensor;
      try {
        gradient = tf.grad((x) => tf.sum(this.call(x)))(trialValues());
      } catch (error) {
        return fail(`an error (${error instanceof Error ? error.message : String(error)})`);
      }
      const values = gradient.dataSync();
      if (gradient.size !== TRIAL_SHAPE[0] * TRIAL_SHAPE[1])
        fail(`one of shape [${gradient.shape.join(', ')}]`);
      const bad = values.find((value) => !Number.isFinite(value));
      if (bad !== undefined) fail(String(bad));
      if (values.every((value) => value === 0)) fail('zeros');
    });
  }
}

/** Values around 0 as fresh weights are, the same for every trial. */
function trialValues(): tf.Tensor {
  const random = new RandomStream(0, 'quantizer');
  const [rows, columns] = TRIAL_SHAPE;
  const values = Float32Array.from({ length: rows * columns }, () => {
    const sum = random.uniform() + random.uniform() + random.uniform() - 1.5;
    return 0.04 * sum;
  });
  return tf.tensor(values, [rows, columns]);
}

/** Runs a function and reports whether an operation with a gradient of its own ran in it. */
function watchingForGradients<T>(f: () => T): { result: T; customGradient: boolean } {
  // TensorFlow.js runs every operation through this method; those of tf.customGrad alone come without a kernel's name.
  const engine = tf.engine() as unknown as { runKernelFunc?: (this: unknown, call: object) => unknown };
  const original = engine.runKernelFunc!;
  let customGradient = false;
  engine.runKernelFunc = function (call) {
    if (!('kernelName' in call)) customGradient = true;
    return original.call(this, call);
  };
  try {
    return { result: f(), customGradient };
  } finally {
    delete engine.runKernelFunc; // the class's own method is back
  }
}

/** The source without what depends on the cell it stands in: spaces, and the kernel's way to write variables. */
function plainSource(f: QuantizerFunction): string {
  return f
    .toString()
    .replaceAll(/\bexports\./g, '')
    .replaceAll(/\s+/g, ' ');
}

/** How many different values came out, and how large they are. */
function fingerprint(values: Float32Array): string {
  const total = values.reduce((sum, value) => sum + Math.abs(value), 0);
  return `${new Set(values).size} ${total.toPrecision(3)}`;
}

function describe(value: unknown): string {
  if (value instanceof Promise) return 'a promise (leave out async)';
  if (value === undefined) return 'nothing (is a return missing?)';
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return 'an array (make it a tensor: tf.tensor)';
  return typeof value === 'object' ? 'an object' : `${typeof value} ${quote(value)}`;
}
