/**
 * TensorFlow's own kernels by name, on tfjs-node alone. They do in one pass what TensorFlow.js needs several for.
 * Each has a plain version of the same mathematics beside its caller, which runs on wasm and is the oracle in tests.
 */
import * as tf from '@tensorflow/tfjs';
import { native, type Attribute } from './binding.js';

/**
 * Attributes of a kernel as plain values, where they differ from its defaults and its inputs do not tell; a type is
 * written `{ type: 'float32' }`.
 */
type Attributes = Record<string, boolean | number | string | number[] | { type: 'float32' | 'int32' }>;

/** True where TensorFlow's kernels can be called by name. */
export function hasNativeKernels(): boolean {
  return tf.getBackend() === 'tensorflow';
}

/** Runs the TensorFlow kernel `name` and returns its one output. */
export function runKernel<T extends tf.Tensor = tf.Tensor>(
  name: string,
  inputs: tf.Tensor[],
  attributes: Attributes = {},
): T {
  return native().executeSingleOutput(name, attributeList(attributes), inputs) as T;
}

/** Runs a TensorFlow kernel for its effect: one that changes a resource and returns nothing. */
export function runEffect(name: string, inputs: tf.Tensor[], attributes: Attributes = {}): void {
  native().executeMultipleOutputs(name, attributeList(attributes), inputs, 0);
}

function attributeList(attributes: Attributes): Attribute[] {
  const { binding: b } = native();
  return Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'boolean') return { name, type: b.TF_ATTR_BOOL, value };
    if (typeof value === 'number') return { name, type: b.TF_ATTR_INT, value };
    if (typeof value === 'string') return { name, type: b.TF_ATTR_STRING, value };
    if (Array.isArray(value)) return { name, type: b.TF_ATTR_SHAPE, value };
    return { name, type: b.TF_ATTR_TYPE, value: value.type === 'int32' ? b.TF_INT32 : b.TF_FLOAT };
  });
}

/** Constant inputs of kernels, by what they hold; kept for the life of the process. */
const constants = new Map<string, tf.Tensor>();

/** A number as a scalar. Only for numbers that do not change as training goes on. */
export function constant(value: number, type: 'float32' | 'int32' = 'float32'): tf.Tensor {
  return kept(`${type} ${value}`, () => tf.scalar(value, type));
}

/** Whole numbers as the vector in which kernels take shapes, axes and positions. */
export function indices(values: readonly number[]): tf.Tensor {
  return kept(values.join(), () => tf.tensor1d(values as number[], 'int32'));
}

/** A tensor that is made once, by its key. */
export function kept(key: string, make: () => tf.Tensor): tf.Tensor {
  let found = constants.get(key);
  if (!found) constants.set(key, (found = tf.keep(make())));
  return found;
}

/** Reduction over the last axis, kept as size 1. About half the cost of TensorFlow.js's own, which reshapes first. */
export function reduceRows(kind: 'Max' | 'Sum' | 'Mean', x: tf.Tensor): tf.Tensor {
  if (!hasNativeKernels()) {
    if (kind === 'Max') return tf.max(x, -1, true);
    return kind === 'Sum' ? tf.sum(x, -1, true) : tf.mean(x, -1, true);
  }
  return runKernel(kind, [x, constant(-1, 'int32')], { keep_dims: true });
}

/**
 * Matrix product of 2-D tensors, either side transposed. The wasm backend is slow on transposed operands, so there
 * they are transposed first.
 */
export function matMul2D(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor2D {
  if (hasNativeKernels()) {
    return runKernel<tf.Tensor2D>('MatMul', [a, b], { transpose_a: transposeA, transpose_b: transposeB });
  }
  return tf.tidy(() =>
    tf.matMul<tf.Tensor2D>(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b),
  );
}
