import {
  DATA_TYPES,
  savedModelBytes,
  type AttributeValue,
  type ConstantTensor,
  type GraphNode,
} from './saved-model.js';

const { float32, float64, int32, bool } = DATA_TYPES;

/** Why something cannot be a graph, in words that end a sentence. The caller goes on without one. */
export class NoGraphError extends Error {}

/** A tensor that is given to the graph in every run, though it never changes. */
export interface HeldTensor extends ConstantTensor {
  name: string;
}

/** Attributes as they are written by hand: a type is `{ type }`. */
type Attributes = Readonly<Record<string, AttributeValue>>;

/** A graph of TensorFlow while it is built, node after node. */
export class Graph {
  readonly nodes: GraphNode[] = [];
  /** Constants that the session gets from outside; see {@link Graph.constant}. */
  readonly held: HeldTensor[] = [];
  private readonly constants = new Map<string, string>();

  /** Adds a node. @returns its name, which is the endpoint of its first output too */
  add(name: string, kernel: string, inputs: readonly string[], attributes: Attributes = {}): string {
    this.nodes.push({ name, kernel, inputs, attributes: new Map(Object.entries(attributes)) });
    return name;
  }

  /** An input of the graph. */
  placeholder(name: string, type: number, shape: readonly number[]): string {
    return this.add(name, 'Placeholder', [], { dtype: { type }, shape: { shape } });
  }

  /**
   * A constant, once for all of its uses. Those of float32 are given to every run in place of being written down:
   * TensorFlow rewrites what it knows (x / c becomes x · (1/c)), and the last bits are no longer those of single calls.
   */
  constant(tensor: ConstantTensor): string {
    const { type, shape, content } = tensor;
    const key = `${type} ${shape.join()} ${Buffer.from(content).toString('latin1')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = `constant${this.constants.size}`;
    this.constants.set(key, name);
    if (type === float32) {
      this.held.push({ ...tensor, name });
      return this.placeholder(name, type, shape);
    }
    return this.add(name, 'Const', [], { dtype: { type }, value: { tensor } });
  }

  /** True where another graph computes the same. */
  equals(other: Graph): boolean {
    const same = (a: HeldTensor, b: HeldTensor | undefined): boolean =>
      Buffer.from(a.content).equals(Buffer.from(b?.content ?? []));
    return (
      savedModelBytes(this.nodes).equals(savedModelBytes(other.nodes)) &&
      this.held.every((tensor, i) => same(tensor, other.held[i]))
    );
  }

  /** A number that is no part of the recorded arithmetic: it may be written down. */
  number(value: number, type: number): string {
    const content = Buffer.alloc(type === float64 ? 8 : 4);
    if (type === float64) content.writeDoubleLE(value);
    else if (type === float32) content.writeFloatLE(value);
    else content.writeInt32LE(value);
    const name = `number${this.nodes.length}`;
    return this.add(name, 'Const', [], { dtype: { type }, value: { tensor: { type, shape: [], content } } });
  }
}

/** Typed array of a constant's values, for the binding. @throws NoGraphError for a type that JavaScript cannot hold */
export function typedValues({ type, content }: ConstantTensor): Float32Array | Int32Array | Uint8Array {
  const { buffer, byteOffset, byteLength } = Uint8Array.from(content);
  if (type === float32) return new Float32Array(buffer, byteOffset, byteLength / 4);
  if (type === int32) return new Int32Array(buffer, byteOffset, byteLength / 4);
  if (type === bool) return new Uint8Array(buffer, byteOffset, byteLength);
  throw new NoGraphError(`a constant has type ${type} of TensorFlow`);
}
