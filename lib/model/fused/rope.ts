/** Rotations from fast operations, and their gradient. Legend: T tokens, D head size. */
import type * as tf from '@tensorflow/tfjs';
import * as op from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';
import type { RotaryTable } from '../rope.js';

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
