/**
 * What follows the gradients in the graph of a training step: their norm, clipping, the guard against values that are
 * not finite, and AdamW. What step.ts, adamw.ts and adamw-update.ts (NativeMoments) do to each value, in the same
 * precision: float64 where those compute in JavaScript.
 */
import type { Graph } from '../../backend/graph/graph.js';
import { DATA_TYPES } from '../../backend/graph/saved-model.js';
import { after, joined, KINDS, separated, variable, type Group } from './variables.js';

const { float32, float64, int32 } = DATA_TYPES;
const FLOAT = { type: float32 };
const DOUBLE = { type: float64 };

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

/** Names of what a session is asked for and given to make a step. */
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
} as const;

/**
 * Adds what the weights are before the update, as the recorded part reads them.
 * @returns endpoints in the order of the learned tensors
 */
export function addWeights(graph: Graph, groups: readonly Group[]): string[] {
  const weights: string[] = [];
  for (const group of groups) {
    const flat = graph.add(before(group), 'ReadVariableOp', [variable('weight', group)], { dtype: FLOAT });
    const separate = separated(graph, flat, group, (i) => `weight_before${i}`);
    group.members.forEach((i, at) => (weights[i] = separate[at]));
  }
  return weights;
}

/** Adds the update of every variable. */
export function addUpdate(
  graph: Graph,
  groups: readonly Group[],
  { losses, halves, gradients }: StepEndpoints,
  { betas, clipNorm }: UpdateConstants,
): void {
  for (const rate of PLACES.rates) graph.placeholder(rate, float32, []);
  const total = sumOf(graph, halves, gradients.length);
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
  const updates = groups.map((group) => {
    const { name, members, decays } = group;
    const all = joined(
      graph,
      `gradient_of_${name}`,
      members.map((i) => gradients[i]),
    );
    // MulNoNan: NaN · 0 = 0.
    const gradient = graph.add(`scaled_${name}`, 'MulNoNan', [all, scale], { T: FLOAT });
    const variables = KINDS.map((kind) => variable(kind, group));
    let last = before(group);
    if (decays) {
      const decayed = graph.add(`decayed_${name}`, 'Mul', [last, guardedDecay], { T: FLOAT });
      last = graph.add(`decay_${name}`, 'AssignVariableOp', [variables[0], decayed], { dtype: FLOAT });
    }
    return graph.add(`update_${name}`, 'ResourceApplyAdam', [...variables, ...adam, gradient, after(last)], {
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

/** The value of a group's weights as a step finds them. */
function before({ name }: Group): string {
  return `before_${name}`;
}
