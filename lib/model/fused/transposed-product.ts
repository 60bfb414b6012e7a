/** Products of tall matrices that are transposed: those of a weight's gradient. */
import type * as tf from '@tensorflow/tfjs';
import { hasNativeKernels, matMul2D } from '../../backend/kernels.js';
import { transpose } from '../../backend/operations.js';
import { spend } from '../../backend/spend.js';

/** From so many times as many columns on it pays to turn the product round. */
const WIDER = 1.5;

/**
 * aᵀ·b of tall matrices: a [N, A], b [N, B] → [A, B]. TensorFlow's product walks down the columns of a, which takes up to
 * twice as long where a is the wider one: then it is (bᵀ·a)ᵀ, which has the same bits.
 */
export function transposedProduct(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  const isTurned = hasNativeKernels() && a.shape[1]! >= WIDER * b.shape[1]!;
  if (!isTurned) return matMul2D(a, b, true);
  return spend<tf.Tensor2D>(matMul2D(b, a, true), (product) => transpose(product, [1, 0]));
}
