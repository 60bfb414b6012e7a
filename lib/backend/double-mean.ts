import type * as tf from '@tensorflow/tfjs';
import { native, type Attribute, type Binding, type NativeTensor } from './binding.js';
import { constant, hasNativeKernels, indices } from './kernels.js';

/** TensorFlow's number of float64, which the binding does not name. */
const DOUBLE = 2;

/**
 * Mean over all values, a scalar, or over each row, [..., 1], summed in float64 and rounded to float32 at the end. Sums
 * of float32 values lose so little there that their order does not show: statistics.ts finds the same in a loop.
 * TensorFlow.js has no float64: on tfjs-node its kernels are called one level below.
 */
export function meanInDouble(x: tf.Tensor, over: 'all' | 'rows' = 'all'): tf.Tensor {
  if (!hasNativeKernels()) throw new Error('meanInDouble: needs tfjs-node, got another backend.');
  const backend = native();
  const { binding: b } = backend;
  const axes = Array.from({ length: x.rank }, (_, axis) => axis);
  const axis = over === 'rows' ? constant(-1, 'int32') : indices(axes);
  const [values, axisId] = backend.getInputTensorIds([x, axis]);
  const wide = run(b, 'Cast', [values], [type(b, 'SrcT', b.TF_FLOAT), type(b, 'DstT', DOUBLE)]);
  const keep: Attribute = { name: 'keep_dims', type: b.TF_ATTR_BOOL, value: over === 'rows' };
  const mean = run(b, 'Mean', [wide.id, axisId], [keep]);
  b.deleteTensor(wide.id);
  const rounded = run(b, 'Cast', [mean.id], [type(b, 'SrcT', DOUBLE), type(b, 'DstT', b.TF_FLOAT)]);
  b.deleteTensor(mean.id);
  return backend.createOutputTensor(rounded);
}

function run(binding: Binding, kernel: string, inputs: number[], attributes: Attribute[]): NativeTensor {
  return binding.executeOp(kernel, attributes, inputs, 1)[0];
}

function type(binding: Binding, name: string, value: number): Attribute {
  return { name, type: binding.TF_ATTR_TYPE, value };
}
