/**
 * Activation quantizers: each row of features (a token) becomes small integers and a scale. All arithmetic is
 * float32, in the order of transformers' `ActQuant`.
 *
 * Shapes: values `[tokens, features]`, row-major; any leading dimensions count as tokens.
 */
import { ACTIVATION_QUANTIZERS, type ActivationQuantizerName } from '../ablation-options.js';
import { roundHalfToEven } from '../rounding.js';
import { maxAbsolute, meanAbsolute } from './statistics.js';
import { QUANTIZER_EPSILON, requireFinite } from './weights.js';

const { fround } = Math;
/** √7 in float32, of absmean's scale. */
export const SQRT_7: number = fround(Math.sqrt(7));

/** The integers of a b-bit quantizer in two's complement, and whether one scale serves every token. */
export interface ActivationRange {
  /** Smallest integer, −2^(b−1). */
  low: number;
  /** Largest integer, 2^(b−1) − 1. */
  high: number;
  /** True: one scale for the whole tensor. False: one per token. */
  perTensor: boolean;
}

/** Quantized activations. */
export interface QuantizedActivations {
  /** One integer per value, `[tokens, features]`. */
  values: Int8Array;
  /** `[tokens]`, or `[1]` for one scale in all. */
  scales: Float32Array;
  /**
   * What a scale does to its integers. `divide`: value ≈ integer / scale (scale = 127 / max|x|, as in transformers).
   * `multiply`: value ≈ integer · scale (the learned step of the elastic quantizer).
   */
  scaleRule: 'divide' | 'multiply';
}

/** Options that only some activation quantizers need. */
export interface ActivationQuantizerOptions {
  /** The learned step of `elastic-int8`, above 0. See {@link initialElasticStep}. */
  step?: number;
}

/** Integers of b bits: −2^(b−1) to 2^(b−1) − 1. */
export function signedRange(bits: number): { low: number; high: number } {
  if (!Number.isInteger(bits) || bits < 2 || bits > 8) {
    throw new Error(`signedRange: bits must be a whole number from 2 to 8, got ${bits}.`);
  }
  return { low: -(2 ** (bits - 1)), high: 2 ** (bits - 1) - 1 };
}

/**
 * The range of a named activation quantizer.
 * @throws Error for `none` and for an unknown name
 */
export function activationRange(quantizer: ActivationQuantizerName): ActivationRange {
  switch (quantizer) {
    case 'absmax-int8-token':
    case 'top-half-int8-token':
      return { ...signedRange(8), perTensor: false };
    case 'absmax-int8-tensor':
    case 'elastic-int8':
      return { ...signedRange(8), perTensor: true };
    case 'absmax-int4-token':
    case 'absmean-int4-token':
      return { ...signedRange(4), perTensor: false };
    case 'none':
      throw new Error(`activationRange: 'none' leaves activations in full precision and has no integers.`);
    default:
      throw new Error(
        `activationRange: the quantizer must be one of ${ACTIVATION_QUANTIZERS.join(', ')}, got ${String(quantizer)}.`,
      );
  }
}

/** Absmax scale Q / max(max|x|, 1e-5) with Q = 2^(b−1) − 1 (BitNet b1.58, section 2; Q = 127 as in its released code). */
export function absmaxScale(values: Float32Array, start: number, count: number, high: number): number {
  return fround(high / Math.max(maxAbsolute(values, start, count), QUANTIZER_EPSILON));
}

/** Absmean scale √7 / (mean|x| + 1e-5) of 4-bit activations (BitNet a4.8, arXiv 2411.04965, section 2.2). */
function absmeanInt4Scale(values: Float32Array, start: number, count: number): number {
  return fround(SQRT_7 / fround(meanAbsolute(values, start, count) + QUANTIZER_EPSILON));
}

/** Values of a token that `top-half-int8-token` keeps: half of them, rounded up. */
export function keptOf(features: number): number {
  return Math.ceil(features / 2);
}

/**
 * The smallest magnitude of each token that is kept where the larger half of the values is, and the rest becomes 0 (BitNet
 * a4.8, arXiv 2411.04965, section 2.2: the input of the attention's output projection). Equal magnitudes are kept together.
 */
function leastKept(values: Float32Array, features: number): Float32Array {
  return Float32Array.from({ length: values.length / features }, (_, token) => {
    const row = values
      .slice(token * features, (token + 1) * features)
      .map(Math.abs)
      .sort();
    return row[features - keptOf(features)];
  });
}

/** Scales of a named quantizer (not elastic) for every token of `[tokens, features]`; NaN and Inf carry through. */
export function activationScales(
  quantizer: ActivationQuantizerName,
  values: Float32Array,
  features: number,
): Float32Array {
  const { high, perTensor } = activationRange(quantizer);
  const count = perTensor ? values.length : features;
  const scales = new Float32Array(values.length / count);
  for (let token = 0; token < scales.length; token++) {
    scales[token] =
      quantizer === 'absmean-int4-token'
        ? absmeanInt4Scale(values, token * count, count)
        : absmaxScale(values, token * count, count, high);
  }
  return scales;
}

/**
 * Quantizes activations to integers and scales.
 * @param quantizer one of ACTIVATION_QUANTIZERS, but not `none`
 * @param activations `[tokens, features]`, row-major
 * @param features length of a row
 * @throws Error on NaN or infinite values (with the index), on a length that is no multiple of `features`, on an
 *   unknown quantizer, and for `elastic-int8` without a step above 0
 */
export function quantizeActivations(
  quantizer: ActivationQuantizerName,
  activations: ArrayLike<number>,
  features: number,
  options: ActivationQuantizerOptions = {},
): QuantizedActivations {
  if (!Number.isInteger(features) || features < 1) {
    throw new Error(`quantizeActivations: features must be a whole number from 1, got ${features}.`);
  }
  if (activations.length === 0 || activations.length % features !== 0) {
    throw new Error(
      `quantizeActivations: the number of values must be a positive multiple of features (${features}), ` +
        `got ${activations.length}.`,
    );
  }
  if (quantizer === 'elastic-int8') return quantizeElastic(activations, options.step ?? NaN, 8);
  const { low, high } = activationRange(quantizer);
  const x = asFloat32(activations);
  requireFinite('quantizeActivations', x);
  const scales = activationScales(quantizer, x, features);
  const perScale = x.length / scales.length;
  const values = new Int8Array(x.length);
  const least = quantizer === 'top-half-int8-token' ? leastKept(x, features) : undefined;
  for (let i = 0; i < x.length; i++) {
    const scale = scales[Math.floor(i / perScale)];
    if (least && Math.abs(x[i]) < least[Math.floor(i / features)]) continue;
    values[i] = Math.min(Math.max(roundHalfToEven(fround(x[i] * scale)), low), high);
  }
  return { values, scales, scaleRule: 'divide' };
}

/**
 * Elastic quantizer: clamp(round(x / step), −2^(b−1), 2^(b−1) − 1) with a step that training learns (BitNet's ablation
 * names it after BiT, arXiv 2205.13016; the formula is LSQ's, arXiv 1902.08153, section 2).
 * @param step width of one integer, above 0
 * @param bits 2 to 8
 */
export function quantizeElastic(
  activations: ArrayLike<number>,
  step: number,
  bits: number,
): QuantizedActivations {
  const { low, high } = signedRange(bits);
  const width = fround(step);
  if (!(width > 0 && Number.isFinite(width))) {
    throw new Error(
      `quantizeElastic: step must be a finite number above 0, got ${step}. Start from initialElasticStep.`,
    );
  }
  const x = asFloat32(activations);
  requireFinite('quantizeElastic', x);
  const values = new Int8Array(x.length);
  for (let i = 0; i < x.length; i++) {
    values[i] = Math.min(Math.max(roundHalfToEven(fround(x[i] / width)), low), high);
  }
  return { values, scales: Float32Array.of(width), scaleRule: 'multiply' };
}

/**
 * A first value for the learned step: 2 · mean|x| / √Q with Q = 2^(b−1) − 1 (LSQ, section 2.1).
 * @param activations values of the kind that will be quantized
 */
export function initialElasticStep(activations: ArrayLike<number>, bits = 8): number {
  const x = asFloat32(activations);
  if (x.length === 0) throw new Error('initialElasticStep: needs at least one value, got none.');
  requireFinite('initialElasticStep', x);
  const { high } = signedRange(bits);
  return fround(firstStep(Math.max(meanAbsolute(x), QUANTIZER_EPSILON), high));
}

/** The same for values of a standard normal distribution, whose mean magnitude is √(2/π), and 8 bits. */
export const STANDARD_NORMAL_STEP: number = firstStep(Math.sqrt(2 / Math.PI), signedRange(8).high);

function firstStep(meanMagnitude: number, high: number): number {
  return (2 * meanMagnitude) / Math.sqrt(high);
}

/** The activations that the integers stand for, in float32. */
export function dequantizeActivations(quantized: QuantizedActivations): Float32Array {
  const { values, scales, scaleRule } = quantized;
  const perScale = values.length / scales.length;
  const x = new Float32Array(values.length);
  for (let i = 0; i < x.length; i++) {
    const scale = scales[Math.floor(i / perScale)];
    x[i] = scaleRule === 'divide' ? values[i] / scale : values[i] * scale;
  }
  return x;
}

function asFloat32(values: ArrayLike<number>): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
