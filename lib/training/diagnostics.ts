/**
 * What happens inside a model while it learns: zeros and flips among its quantized weights, the shape of its latent
 * weights, zeros among the activations. Legend: I intermediate size.
 */
import * as tf from '@tensorflow/tfjs';
import type { TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';
import { quantizedNames } from '../parameters.js';
import { levelIndices } from '../quantizers/level-indices.js';
import { groupLength } from '../quantizers/weight-groups.js';
import { quantizeWeights } from '../quantizers/weights.js';
import { LATENT_BINS, LATENT_RANGE, type Diagnostics } from './types.js';

/** Windows that activations are looked at on. */
const WATCHED_WINDOWS = 16;

/** Integers of every quantized matrix, by its name. */
export type Codes = ReadonlyMap<string, Int8Array | Int32Array>;

/** The integers that the forward pass uses now; none for a model in full precision. */
export function weightCodes(model: BitLM): Codes {
  const { weight_quantizer: quantizer } = model.options;
  const { weights: own } = model.own;
  if (own) {
    const values = (name: string): Float32Array =>
      tf.tidy(() => own.values(model.parameters.get(name)!).dataSync<'float32'>());
    return new Map(latentMatrices(model).map(([name]) => [name, levelIndices(values(name))]));
  }
  if (quantizer === 'none') return new Map();
  return new Map(
    latentMatrices(model).map(([name, weights]) => {
      const size = groupLength(model.parameters.get(name)!.shape, model.options);
      const codes = new Int8Array(weights.length);
      for (let at = 0; at < weights.length; at += size) {
        codes.set(quantizeWeights(quantizer, weights.subarray(at, at + size)).values, at);
      }
      return [name, codes];
    }),
  );
}

/**
 * @param before the integers one step earlier
 * @param windows validation windows, [windows · tokens]
 * @param tokens tokens in a window
 */
export function diagnose(model: BitLM, before: Codes, windows: TokenWindows, tokens: number): Diagnostics {
  const codes = weightCodes(model);
  let count = 0;
  let zeros = 0;
  let flips = 0;
  for (const [name, now] of codes) {
    const earlier = before.get(name)!;
    count += now.length;
    for (let at = 0; at < now.length; at++) {
      if (now[at] === 0) zeros++;
      if (now[at] !== earlier[at]) flips++;
    }
  }
  return {
    ...(count > 0 && { zeros: zeros / count, flips: flips / count }),
    latent: latentHistogram(model),
    ...zerosBeforeDown(model, windows, tokens),
  };
}

/** Share of latent weights in each bin of weight / mean|weight|, all matrices together. */
function latentHistogram(model: BitLM): number[] {
  const bins = new Float64Array(LATENT_BINS);
  let count = 0;
  for (const [, weights] of latentMatrices(model)) {
    const scale = weights.reduce((sum, weight) => sum + Math.abs(weight), 0) / weights.length || 1;
    for (const weight of weights) {
      const place = ((weight / scale + LATENT_RANGE) / (2 * LATENT_RANGE)) * LATENT_BINS;
      bins[Math.min(LATENT_BINS - 1, Math.max(0, Math.floor(place)))]++;
    }
    count += weights.length;
  }
  return Array.from(bins, (bin) => bin / count);
}

/** Shares of zeros among what enters the down projections, before norm and rounding and after. */
function zerosBeforeDown(
  model: BitLM,
  { inputs }: TokenWindows,
  tokens: number,
): Pick<Diagnostics, 'activationZeros' | 'integerZeros'> {
  const ids = inputs.subarray(0, WATCHED_WINDOWS * tokens);
  const zerosIn = (x: tf.Tensor): number => tf.sum(tf.cast(tf.equal(x, 0), 'float32')).dataSync()[0];
  let [exact, multiplied, count] = [0, 0, 0];
  tf.tidy(() => {
    model.logits(tf.tensor1d(ids, 'int32'), ids.length / tokens, undefined, (inner, quantized) => {
      exact += zerosIn(inner);
      multiplied += zerosIn(quantized());
      count += inner.size;
    });
  });
  return { activationZeros: exact / count, integerZeros: multiplied / count };
}

function latentMatrices(model: BitLM): [string, Float32Array][] {
  return Array.from(quantizedNames(model.config), (name) => [
    name,
    model.parameters.get(name)!.dataSync<'float32'>(),
  ]);
}
