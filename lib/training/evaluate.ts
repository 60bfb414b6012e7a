/** Losses of a model on a fixed set of windows. */
import * as tf from '@tensorflow/tfjs';
import { CompiledFunction } from '../backend/graph/compiled-function.js';
import { hasNativeKernels } from '../backend/kernels.js';
import type { TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';

/** Validation windows that go through the model at once. */
const WINDOWS_AT_ONCE = 64;

/** Fewer batches of a size than this take less time than to make a graph of one. */
const LEAST_BATCHES = 12;

/** A forward pass over B sequences, ids and targets [B·T]; its result is new. */
type Forward = (ids: tf.Tensor1D, targets: tf.Tensor1D, batch: number) => tf.Tensor;

/** Forward passes of a model over windows, batch after batch. Where there are many, each is one call of TensorFlow. */
export class ForwardPasses {
  private readonly compiled = new Map<number, CompiledFunction>();

  /** @param evaluations of as many windows each that are to come */
  constructor(
    private readonly model: BitLM,
    private readonly forward: Forward,
    private readonly evaluations: number,
  ) {}

  /** Mean over all tokens, where a pass gives the mean of its batch. */
  mean(windows: TokenWindows, tokens: number): number {
    let sum = 0;
    for (const { values, count } of this.over(windows, tokens)) sum += values[0] * count;
    return sum / windows.inputs.length;
  }

  /** Values of every batch, and the tokens in it. */
  *over(
    { inputs, targets }: TokenWindows,
    tokens: number,
  ): Generator<{ values: Float32Array; count: number }> {
    const whole = WINDOWS_AT_ONCE * tokens;
    for (let start = 0; start < inputs.length; start += whole) {
      const end = Math.min(inputs.length, start + whole);
      const alike = end - start === whole ? Math.floor(inputs.length / whole) : 1;
      const result = tf.tidy(() => {
        const ids = tf.tensor1d(inputs.subarray(start, end), 'int32');
        const expected = tf.tensor1d(targets.subarray(start, end), 'int32');
        return this.pass(ids, expected, ids.size / tokens, alike);
      });
      // Not in tidy(), which would look for tensors among all of the values.
      const values = result.dataSync<'float32'>();
      result.dispose();
      yield { values, count: end - start };
    }
  }

  close(): void {
    for (const compiled of this.compiled.values()) compiled.close();
    this.compiled.clear();
  }

  /** @param alike batches of this size in each evaluation */
  private pass(ids: tf.Tensor1D, targets: tf.Tensor1D, batch: number, alike: number): tf.Tensor {
    const { model, forward, evaluations } = this;
    // A rule may look at what passes through it: it is to see every batch.
    const pays = alike * evaluations >= LEAST_BATCHES && hasNativeKernels() && !model.inputRule;
    if (!pays) return forward(ids, targets, batch);
    const compiled =
      this.compiled.get(batch) ??
      new CompiledFunction(([ids, targets]) => forward(ids as tf.Tensor1D, targets as tf.Tensor1D, batch));
    this.compiled.set(batch, compiled);
    return compiled.call([ids, targets, ...model.parameters.values()]);
  }
}

/** What `evaluate` does, for a model that is evaluated again and again. */
export function meanLosses(model: BitLM, evaluations: number): ForwardPasses {
  return new ForwardPasses(model, model.loss.bind(model), evaluations);
}

/**
 * Mean cross-entropy over windows, nats per token.
 * @param windows as many whole windows as you like, [windows · tokens]
 * @param tokens tokens in a window, T
 */
export function evaluate(model: BitLM, windows: TokenWindows, tokens: number): number {
  const passes = meanLosses(model, 1);
  try {
    return passes.mean(windows, tokens);
  } finally {
    passes.close();
  }
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
  const kindAt = Array.from({ length: tokens }, (_, position) => kindOfTarget(position));
  const sums = new Float64Array(count);
  const counts = new Float64Array(count);
  const passes = new ForwardPasses(model, model.lossPerPosition.bind(model), 1);
  try {
    for (const { values } of passes.over(windows, tokens)) {
      values.forEach((loss, at) => {
        sums[kindAt[at % tokens]] += loss;
        counts[kindAt[at % tokens]]++;
      });
    }
  } finally {
    passes.close();
  }
  const total = sums.reduce((sum, value) => sum + value, 0);
  return { mean: total / windows.inputs.length, kinds: Array.from(sums, (sum, kind) => sum / counts[kind]) };
}
