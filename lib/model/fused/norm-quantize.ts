/**
 * RMSNorm and absmax quantizer together: the norm's factor on a row and the quantizer's scale are one number a row, so
 * x passes through memory two times less than through one after the other. Same mathematics, other last bits.
 * Legend: N rows (batch × tokens), C features.
 */
import * as tf from '@tensorflow/tfjs';
import { reduceRows } from '../../backend/kernels.js';
import * as op from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';
import type { ActivationQuantizerName } from '../../ablation-options.js';
import { activationRange } from '../../quantizers/activations.js';
import { QUANTIZER_EPSILON } from '../../quantizers/weights.js';
import type { Norm } from '../norm.js';
import { reciprocalRootMeanSquare } from './norm.js';

type AbsmaxPerToken = Extract<ActivationQuantizerName, `absmax-${string}-token`>;

/** True for the quantizers that {@link normAndQuantize} knows. */
export function isAbsmaxPerToken(quantizer: ActivationQuantizerName): quantizer is AbsmaxPerToken {
  return quantizer === 'absmax-int8-token' || quantizer === 'absmax-int4-token';
}

/**
 * Forward pass of Q_a(norm(x)), quantized and dequantized.
 * With u = x∘gain and r the reciprocal root mean square, norm(x) = u·r; one step of the integers is
 * s = max(max|u|·r, 1e-5) / Q, and the result round(u·r/s)·s.
 * @param x [N, C]
 * @returns activations [N, C], and r [N, 1]
 */
export function normAndQuantize(
  x: tf.Tensor,
  { gain, epsilon }: Norm,
  quantizer: AbsmaxPerToken,
): { activations: tf.Tensor; reciprocal: tf.Tensor } {
  const reciprocal = reciprocalRootMeanSquare(x, epsilon); // r
  const scaled = op.mul(x, gain); // u
  const step = spend(
    op.abs(scaled),
    (magnitude) => reduceRows('Max', magnitude),
    (largest) => op.mul(largest, reciprocal),
    (absmax) => op.maximum(absmax, QUANTIZER_EPSILON),
    (absmax) => op.div(absmax, activationRange(quantizer).high),
  ); // s, [N, 1]
  const factor = op.div(reciprocal, step);
  const activations = spend(
    scaled,
    (u) => op.mul(u, factor),
    (steps) => op.round(steps),
    (integers) => op.mul(integers, step),
  );
  tf.dispose([step, factor]);
  return { activations, reciprocal };
}
