/** Losses of a model on a fixed set of windows. */
import * as tf from '@tensorflow/tfjs';
import { CompiledFunction } from '../backend/graph/compiled-function.js';
import { hasNativeKernels } from '../backend/kernels.js';
import type { TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';

/** Validation windows that go through the model at once. */
const WINDOWS_AT_ONCE = 64;

/** Fewer batches than this take less time than to make a graph of one. */
const LEAST_BATCHES = 12;

/**
 * Mean cross-entropy over windows, nats per token.
 * @param windows as many whole windows as you like, [windows · tokens]
 * @param tokens tokens in a window, T
 */
export function evaluate(model: BitLM, windows: TokenWindows, tokens: number): number {
  let sum = 0;
  const loss = model.loss.bind(model);
  for (const { values, count } of forwardBatches(model, windows, tokens, loss)) sum += values[0] * count;
  return sum / windows.inputs.length;
}

/** A forward pass over B sequences, ids and targets [B·T]; its result is new. */
type Forward = (ids: tf.Tensor1D, targets: tf.Tensor1D, batch: number) => tf.Tensor;

/** Results of a forward pass over windows, batch after batch; where there are many, each is one call of TensorFlow. */
function* forwardBatches(
  model: BitLM,
  { inputs, targets }: TokenWindows,
  tokens: number,
  forward: Forward,
): Generator<{ values: Float32Array; count: number }> {
  const size = WINDOWS_AT_ONCE * tokens;
  // A rule may look at what passes through it: it is to see every batch.
  const pays = hasNativeKernels() && !model.inputRule && inputs.length >= LEAST_BATCHES * size;
  const compiled = pays
    ? new CompiledFunction(([ids, expected]) =>
        forward(ids as tf.Tensor1D, expected as tf.Tensor1D, WINDOWS_AT_ONCE),
      )
    : undefined;
  try {
    for (let start = 0; start < inputs.length; start += size) {
      const ids = inputs.subarray(start, start + size);
      const values = tf.tidy(() => {
        const given = tf.tensor1d(ids, 'int32');
        const expected = tf.tensor1d(targets.subarray(start, start + ids.length), 'int32');
        const result =
          compiled && ids.length === size
            ? compiled.call([given, expected, ...model.parameters.values()])
            : forward(given, expected, ids.length / tokens);
        return result.dataSync<'float32'>();
      });
      yield { values, count: ids.length };
    }
  } finally {
    compiled?.close();
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
  const losses = model.lossPerPosition.bind(model);
  for (const { values } of forwardBatches(model, windows, tokens, losses)) {
    values.forEach((loss, at) => {
      sums[kindAt[at % tokens]] += loss;
      counts[kindAt[at % tokens]]++;
    });
  }
  const total = sums.reduce((sum, value) => sum + value, 0);
  return { mean: total / windows.inputs.length, kinds: Array.from(sums, (sum, kind) => sum / counts[kind]) };
}
