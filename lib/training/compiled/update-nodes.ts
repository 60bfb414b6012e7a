/**
 * What follows the gradients in the graph of a training step: their norm, clipping, the guard against values that are
 * not finite, and AdamW. Node for node what step.ts, adamw.ts and adamw-update.ts (NativeMoments) do, in the same
 * precision: float64 where those compute in JavaScript.
 */
import type { Graph } from '../../backend/graph/graph.js';
import { DATA_TYPES } from '../../backend/graph/saved-model.js';

const { float32, float64, int32 } = DATA_TYPES;
const FLOAT = { type: float32 };
const DOUBLE = { type: float64 };

/** A learned tensor in the graph. */
export interface LearnedTensor {
  name: string;
  shape: readonly number[];
}

/** Endpoints that the recorded part of a step ends in. */
export interface StepEndpoints {
  /** Mean loss of each part of the batch, scalars. */
  losses: readonly string[];
  /** Σg²/2 of each gradient, [parameters]. */
  halves: string;
  /** In the order of the learned tensors. */
  gradients: readonly string[];
}

/** Numbers that are the same in every step. */
export interface UpdateConstants {
  betas: readonly [number, number];
  clipNorm: number;
}

/** Variables of a learned tensor: itself and Adam's two moments. */
const KINDS = ['weight', 'first', 'second'] as const;
export type Kind = (typeof KINDS)[number];

/** Names of what a session is asked for and given; i counts the learned tensors. */
export const PLACES = {
  /** Given to a step: the tokens of a part of the batch, [B·T]. */
  inputs: (part: number): string => `inputs${part}`,
  targets: (part: number): string => `targets${part}`,
  /** Given to a step: what changes from one to the next besides the batch. */
  rates: ['rate', 'epsilon', 'decay'],
  /** Fetched to make one step: the loss of each part, once every variable is updated. */
  step: 'step',
  /** Fetched with it: Σg²/2 of each gradient. */
  halves: 'halves',
  /** Fetched: the value of a variable. */
  value: (kind: Kind, i: number): string => `value_of_${kind}${i}`,
  /** Given to `set`. */
  newValue: (kind: Kind, i: number): string => `new_value_of_${kind}${i}`,
  /** Fetched to set all variables of a kind. */
  set: (kind: Kind): string => `set_${kind}`,
} as const;

function variable(kind: Kind, i: number): string {
  return `${kind}${i}`;
}

/**
 * Adds the variables, with what sets and reads them.
 * @returns endpoints of the weights as a step sees them
 */
export function addVariables(graph: Graph, learned: readonly LearnedTensor[]): string[] {
  for (const kind of KINDS) {
    const assignments = learned.map(({ shape }, i) => {
      const handle = graph.add(variable(kind, i), 'VarHandleOp', [], {
        container: { string: '' },
        shared_name: { string: variable(kind, i) },
        dtype: FLOAT,
        shape: { shape },
      });
      graph.add(PLACES.value(kind, i), 'ReadVariableOp', [handle], { dtype: FLOAT });
      const value = graph.placeholder(PLACES.newValue(kind, i), float32, shape);
      return graph.add(`assign_${handle}`, 'AssignVariableOp', [handle, value], { dtype: FLOAT });
    });
    const done = graph.number(1, float32);
    graph.add(PLACES.set(kind), 'Identity', [done, ...assignments.map(after)], { T: FLOAT });
  }
  return learned.map((_, i) =>
    graph.add(`before${i}`, 'ReadVariableOp', [variable('weight', i)], { dtype: FLOAT }),
  );
}

/**
 * Adds the update of every variable.
 * @param weights from {@link addVariables}
 */
export function addUpdate(
  graph: Graph,
  learned: readonly LearnedTensor[],
  weights: readonly string[],
  { losses, halves, gradients }: StepEndpoints,
  { betas, clipNorm }: UpdateConstants,
): void {
  for (const rate of PLACES.rates) graph.placeholder(rate, float32, []);
  const total = sumOf(graph, halves, learned.length);
  const finite = losses.reduce(
    (all, loss, p) => {
      const one = graph.add(`loss_is_finite${p}`, 'IsFinite', [loss], { T: FLOAT });
      return graph.add(`finite${p}`, 'LogicalAnd', [all, one]);
    },
    graph.add('norm_is_finite', 'IsFinite', [total], { T: DOUBLE }),
  );
  // Not finite: with a gradient of 0, β = 1, rate 0 and decay 1 everything stays as it was.
  const guarded = (name: string, value: string, otherwise: number): string =>
    graph.add(name, 'SelectV2', [finite, value, graph.number(otherwise, float32)], { T: FLOAT });
  const scale = guarded('scale', clipFactor(graph, total, clipNorm), 0);
  const [rate, epsilon, decay] = PLACES.rates;
  const zero = graph.number(0, float32);
  const adam = [
    zero,
    zero,
    guarded('guarded_rate', rate, 0),
    ...betas.map((beta, i) => guarded(`guarded_beta${i + 1}`, graph.number(beta, float32), 1)),
    epsilon,
  ];
  const guardedDecay = guarded('guarded_decay', decay, 1);
  const updates = learned.map(({ shape }, i) => {
    // MulNoNan: NaN · 0 = 0.
    const gradient = graph.add(`scaled${i}`, 'MulNoNan', [gradients[i], scale], { T: FLOAT });
    const variables = KINDS.map((kind) => variable(kind, i));
    let before = weights[i];
    if (shape.length >= 2) {
      const decayed = graph.add(`decayed${i}`, 'Mul', [weights[i], guardedDecay], { T: FLOAT });
      before = graph.add(`decay${i}`, 'AssignVariableOp', [variables[0], decayed], { dtype: FLOAT });
    }
    return graph.add(`update${i}`, 'ResourceApplyAdam', [...variables, ...adam, gradient, after(before)], {
      T: FLOAT,
      use_locking: { boolean: false },
      use_nesterov: { boolean: false },
    });
  });
  graph.add(PLACES.halves, 'Identity', [halves], { T: FLOAT });
  const all = graph.add('losses', 'Pack', losses, {
    T: FLOAT,
    N: { integer: losses.length },
    axis: { integer: 0 },
  });
  graph.add(PLACES.step, 'Identity', [all, ...updates.map(after)], { T: FLOAT });
}

/** Σ of [count] float32 values in float64, from the first to the last: globalNorm's loop. */
function sumOf(graph: Graph, values: string, count: number): string {
  const axis = graph.number(0, int32);
  const index = { Tidx: { type: int32 } };
  const wide = graph.add('halves64', 'Cast', [values], { SrcT: FLOAT, DstT: DOUBLE });
  const sums = graph.add('sums', 'Cumsum', [wide, axis], { T: DOUBLE, ...index });
  return graph.add('half', 'GatherV2', [sums, graph.number(count - 1, int32), axis], {
    Tparams: DOUBLE,
    Tindices: { type: int32 },
    Taxis: { type: int32 },
  });
}

/** step.ts's clipFactor, from half the square of the norm. */
function clipFactor(graph: Graph, half: string, limit: number): string {
  const number = (value: number): string => graph.number(value, float64);
  const square = graph.add('square', 'Mul', [number(2), half], { T: DOUBLE });
  const norm = graph.add('norm', 'Sqrt', [square], { T: DOUBLE });
  const above = graph.add('above', 'AddV2', [norm, number(1e-6)], { T: DOUBLE });
  const ratio = graph.add('ratio', 'RealDiv', [number(limit), above], { T: DOUBLE });
  const factor = graph.add('factor', 'Minimum', [ratio, number(1)], { T: DOUBLE });
  return graph.add('clip', 'Cast', [factor], { SrcT: DOUBLE, DstT: FLOAT });
}

/** An input that only has to run before. */
function after(node: string): string {
  return `^${node}`;
}
