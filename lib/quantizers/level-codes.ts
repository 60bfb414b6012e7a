/** A quantized matrix as it can be stored: a small number for each weight, and a step for each group of weights. */
import type { AblationOptions } from '../ablation-options.js';
import { groupAt, groupCount, groupsOf, nearestCode, type Groups, type LevelGrid } from './level-grid.js';
import { onGrid, requireFinite, weightGrid } from './weights.js';

/** weight = (code − (levels − 1) / 2) · step of its group. */
export interface LevelCodes {
  /** 2 to 256. */
  levels: number;
  groups: Groups;
  /** Distance of two levels, one for each group. */
  steps: Float32Array;
  /** From 0 to levels − 1, one for each weight, row-major. */
  codes: Uint8Array;
}

/**
 * Codes of weights that were rounded after training.
 * @param values [rows, columns] at levels of the grid, or anywhere: the nearest level counts
 */
export function codesOnGrid(values: Float32Array, { levels, reaches, groups }: LevelGrid): LevelCodes {
  const { columns } = groups;
  const codes = Uint8Array.from(values, (value, i) =>
    nearestCode(value, levels, reaches[groupAt(groups, Math.floor(i / columns), i % columns)]),
  );
  return { levels, groups, steps: Float32Array.from(reaches, (reach) => (2 * reach) / (levels - 1)), codes };
}

/**
 * Codes of weights as a model that was trained with a named quantizer multiplies by them.
 * @param weights latent, [rows, columns]
 * @throws Error for `none`, for `zero-one`, whose levels do not lie around zero, for groups of rows, and for weights that are not finite
 */
export function trainedCodes(
  weights: Float32Array,
  rows: number,
  options: Pick<AblationOptions, 'weight_quantizer' | 'weight_groups' | 'weight_group_size'>,
): LevelCodes {
  const { weight_quantizer: quantizer, weight_groups: rowGroups, weight_group_size: size } = options;
  if (quantizer === 'zero-one' || rowGroups !== undefined) {
    const found = rowGroups === undefined ? quantizer : `${rowGroups} groups of rows`;
    throw new Error(
      `level codes: levels must lie around zero and scales belong to tensors or rows, got ${found}.`,
    );
  }
  requireFinite('level codes', weights);
  const groups = groupsOf(rows, weights.length / rows, size ?? 'tensor');
  const { height, width, columns } = groups;
  const steps = new Float32Array(groupCount(groups));
  const codes = new Uint8Array(weights.length);
  const length = height * Math.min(width, columns);
  let levels = 0;
  steps.forEach((_, group) => {
    const part = weights.subarray(group * length, (group + 1) * length);
    const grid = weightGrid(quantizer, part);
    const isSign = grid.rule === 'sign';
    levels = isSign ? 2 : grid.high - grid.low + 1;
    steps[group] = isSign ? 2 * grid.scale : grid.scale;
    onGrid(grid, part).forEach((value, i) => {
      codes[group * length + i] = isSign ? (value + 1) / 2 : value - grid.low;
    });
  });
  return { levels, groups, steps, codes };
}

/** The weights that codes stand for, [rows, columns]. */
export function weightsOfCodes({ levels, groups, steps, codes }: LevelCodes): Float32Array {
  const middle = (levels - 1) / 2;
  const { columns } = groups;
  return Float32Array.from(
    codes,
    (code, i) => (code - middle) * steps[groupAt(groups, Math.floor(i / columns), i % columns)],
  );
}

/** Mean of −log₂(share) over all codes: bits a weight below which no code by frequencies can go. */
export function codeEntropy({ codes, levels }: Pick<LevelCodes, 'codes' | 'levels'>): number {
  const counts = new Float64Array(levels);
  for (const code of codes) counts[code]++;
  return counts.reduce((bits, count) => {
    const share = count / codes.length;
    return share > 0 ? bits - share * Math.log2(share) : bits;
  }, 0);
}
