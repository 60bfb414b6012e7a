/** The ternary matrices of a loaded model, read and counted where they lie. */
import { FORMAT_TERNARY } from '../../kernel/layout.js';
import { blockCount, groupCount, readTrits, type Matrix } from '../../kernel/matrix.js';
import type { Engine } from '../engine.js';
import { matricesOf } from '../load-weights.js';

/** How often each ternary weight occurs in a matrix. */
export interface TernaryShares {
  /** transformers' name, such as `model.layers.0.self_attn.q_proj.weight`. */
  name: string;
  layer: number;
  /** Weights of the matrix. */
  weights: number;
  /** Shares of -1, 0 and +1; together 1. */
  minus: number;
  zero: number;
  plus: number;
}

/** A ternary matrix as the model holds it. */
export interface TernaryWeights {
  /** `[out, in]`. */
  shape: readonly [out: number, input: number];
  /** Row-major; -1, 0, 1. */
  values: Int8Array;
  /** weight = value · scale. */
  scale: number;
}

/** Shares of every ternary matrix. */
export function ternaryShares(engine: Engine): TernaryShares[] {
  return [...matricesOf(engine.memory)]
    .filter(({ matrix }) => matrix.format === FORMAT_TERNARY)
    .map(({ name, matrix }) => ({ name, layer: Number(name.split('.')[2]), ...countTrits(engine, matrix) }));
}

/** @throws RangeError if there is no ternary matrix of that name */
export function ternaryWeights({ memory, team }: Engine, name: string): TernaryWeights {
  const found = [...matricesOf(memory)].find((entry) => entry.name === name);
  if (found?.matrix.format !== FORMAT_TERNARY) {
    throw new RangeError(
      `ternary weights: name must be that of a ternary matrix, such as model.layers.0.self_attn.q_proj.weight, got ${JSON.stringify(name)}.`,
    );
  }
  const { matrix } = found;
  const values = readTrits(new Uint8Array(team.buffer), team.kernel.name, matrix);
  return { shape: [matrix.rows, matrix.columns], values, scale: matrix.scale };
}

function countTrits(
  { team, memory }: Engine,
  { rows, columns, values }: Matrix,
): Omit<TernaryShares, 'name' | 'layer'> {
  const groups = groupCount(rows);
  const blocks = blockCount(columns);
  // The activations lend their place: no call is running while this one is.
  const most = Math.floor(memory.inputWidth / 2);
  let zeros = 0;
  let pluses = 0;
  for (let group = 0; group < groups; group += most) {
    const count = Math.min(most, groups - group);
    team.run(
      'countTrits',
      { items: count, smallest: 16 },
      { values: values + group * blocks * 64, blocks, counts: memory.normed },
    );
    const counts = new Int32Array(team.buffer, memory.normed, 2 * count);
    for (let i = 0; i < counts.length; i += 2) {
      zeros += counts[i];
      pluses += counts[i + 1];
    }
  }
  const weights = rows * columns;
  zeros -= groups * 4 * blocks * 64 - weights; // what pads rows and columns is zero
  return {
    weights,
    minus: (weights - zeros - pluses) / weights,
    zero: zeros / weights,
    plus: pluses / weights,
  };
}
