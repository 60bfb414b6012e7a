/**
 * A graph in the form in which TensorFlow's C library takes it: a SavedModel, written as Protocol Buffers. Only the
 * fields that such a graph needs (tensorflow/core/protobuf/saved_model.proto, framework/graph.proto, node_def.proto,
 * attr_value.proto, tensor.proto). All are of two kinds of the wire format: whole numbers and bytes with a length.
 */

/** TensorFlow's numbers for types (types.proto). */
export const DATA_TYPES = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  string: 7,
  int64: 9,
  bool: 10,
  resource: 20,
} as const;

/** Value of an attribute of a node. */
export type AttributeValue =
  | { type: number }
  | { types: readonly number[] }
  | { integer: number }
  | { integers: readonly number[] }
  | { float: number }
  | { boolean: boolean }
  | { string: string }
  | { shape: readonly number[] }
  | { tensor: ConstantTensor };

/** A tensor that is written into the graph. */
export interface ConstantTensor {
  type: number;
  shape: readonly number[];
  /** Values, row-major, little-endian. */
  content: Uint8Array;
}

/** One operation of a graph. */
export interface GraphNode {
  name: string;
  kernel: string;
  /** `node`, `node:output`, or `^node` for one that only has to run before. */
  inputs: readonly string[];
  attributes: ReadonlyMap<string, AttributeValue>;
}

/** What the SavedModel is asked for by. */
export const TAG = 'serve';
/** `versions.producer`: TensorFlow's number for graphs of its release 2.18; each release reads those of older ones. */
const PRODUCER = 1994;
const MIN_CONSUMER = 12;

/** The bytes of saved_model.pb: one graph, no signatures, no values of variables. */
export function savedModelBytes(nodes: readonly GraphNode[]): Buffer {
  const graph = message(
    ...nodes.map((node) => field(1, encodedNode(node))),
    field(4, message(number(1, PRODUCER), number(2, MIN_CONSUMER))),
  );
  const metaGraph = message(field(1, message(field(4, text(TAG)))), field(2, graph));
  return message(number(1, 1), field(2, metaGraph));
}

/** NodeDef of one node. */
function encodedNode({ name, kernel, inputs, attributes }: GraphNode): Buffer {
  return message(
    field(1, text(name)),
    field(2, text(kernel)),
    ...inputs.map((input) => field(3, text(input))),
    ...Array.from(attributes, ([key, value]) =>
      field(5, message(field(1, text(key)), field(2, encodedValue(value)))),
    ),
  );
}

/** AttrValue. */
function encodedValue(value: AttributeValue): Buffer {
  if ('type' in value) return number(6, value.type);
  if ('types' in value) return field(1, field(6, packed(value.types)));
  if ('integer' in value) return number(3, value.integer);
  if ('integers' in value) return field(1, field(3, packed(value.integers)));
  if ('float' in value) return float(4, value.float);
  if ('boolean' in value) return number(5, value.boolean ? 1 : 0);
  if ('string' in value) return field(2, text(value.string));
  if ('shape' in value) return field(7, encodedShape(value.shape));
  const { type, shape, content } = value.tensor;
  return field(8, message(number(1, type), field(2, encodedShape(shape)), field(4, content)));
}

/** TensorShapeProto. */
function encodedShape(shape: readonly number[]): Buffer {
  return message(...shape.map((length) => field(2, number(1, length))));
}

function message(...fields: Uint8Array[]): Buffer {
  return Buffer.concat(fields);
}

function text(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}

/** Most numbers of a graph take one byte: each is made once. */
const SMALL: readonly Buffer[] = Array.from({ length: 128 }, (_, value) => Buffer.from([value]));

/** Seven bits a byte, the lowest first; a negative number as its two's complement of 64 bits. */
function varint(value: number): Buffer {
  if (value >= 0 && value < 128) return SMALL[value];
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function packed(values: readonly number[]): Buffer {
  return message(...values.map(varint));
}

/** A field that holds a whole number. */
function number(id: number, value: number): Buffer {
  return message(varint(id << 3), varint(value));
}

/** A field that holds bytes: text, or another message. */
function field(id: number, bytes: Uint8Array): Buffer {
  return message(varint((id << 3) | 2), varint(bytes.length), bytes);
}

function float(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return message(varint((id << 3) | 5), bytes);
}
