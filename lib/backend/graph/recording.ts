/**
 * Recording: what TensorFlow.js calls while a function runs, as nodes of a graph. TensorFlow.js is a thin layer over
 * TensorFlow's kernels on tfjs-node, and no two tensors ever get the same number there: the list of calls is the graph.
 * The function runs for real, and its result is as good as without a recording.
 */
import type * as tf from '@tensorflow/tfjs';
import {
  native,
  nativeId,
  type Attribute,
  type Binding,
  type NativeTensor,
  type NativeValues,
} from '../binding.js';
import { NoGraphError, type Graph } from './graph.js';
import { inferredAttributes } from './kernel-types.js';
import { DATA_TYPES, type AttributeValue, type ConstantTensor } from './saved-model.js';

interface Call {
  kernel: string;
  attributes: Attribute[];
  /** Numbers of tensors. */
  inputs: number[];
  outputs: NativeTensor[];
}

/** What a function called, and what it made of it. */
export interface Recording<T> {
  result: T;
  calls: readonly Call[];
  /** What the calls took from outside, by number, as it was then; the declared inputs too. */
  outside: ReadonlyMap<number, ConstantTensor>;
  /** Why this cannot be a graph, where that is so. */
  obstacle?: string;
}

/**
 * Runs a function and records what it calls.
 * @param inputs tensors that differ from run to run: reading one of them in JavaScript is an obstacle
 */
export function record<T>(inputs: readonly tf.Tensor[], work: () => T): Recording<T> {
  const backend = native();
  const real = backend.binding;
  const recorder = new Recorder(real, inputs.map(nativeId));
  // The binding's own properties cannot be changed; an object that inherits from it can have its own.
  backend.binding = Object.create(real, {
    executeOp: { value: recorder.executeOp.bind(recorder) },
    tensorDataSync: { value: recorder.tensorDataSync.bind(recorder) },
  }) as Binding;
  try {
    const result = work();
    const { calls, outside, obstacle } = recorder;
    return { result, calls, outside, obstacle };
  } finally {
    backend.binding = real;
  }
}

/** Stands in for two functions of the binding. */
class Recorder {
  readonly calls: Call[] = [];
  readonly outside = new Map<number, ConstantTensor>();
  obstacle: string | undefined;
  /** Tensors that differ from run to run. */
  private readonly computed: Set<number>;

  constructor(
    private readonly real: Binding,
    inputs: readonly number[],
  ) {
    this.computed = new Set(inputs);
  }

  executeOp(kernel: string, attributes: Attribute[], inputs: number[], count: number): NativeTensor[] {
    for (const id of inputs) {
      // Now: its maker may free it after this call.
      if (!this.computed.has(id) && !this.outside.has(id)) this.keep(id);
    }
    const outputs = this.real.executeOp(kernel, attributes, inputs, count);
    for (const { id } of outputs) this.computed.add(id);
    this.calls.push({ kernel, attributes: [...attributes], inputs: [...inputs], outputs });
    return outputs;
  }

  tensorDataSync(id: number): NativeValues {
    if (this.computed.has(id)) this.obstacle ??= 'a value of the step is read in JavaScript';
    return this.real.tensorDataSync(id);
  }

  private keep(id: number): void {
    const { real } = this;
    // The binding knows the type of a kernel's output, but not of a number alone.
    const [{ id: copy, dtype: type, shape }] = real.executeOp('Identity', [], [id], 1);
    try {
      const { buffer, byteOffset, byteLength } = real.tensorDataSync(copy);
      const content = new Uint8Array(buffer, byteOffset, byteLength).slice();
      this.outside.set(id, { type, shape, content });
    } finally {
      real.deleteTensor(copy);
    }
  }
}

/**
 * Adds the calls of a recording to a graph, in their order: each node waits for the one before it. That keeps the order
 * in which JavaScript made them, which frees memory while it is still in the cache.
 * @param prefix of the names of the nodes
 * @param inputs the declared inputs' places in the graph
 * @returns where in the graph a tensor of the recording is
 * @throws NoGraphError where the calls cannot be a graph
 */
export function addRecording(
  graph: Graph,
  { calls, outside, obstacle }: Recording<unknown>,
  prefix: string,
  inputs: ReadonlyMap<tf.Tensor, string>,
): (tensor: tf.Tensor) => string {
  if (obstacle !== undefined) throw new NoGraphError(obstacle);
  const types = new Map<number, number>();
  const places = new Map<number, string>();
  for (const [tensor, place] of inputs) {
    places.set(nativeId(tensor), place);
    types.set(nativeId(tensor), DATA_TYPES[tensor.dtype as 'float32' | 'int32']);
  }
  const place = (id: number): string => {
    let found = places.get(id);
    if (found === undefined) {
      const constant = outside.get(id);
      if (!constant) throw new NoGraphError('a result of the step comes from outside of it');
      places.set(id, (found = graph.constant(constant)));
      types.set(id, constant.type);
    }
    return found;
  };
  calls.forEach(({ kernel, attributes, inputs, outputs }, at) => {
    const name = `${prefix}${at}`;
    const order = at > 0 ? [`^${prefix}${at - 1}`] : [];
    const from = inputs.map(place);
    const given = attributesOf(
      kernel,
      attributes,
      inputs.map((id) => types.get(id)!),
    );
    graph.add(name, kernel, [...from, ...order], given);
    outputs.forEach(({ id, dtype }, output) => {
      places.set(id, output === 0 ? name : `${name}:${output}`);
      types.set(id, dtype);
    });
  });
  return (tensor) => place(nativeId(tensor));
}

/** Attributes of a call for a node: those that it gave, and the types that TensorFlow found out. */
function attributesOf(
  kernel: string,
  given: readonly Attribute[],
  types: readonly number[],
): Record<string, AttributeValue> {
  const inferred = inferredAttributes(kernel, types);
  if (!inferred) throw new NoGraphError(`the operation ${kernel} is not known to be repeatable`);
  return {
    ...Object.fromEntries(Array.from(inferred.types, ([name, type]) => [name, { type }])),
    ...Object.fromEntries(Array.from(inferred.counts, ([name, integer]) => [name, { integer }])),
    ...Object.fromEntries(given.map((attribute) => [attribute.name, attributeValue(kernel, attribute)])),
  };
}

function attributeValue(kernel: string, { name, type, value }: Attribute): AttributeValue {
  const { binding: b } = native();
  const many = Array.isArray(value);
  if (type === b.TF_ATTR_BOOL && !many) return { boolean: value as boolean };
  if (type === b.TF_ATTR_STRING && !many) return { string: value as string };
  if (type === b.TF_ATTR_FLOAT && !many) return { float: value as number };
  if (type === b.TF_ATTR_SHAPE) return { shape: value as number[] };
  if (type === b.TF_ATTR_TYPE) return many ? { types: value as number[] } : { type: value as number };
  if (type === b.TF_ATTR_INT) return many ? { integers: value as number[] } : { integer: value as number };
  throw new NoGraphError(`the attribute ${name} of ${kernel} has a type that is not known here`);
}
