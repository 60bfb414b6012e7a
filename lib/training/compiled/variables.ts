/**
 * Weights and moments in the graph of a training step: TensorFlow's variables, and what reads and sets them. Small
 * tensors that are updated alike stand one after the other in the same variables, since their updates cost more to start
 * than to compute.
 */
import type { Graph } from '../../backend/graph/graph.js';
import { DATA_TYPES } from '../../backend/graph/saved-model.js';
import { countValues } from '../../shape.js';

const { float32, int32 } = DATA_TYPES;
const FLOAT = { type: float32 };
const INDEX = { type: int32 };

/** Tensors from this size on have variables of their own: putting their gradients together would cost more than it spares. */
const LEAST_ALONE = 2 ** 14;

/** A learned tensor in the graph. */
export interface LearnedTensor {
  name: string;
  shape: readonly number[];
}

/** Variables of a learned tensor: itself and Adam's two moments. */
export const KINDS = ['weight', 'first', 'second'] as const;
export type Kind = (typeof KINDS)[number];

/** Learned tensors that share variables, flat, one after the other. */
export interface Group {
  name: string;
  /** Where they stand among the learned tensors. */
  members: readonly number[];
  shapes: readonly (readonly number[])[];
  /** Only matrices decay. */
  decays: boolean;
}

/** Names of what a session is asked for and given to read and set variables; i counts the learned tensors. */
export const VALUES = {
  /** Fetched: the value of a learned tensor or a moment. */
  value: (kind: Kind, i: number): string => `value_of_${kind}${i}`,
  /** Given to `set`. */
  newValue: (kind: Kind, i: number): string => `new_value_of_${kind}${i}`,
  /** Fetched to set all of a kind. */
  set: (kind: Kind): string => `set_${kind}`,
} as const;

/** The variable of a kind that a group shares. */
export function variable(kind: Kind, { name }: Group): string {
  return `${kind}_${name}`;
}

/** An input that only has to run before. */
export function after(node: string): string {
  return `^${node}`;
}

/** Adds the variables, with what sets and reads them. */
export function addVariables(graph: Graph, learned: readonly LearnedTensor[]): Group[] {
  const groups = groupsOf(learned);
  for (const kind of KINDS) {
    const assignments = groups.map((group) => {
      const handle = graph.add(variable(kind, group), 'VarHandleOp', [], {
        container: { string: '' },
        shared_name: { string: variable(kind, group) },
        dtype: FLOAT,
        shape: { shape: [group.shapes.reduce((sum, shape) => sum + countValues(shape), 0)] },
      });
      const found = graph.add(`read_${handle}`, 'ReadVariableOp', [handle], { dtype: FLOAT });
      separated(graph, found, group, (i) => VALUES.value(kind, i));
      const given = group.members.map((i, at) =>
        graph.placeholder(VALUES.newValue(kind, i), float32, group.shapes[at]),
      );
      const value = joined(graph, `new_${handle}`, given);
      return graph.add(`assign_${handle}`, 'AssignVariableOp', [handle, value], { dtype: FLOAT });
    });
    const done = graph.number(1, float32);
    graph.add(VALUES.set(kind), 'Identity', [done, ...assignments.map(after)], { T: FLOAT });
  }
  return groups;
}

/** Values of a group from those of its members, [values]. */
export function joined(graph: Graph, name: string, values: readonly string[]): string {
  const flat = values.map((value, at) => reshaped(graph, `${name}_${at}`, value, [-1]));
  if (flat.length === 1) return flat[0];
  return graph.add(name, 'ConcatV2', [...flat, graph.number(0, int32)], {
    T: FLOAT,
    Tidx: INDEX,
    N: { integer: flat.length },
  });
}

/** Values of the members from those of a group, each in its shape, under the names that `nameOf` gives. */
export function separated(
  graph: Graph,
  values: string,
  { members, shapes }: Group,
  nameOf: (i: number) => string,
): string[] {
  const sizes = integers(graph, shapes.map(countValues));
  const parts =
    shapes.length === 1
      ? values
      : graph.add(`parts_of_${values}`, 'SplitV', [values, sizes, graph.number(0, int32)], {
          T: FLOAT,
          Tlen: INDEX,
          num_split: { integer: shapes.length },
        });
  return members.map((i, at) => reshaped(graph, nameOf(i), at === 0 ? parts : `${parts}:${at}`, shapes[at]));
}

function groupsOf(learned: readonly LearnedTensor[]): Group[] {
  const members = new Map<string, number[]>();
  learned.forEach(({ shape }, i) => {
    const shared = shape.length >= 2 ? 'matrices' : 'vectors';
    const name = countValues(shape) < LEAST_ALONE ? shared : `alone${i}`;
    members.set(name, [...(members.get(name) ?? []), i]);
  });
  return Array.from(members, ([name, members]) => {
    const shapes = members.map((i) => learned[i].shape);
    return { name, members, shapes, decays: shapes[0].length >= 2 };
  });
}

function reshaped(graph: Graph, name: string, value: string, shape: readonly number[]): string {
  return graph.add(name, 'Reshape', [value, integers(graph, shape)], { T: FLOAT, Tshape: INDEX });
}

function integers(graph: Graph, values: readonly number[]): string {
  const content = new Uint8Array(Int32Array.from(values).buffer);
  return graph.constant({ type: int32, shape: [values.length], content });
}
