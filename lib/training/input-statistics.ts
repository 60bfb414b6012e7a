/** What quantizing after training asks of a model: statistics of what enters each of its quantized matrices. */
import * as tf from '@tensorflow/tfjs';
import type { Corpus, TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';
import { LAYER_SITES } from '../parameters.js';
import type { InputStatistics } from '../quantizers/input-statistics.js';
import { evaluate } from './evaluate.js';

/** Of the order of training text that calibration reads; no run is trained with it. */
const CALIBRATION_SEED = 1_000_003;

/** Windows of the training text, the same for every model. */
export function calibrationWindows(corpus: Corpus, windows: number, context: number): TokenWindows {
  return corpus.sampleBatch(0, CALIBRATION_SEED, windows, context);
}

/** Sums over the tokens seen so far of one site. */
interface Sums {
  moments: Float64Array;
  largest: Float64Array;
  /** Σx, Σx², Σx³ and Σx⁴ over all values. */
  powers: Float64Array;
}

/**
 * Statistics over all tokens of the windows for the input of every quantized matrix.
 * @param windows whole windows, [windows · tokens]
 * @param tokens tokens in a window
 * @returns by site, such as `model.layers.0.self_attn.input`
 */
export function inputStatistics(
  model: BitLM,
  windows: TokenWindows,
  tokens: number,
): Map<string, InputStatistics> {
  const sums = new Map<string, Sums>();
  const ownRule = model.inputRule;
  model.inputRule = (site, normed) => {
    if (site !== 'lm_head.input') add(sums, site, normed as tf.Tensor2D);
    return tf.clone(normed);
  };
  try {
    evaluate(model, windows, tokens);
  } finally {
    model.inputRule = ownRule;
  }
  const count = windows.inputs.length;
  const names = new Set(model.parameters.keys());
  return new Map(
    Array.from(sums, ([site, { moments, largest, powers }]) => {
      const [prefix, name] = /^(model\.layers\.\d+)\.(.+)$/.exec(site)!.slice(1);
      const readers = LAYER_SITES[name as keyof typeof LAYER_SITES].readers
        .map((reader) => `${prefix}.${reader}.weight`)
        .filter((reader) => names.has(reader));
      const kurtosis = kurtosisOf(powers, count * largest.length);
      return [site, { readers, moments: moments.map((sum) => sum / count), largest, kurtosis }];
    }),
  );
}

/** Adds xᵀ·x of a batch and the rest, x [N, C]. */
function add(sums: Map<string, Sums>, site: string, x: tf.Tensor2D): void {
  const found = tf.tidy((): tf.Tensor[] => {
    const square = tf.square(x);
    const powers = [x, square, tf.mul(square, x), tf.square(square)].map((power) => tf.sum(power));
    return [tf.matMul(x, x, true), tf.max(tf.abs(x), 0), tf.stack(powers)];
  });
  const [moments, largest, powers] = found.map((tensor) => {
    const values = Float64Array.from(tensor.dataSync<'float32'>());
    tensor.dispose();
    return values;
  });
  const sum = sums.get(site);
  if (!sum) {
    sums.set(site, { moments, largest, powers });
    return;
  }
  sum.moments.forEach((_, i) => (sum.moments[i] += moments[i]));
  sum.powers.forEach((_, i) => (sum.powers[i] += powers[i]));
  sum.largest.forEach((_, i) => (sum.largest[i] = Math.max(sum.largest[i], largest[i])));
}

/** From Σx, Σx², Σx³ and Σx⁴; NaN for values that are all alike. */
function kurtosisOf(powers: Float64Array, count: number): number {
  const [m1, m2, m3, m4] = powers.map((sum) => sum / count);
  const variance = m2 - m1 ** 2;
  return (m4 - 4 * m1 * m3 + 6 * m1 ** 2 * m2 - 3 * m1 ** 4) / variance ** 2;
}
