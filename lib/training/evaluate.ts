/** Losses of a model on a fixed set of windows. */
import * as tf from '@tensorflow/tfjs';
import type { TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';

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
