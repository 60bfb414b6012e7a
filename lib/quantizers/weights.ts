/**
 * Weight quantizers: a matrix of float32 becomes small integers and one scale. Each quantizer is a function from the
 * matrix to its grid (where zero lies, how wide a step is, which integers exist); rounding to a grid is the same for
 * all. All arithmetic is float32, in the order of transformers' `WeightQuant`.
 */
import { WEIGHT_QUANTIZERS, type WeightQuantizerName } from '../ablation-options.js';
import { roundHalfToEven } from '../rounding.js';
import { maxAbsolute, mean, meanAbsolute, medianAbsolute } from './statistics.js';

const { fround } = Math;

/** Smallest mean, median or maximum that a matrix is divided by: a matrix of zeros stays zeros. */
export const QUANTIZER_EPSILON: number = fround(1e-5);

/** Scales beyond this have a subnormal reciprocal, which TensorFlow flushes to zero. */
const MAX_SCALE = 2 ** 126;

/** The integers that a weight matrix may take and what they stand for. */
export interface WeightGrid {
  /** `round`: the integer is clamp(round(w · factor), low, high). `sign`: high where w > center, else low. */
  rule: 'round' | 'sign';
  /** Mean that is taken off before the sign; 0 for every other quantizer. */
  center: number;
  /** What a weight is multiplied by before rounding; not used by `sign`. */
  factor: number;
  /** What an integer is multiplied by to give the weight back: the checkpoint's weight_scale. */
  scale: number;
  /** Smallest integer. */
  low: number;
  /** Largest integer. */
  high: number;
}

/** A quantized weight matrix. */
export interface QuantizedWeights {
  /** One integer per weight, in the order of the input. */
  values: Int8Array;
  /** weight ≈ integer · scale (BitNet's β or γ; `weight_scale` of a checkpoint). */
  scale: number;
}

/** Mean-centred sign with β = mean|W| (BitNet, arXiv 2310.11453, section 2.1). Sign(0) = −1, as printed there. */
function signGrid(weights: Float32Array): WeightGrid {
  return {
    rule: 'sign',
    center: mean(weights),
    factor: 1,
    scale: meanAbsolute(weights),
    low: -1,
    high: 1,
  };
}

/**
 * Absmean ternary: RoundClip(W / γ, −1, 1) with γ = max(mean|W|, 1e-5) (BitNet b1.58, arXiv 2402.17764, section 2).
 * As transformers does it, weights are multiplied by 1/γ and integers divided by 1/γ; so `scale` is 1/(1/γ), which
 * can differ from γ in the last bit.
 */
export function absmeanTernaryGrid(weights: Float32Array): WeightGrid {
  return roundingGrid(fround(1 / atLeastEpsilon(meanAbsolute(weights))), -1, 1);
}

/** Absmedian ternary: as absmean, with γ = median|W| (BitNet b1.58 Reloaded, arXiv 2407.09527, section 3). */
function absmedianTernaryGrid(weights: Float32Array): WeightGrid {
  return roundingGrid(fround(1 / atLeastEpsilon(medianAbsolute(weights))), -1, 1);
}

/**
 * {0, 1}: RoundClip(W / γ, 0, 1) with the γ of absmean. The b1.58 FAQ says only that training with {0, 1} diverges
 * early and prints no formula; this is the ternary one with the negative half cut off.
 */
function zeroOneGrid(weights: Float32Array): WeightGrid {
  return roundingGrid(fround(1 / atLeastEpsilon(meanAbsolute(weights))), 0, 1);
}

/**
 * b-bit absmax: round(W · Q / max|W|) with Q = 2^(b−1) − 1 (LLM.int8(), arXiv 2208.07339, section 2.1). The largest
 * magnitude falls on ±Q, so nothing saturates; at 2 bits the three values −1, 0, 1 remain.
 */
function absmaxGrid(weights: Float32Array, bits: number): WeightGrid {
  const high = 2 ** (bits - 1) - 1;
  return roundingGrid(fround(high / atLeastEpsilon(maxAbsolute(weights))), -high, high);
}

function roundingGrid(factor: number, low: number, high: number): WeightGrid {
  return { rule: 'round', center: 0, factor, scale: fround(1 / factor), low, high };
}

function atLeastEpsilon(measure: number): number {
  return Math.max(measure, QUANTIZER_EPSILON);
}

/**
 * The grid of a named quantizer for a matrix. NaN and infinite weights give a NaN, zero or infinite scale;
 * {@link quantizeWeights} refuses them.
 * @throws Error for `none`, which has no grid, for an unknown name and for an empty matrix
 */
export function weightGrid(quantizer: WeightQuantizerName, weights: Float32Array): WeightGrid {
  if (weights.length === 0) {
    throw new Error(`weightGrid: the matrix must hold at least one weight, got none.`);
  }
  switch (quantizer) {
    case 'sign':
      return signGrid(weights);
    case 'absmean-ternary':
      return absmeanTernaryGrid(weights);
    case 'absmedian-ternary':
      return absmedianTernaryGrid(weights);
    case 'zero-one':
      return zeroOneGrid(weights);
    case 'absmax-2bit':
      return absmaxGrid(weights, 2);
    case 'absmax-3bit':
      return absmaxGrid(weights, 3);
    case 'absmax-4bit':
      return absmaxGrid(weights, 4);
    case 'absmax-6bit':
      return absmaxGrid(weights, 6);
    case 'absmax-8bit':
      return absmaxGrid(weights, 8);
    case 'none':
      throw new Error(`weightGrid: 'none' leaves weights in full precision and has no integers.`);
    default:
      throw new Error(
        `weightGrid: the quantizer must be one of ${WEIGHT_QUANTIZERS.join(', ')}, got ${String(quantizer)}.`,
      );
  }
}

/**
 * Quantizes a weight matrix to integers and one scale.
 * @param quantizer one of WEIGHT_QUANTIZERS, but not `none`
 * @param weights any number of weights, in any order; the scale is one for all of them
 * @throws Error on NaN, infinite or overflowing weights (with the index), on no weights and on an unknown quantizer
 */
export function quantizeWeights(
  quantizer: WeightQuantizerName,
  weights: ArrayLike<number>,
): QuantizedWeights {
  const w = weights instanceof Float32Array ? weights : Float32Array.from(weights);
  requireFinite('quantizeWeights', w);
  const grid = weightGrid(quantizer, w);
  return { values: onGrid(grid, w), scale: grid.scale };
}

/**
 * The integers of weights on a grid.
 * @param weights finite
 * @param values where they go
 * @throws Error for a grid of weights that overflow
 */
export function onGrid(
  { rule, center, factor, scale, low, high }: WeightGrid,
  weights: Float32Array,
  values: Int8Array = new Int8Array(weights.length),
): Int8Array {
  if (!(scale <= MAX_SCALE)) {
    throw new Error(
      `quantizeWeights: the scale must be at most 2^126, got ${scale}. Weights this large have no use in float32: ` +
        'look for a diverged run.',
    );
  }
  if (rule === 'sign') {
    for (let i = 0; i < values.length; i++) values[i] = weights[i] > center ? high : low;
  } else if (high === 1) {
    // Two comparisons say it, without a jump that half of all weights would take by surprise.
    for (let i = 0; i < values.length; i++) {
      const steps = fround(weights[i] * factor);
      values[i] = Number(steps > 0.5) + low * Number(steps < -0.5);
    }
  } else {
    for (let i = 0; i < values.length; i++) {
      values[i] = Math.min(Math.max(roundHalfToEven(fround(weights[i] * factor)), low), high);
    }
  }
  return values;
}

/** The weights that the integers stand for: integer · scale, in float32. */
export function dequantizeWeights(quantized: QuantizedWeights): Float32Array {
  const { values, scale } = quantized;
  return Float32Array.from(values, (value) => value * scale);
}

/** @throws Error naming the first value that is NaN or infinite in float32 */
export function requireFinite(operation: string, values: Float32Array): void {
  // A plain loop: `findIndex` takes fifteen times as long, which counts where two billion weights are exported.
  for (let index = 0; index < values.length; index++) {
    if (Math.abs(values[index]) < Infinity) continue;
    throw new Error(
      `${operation}: every value must be a finite float32, got ${values[index]} at index ${index}. ` +
        'No integer stands for it: find where it comes from.',
    );
  }
}
