/** tfjs-node's binding to TensorFlow's C library, below TensorFlow.js: kernels, tensors and sessions by their numbers. */
import * as tf from '@tensorflow/tfjs';

/** An attribute of a kernel as the binding takes it. */
export interface Attribute {
  name: string;
  /** One of the binding's TF_ATTR_… numbers. */
  type: number;
  value: unknown;
}

/** A tensor of TensorFlow; nothing frees it but {@link Binding.deleteTensor}. */
export interface NativeTensor {
  id: number;
  shape: number[];
  /** TensorFlow's number of the type. */
  dtype: number;
}

export type NativeValues = Float32Array | Int32Array | Uint8Array;

/** What of the binding is used here. Its properties cannot be changed. */
export interface Binding extends Readonly<
  Record<
    | 'TF_ATTR_TYPE'
    | 'TF_ATTR_BOOL'
    | 'TF_ATTR_INT'
    | 'TF_ATTR_FLOAT'
    | 'TF_ATTR_STRING'
    | 'TF_ATTR_SHAPE'
    | 'TF_FLOAT'
    | 'TF_INT32',
    number
  >
> {
  executeOp(kernel: string, attributes: Attribute[], inputs: number[], outputs: number): NativeTensor[];
  createTensor(shape: readonly number[], type: number, values: NativeValues): number;
  tensorDataSync(id: number): NativeValues;
  deleteTensor(id: number): void;
  /** Absent where TensorFlow came without sessions. */
  loadSavedModel?(folder: string, tags: string): number;
  runSavedModel(session: number, inputs: number[], names: string, outputs: string): NativeTensor[];
  deleteSavedModel(session: number): void;
}

/** What of TensorFlow.js's backend is used here. */
export interface NativeBackend {
  binding: Binding;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(tensor: NativeTensor): tf.Tensor;
}

/** The backend of tfjs-node. Only where it runs; see hasNativeKernels. */
export function native(): NativeBackend {
  return tf.backend() as unknown as NativeBackend;
}

/** The number of a tensor's values in TensorFlow, which gets them now where it has not yet. */
export function nativeId(tensor: tf.TensorInfo): number {
  return native().getInputTensorIds([tensor])[0];
}
