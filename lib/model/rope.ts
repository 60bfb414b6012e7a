/**
 * Rotary position embedding in the half-split form: the pair (i, i + D/2) turns by position · θ^(−2i/D).
 * Legend: T tokens, D head size.
 */
import * as tf from '@tensorflow/tfjs';

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

/**
 * Turns vectors by their positions: x∘cos + swap(x)∘sin, swap exchanging the two halves of the last axis
 * (Su et al., arXiv 2104.09864). The fast form of the same is fused/rope.ts.
 * @param x [..., T, D]
 */
export function rotate(x: tf.Tensor, { cosine, signedSine }: RotaryTable): tf.Tensor {
  const [first, second] = tf.split(x, 2, -1);
  return tf.add(tf.mul(x, cosine), tf.mul(tf.concat([second, first], -1), signedSine));
}
