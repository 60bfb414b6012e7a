/** Which weights of a matrix share a scale: all of them, groups of output rows, or neighbours within a row. */
import * as tf from '@tensorflow/tfjs';
import * as op from '../backend/operations.js';
import type { AblationOptions } from '../ablation-options.js';

/** The options that say so; both absent: one scale for the whole matrix. */
export type WeightGroups = Pick<AblationOptions, 'weight_groups' | 'weight_group_size'>;

/** What one scale is measured on: a whole tensor, or each of its rows by itself. */
export type Measured = 'all' | 'rows';

/**
 * Applies a function of weights and their scale group by group.
 * @param weights [out, in]
 * @param quantize gets a group as a tensor of its own, or many groups as rows; gives a tensor of that shape
 * @returns [out, in]
 */
export function inGroups(
  weights: tf.Tensor,
  { weight_groups: groups = 1, weight_group_size: size }: WeightGroups,
  quantize: (part: tf.Tensor, measured: Measured) => tf.Tensor,
): tf.Tensor {
  const [rows, columns] = weights.shape;
  if (size !== undefined) {
    return tf.tidy(() => {
      const asRows = op.reshape(weights, [-1, Math.min(size, columns)]); // [groups, size]
      return op.reshape(quantize(asRows, 'rows'), weights.shape);
    });
  }
  if (groups === 1) return quantize(weights, 'all');
  const height = rows / groups;
  return tf.tidy(() => {
    const parts = Array.from({ length: groups }, (_, group) =>
      quantize(op.slice(weights, [group * height, 0], [height, columns]), 'all'),
    );
    return op.concat(parts, 0);
  });
}

/** Numbers of neighbouring weights, row-major, that share a scale. */
export function groupLength(
  [rows, columns]: readonly number[],
  { weight_groups: groups = 1, weight_group_size: size }: WeightGroups,
): number {
  return size === undefined ? (rows * columns) / groups : Math.min(size, columns);
}
