/**
 * TensorFlow's own kernels by name, on tfjs-node alone. They do in one pass what TensorFlow.js needs several for.
 * Each has a plain version of the same mathematics beside its caller, which runs on wasm and is the oracle in tests.
 */
import * as tf from '@tensorflow/tfjs';

interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

interface NativeBackend {
  binding: Record<
    | 'TF_ATTR_TYPE'
    | 'TF_ATTR_BOOL'
    | 'TF_ATTR_INT'
    | 'TF_ATTR_STRING'
    | 'TF_ATTR_SHAPE'
    | 'TF_FLOAT'
    | 'TF_INT32',
    number
  >;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** Attributes of a kernel as plain values; a type is written `{ type: 'float32' }`. */
type Attributes = Record<string, boolean | number | string | number[] | { type: 'float32' | 'int32' }>;

/** True where TensorFlow's kernels can be called by name. */
export function hasNativeKernels(): boolean {
  return tf.getBackend() === 'tensorflow';
}

function native(): NativeBackend {
  return tf.backend() as unknown as NativeBackend;
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

/** A scalar int32 that names the last axis; kept for the life of the process, since every reduction wants one. */
let lastAxis: tf.Scalar | undefined;

/** Reduction over the last axis, kept as size 1. About half the cost of TensorFlow.js's own, which reshapes first. */
export function reduceRows(kind: 'Max' | 'Sum' | 'Mean', x: tf.Tensor): tf.Tensor {
  if (!hasNativeKernels()) {
    if (kind === 'Max') return tf.max(x, -1, true);
    return kind === 'Sum' ? tf.sum(x, -1, true) : tf.mean(x, -1, true);
  }
  lastAxis ??= tf.keep(tf.scalar(-1, 'int32'));
  return runKernel(kind, [x, lastAxis], { keep_dims: true, T: { type: 'float32' }, Tidx: { type: 'int32' } });
}

/**
 * Matrix product of 2-D tensors, either side transposed. The wasm backend is slow on transposed operands, so there
 * they are transposed first.
 */
export function matMul2D(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor2D {
  if (hasNativeKernels()) {
    return runKernel<tf.Tensor2D>('MatMul', [a, b], {
      T: { type: 'float32' },
      transpose_a: transposeA,
      transpose_b: transposeB,
    });
  }
  return tf.tidy(() =>
    tf.matMul<tf.Tensor2D>(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b),
  );
}

/** Rows of this many values, or a multiple, all begin in the same few sets of the processor's cache. */
const ALIASED_COLUMNS = 512;
/** Columns of zeros that move them apart. */
const PADDING = 8;

/**
 * aᵀ·b of tall matrices: a [N, A], b [N, B] → [A, B]. TensorFlow's product walks down their columns, which takes half
 * as long again where rows alias in the cache: such rows are made a little longer first.
 */
export function transposedProduct(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  const aliased = [a, b].some((x) => x.shape[1]! % ALIASED_COLUMNS === 0);
  if (!aliased || !hasNativeKernels()) return matMul2D(a, b, true);
  return tf.tidy(() => {
    const product = matMul2D(lengthened(a), lengthened(b), true);
    return tf.slice(product, [0, 0], [a.shape[1]!, b.shape[1]!]);
  });
}

function lengthened(x: tf.Tensor): tf.Tensor {
  if (x.shape[1]! % ALIASED_COLUMNS !== 0) return x;
  return tf.pad2d(x as tf.Tensor2D, [
    [0, 0],
    [0, PADDING],
  ]);
}
