import { quantizeActivations } from './activations.js';
import type { QuantizedWeights } from './weights.js';

const { fround } = Math;

/** A BitLinear product and the integers that it came from. */
export interface IntegerProduct {
  /** int8 activations, [tokens, in]. */
  integers: Int8Array;
  /** Σ integer · trit, [tokens, out]: sums and differences alone, exact. */
  accumulators: Int32Array;
  /** accumulator · weight scale / activation scale, [tokens, out]. */
  outputs: Float32Array;
}

/**
 * BitLinear as it runs at inference: int8 activations against ternary weights, in integers, with one multiplication per
 * output at the end (BitNet b1.58, arXiv 2402.17764, section 2).
 * @param x activations, [tokens, in]
 * @param weights ternary, [out, in]
 * @param inFeatures width of x
 * @throws Error where the sizes do not fit together
 */
export function bitLinearInIntegers(
  x: Float32Array,
  weights: QuantizedWeights,
  inFeatures: number,
): IntegerProduct {
  const { values: trits, scale } = weights;
  if (trits.length % inFeatures !== 0) {
    throw new Error(
      `bitLinearInIntegers: weights must be rows of ${inFeatures} values, got ${trits.length} values.`,
    );
  }
  const { values: integers, scales } = quantizeActivations('absmax-int8-token', x, inFeatures);
  const tokens = scales.length;
  const outFeatures = trits.length / inFeatures;
  const accumulators = new Int32Array(tokens * outFeatures); // [tokens, out]
  for (let t = 0; t < tokens; t++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = 0;
      for (let i = 0; i < inFeatures; i++) sum += integers[t * inFeatures + i] * trits[o * inFeatures + i];
      accumulators[t * outFeatures + o] = sum;
    }
  }
  const outputs = Float32Array.from(accumulators, (sum, index) =>
    fround(fround(sum * scale) / scales[Math.floor(index / outFeatures)]),
  );
  return { integers, accumulators, outputs };
}
