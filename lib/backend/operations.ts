/**
 * Operations for the inside of hand-written gradients, float32 only. On tfjs-node they go straight to TensorFlow's
 * kernels: TensorFlow.js's checks and bookkeeping take as long as the work itself on tensors of a few thousand values.
 * Elsewhere they are TensorFlow.js's own. No tape sees them, so outside withGradient the gradient would be lost.
 */
import * as tf from '@tensorflow/tfjs';
import { constant, hasNativeKernels, indices, runKernel } from './kernels.js';

/** A number must be a constant of the model: it is made a tensor once and kept. */
type Operand = tf.Tensor | number;
type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: Operand, b: Operand) => tf.Tensor;

// TensorFlow finds the types out from the inputs: none of these kernels needs attributes.
export const abs: Unary = unary('Abs', tf.abs);
export const square: Unary = unary('Square', tf.square);
export const round: Unary = unary('Round', tf.round);
export const relu: Unary = unary('Relu', tf.relu);
export const rsqrt: Unary = unary('Rsqrt', tf.rsqrt);
export const sigmoid: Unary = unary('Sigmoid', tf.sigmoid);
/** Over the last axis. */
export const softmax: Unary = unary('Softmax', tf.softmax);

export const add: Binary = binary('AddV2', tf.add);
export const sub: Binary = binary('Sub', tf.sub);
export const mul: Binary = binary('Mul', tf.mul);
export const div: Binary = binary('RealDiv', tf.div);
export const maximum: Binary = binary('Maximum', tf.maximum);

/** The values in another shape. */
export function reshape(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  return hasNativeKernels() ? runKernel('Reshape', [x, indices(shape)]) : tf.reshape(x, shape as number[]);
}

/** Axis i of the result is axis order[i] of x. */
export function transpose(x: tf.Tensor, order: readonly number[]): tf.Tensor {
  return hasNativeKernels()
    ? runKernel('Transpose', [x, indices(order)])
    : tf.transpose(x, order as number[]);
}

/** `size` values along each axis from `begin` on; −1 takes what is left. */
export function slice(x: tf.Tensor, begin: readonly number[], size: readonly number[]): tf.Tensor {
  return hasNativeKernels()
    ? runKernel('Slice', [x, indices(begin), indices(size)])
    : tf.slice(x, begin as number[], size as number[]);
}

/** Tensors one after the other along an axis. */
export function concat(parts: readonly tf.Tensor[], axis: number): tf.Tensor {
  if (!hasNativeKernels()) return tf.concat(parts as tf.Tensor[], axis);
  const inputs = [...parts, constant(axis, 'int32')];
  return runKernel('ConcatV2', inputs, {
    N: parts.length,
    T: { type: 'float32' },
    Tidx: { type: 'int32' },
  });
}

/** Turns the order along an axis round. */
export function reverse(x: tf.Tensor, axis: number): tf.Tensor {
  return hasNativeKernels() ? runKernel('ReverseV2', [x, indices([axis])]) : tf.reverse(x, axis);
}

/** Products of the matrices in the last two axes, either side transposed. */
export function matMul(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  return hasNativeKernels()
    ? runKernel('BatchMatMulV2', [a, b], { adj_x: transposeA, adj_y: transposeB })
    : tf.matMul(a, b, transposeA, transposeB);
}

function unary(kernel: string, plain: Unary): Unary {
  return (x) => (hasNativeKernels() ? runKernel(kernel, [x]) : plain(x));
}

function binary(kernel: string, plain: Binary): Binary {
  const tensor = (x: Operand): tf.Tensor => (typeof x === 'number' ? constant(x) : x);
  return (a, b) => (hasNativeKernels() ? runKernel(kernel, [tensor(a), tensor(b)]) : plain(a, b));
}
