/** Products of tall matrices that are transposed: those of a weight's gradient. */
import * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, kept, matMul2D } from '../../backend/kernels.js';
import { concat, slice } from '../../backend/operations.js';

/** Rows of this many values, or a multiple, all begin in the same few sets of the processor's cache. */
const ALIASED_COLUMNS = 512;
/** Columns that move them apart. */
const PADDING = 8;

/**
 * aᵀ·b of tall matrices: a [N, A], b [N, B] → [A, B]. TensorFlow's product walks down their columns, which takes half
 * as long again where rows alias in the cache: such rows are made a little longer first.
 */
export function transposedProduct(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  if (!hasNativeKernels() || !(isAliased(a) || isAliased(b))) return matMul2D(a, b, true);
  return tf.tidy(() => {
    const product = matMul2D(lengthened(a), lengthened(b), true);
    return slice(product, [0, 0], [a.shape[1]!, b.shape[1]!]) as tf.Tensor2D;
  });
}

function isAliased(x: tf.Tensor): boolean {
  return x.shape[1]! % ALIASED_COLUMNS === 0;
}

/** x with a few columns more where its rows alias; their values do not matter. */
function lengthened(x: tf.Tensor): tf.Tensor {
  const rows = x.shape[0];
  return isAliased(x) ? concat([x, kept(`padding ${rows}`, () => tf.zeros([rows, PADDING]))], 1) : x;
}
