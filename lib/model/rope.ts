/**
 * Rotary position embedding in the half-split form: the pair (i, i + D/2) turns by position · θ^(−2i/D).
 * Legend: T tokens, D head size.
 */
import * as tf from '@tensorflow/tfjs';
import * as op from '../backend/operations.js';
import { spend } from '../backend/spend.js';

/** Cosine and signed sine for each position, [T, D] each. The sine carries the sign of the half that it adds to. */
export interface RotaryTable {
  cosine: tf.Tensor2D;
  signedSine: tf.Tensor2D;
}

/**
 * The rotation of each position.
 * @param tokens number of positions
 * @param headDim values per head, even
 * @param theta base of the frequencies (rope_theta)
 * @param options offset: position of the first token; length: what every turned vector's length is multiplied by
 */
export function rotaryTable(
  tokens: number,
  headDim: number,
  theta: number,
  { offset = 0, length = 1 }: { offset?: number; length?: number } = {},
): RotaryTable {
  if (headDim % 2 !== 0) throw new Error(`rotaryTable: head_dim must be even, got ${headDim}.`);
  const half = headDim / 2;
  const cosine = new Float32Array(tokens * headDim);
  const signedSine = new Float32Array(tokens * headDim);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < half; i++) {
      // Angles in float32, as transformers computes them; rounding matters at high positions.
      const frequency = Math.fround(1 / Math.fround(theta ** ((2 * i) / headDim)));
      const angle = Math.fround(Math.fround(t + offset) * frequency);
      const first = t * headDim + i;
      cosine[first] = cosine[first + half] = length * Math.cos(angle);
      signedSine[first] = -length * Math.sin(angle);
      signedSine[first + half] = length * Math.sin(angle);
    }
  }
  return {
    cosine: tf.tensor2d(cosine, [tokens, headDim]),
    signedSine: tf.tensor2d(signedSine, [tokens, headDim]),
  };
}

/** Exchanges the two halves of the last axis: (…, [a, b]) → (…, [b, a]). */
function swapHalves(x: tf.Tensor): tf.Tensor {
  const shape = x.shape;
  const headDim = shape[shape.length - 1];
  const rows = x.size / headDim;
  return spend(
    op.reshape(x, [rows, 2, headDim / 2]),
    (pairs) => op.reverse(pairs, 1),
    (swapped) => op.reshape(swapped, shape),
  );
}

/** Turns x [..., T, D] by its positions: x∘cos + swap(x)∘sin. */
export function rotate(x: tf.Tensor, { cosine, signedSine }: RotaryTable): tf.Tensor {
  const across = spend(swapHalves(x), (swapped) => op.mul(swapped, signedSine));
  return spend(op.mul(x, cosine), (along) => op.add(along, across));
}

/** The opposite turn, which is also the gradient of rotate: a rotation's transpose is its inverse. */
export function rotateBack(dy: tf.Tensor, { cosine, signedSine }: RotaryTable): tf.Tensor {
  const across = spend(op.mul(dy, signedSine), (sine) => swapHalves(sine));
  return spend(op.mul(dy, cosine), (along) => op.add(along, across));
}
