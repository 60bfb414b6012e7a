/**
 * Rounding to a number of evenly spaced levels, for quantizing weights after training. Two to 255 levels lie
 * symmetrically around zero, from −reach to +reach; an odd number has zero among them. A reach serves the whole matrix,
 * one output channel (a row), or a group of neighbours within a row.
 */
import { roundHalfToEven } from '../rounding.js';
import { maxAbsolute, meanAbsolute } from './statistics.js';
import { QUANTIZER_EPSILON } from './weights.js';

/** Bits that weights are quantized to after training: those of BitNet's Table 3 (arXiv 2310.11453), 3 and 1.58. */
export const LEVEL_BITS = [8, 4, 3, 2, 1.58, 1] as const;
/** Bits that a grid may have: also 6, which files of small models take. */
export type LevelBits = (typeof LEVEL_BITS)[number] | 6;

/**
 * Levels of a width: 2^b − 1 from 3 bits on, so that zero is one of them (LLM.int8(), arXiv 2208.07339, section 2.1).
 * Two bits get all 4 levels, ±1/3 and ±1 of the reach: with 3 they would be 1.58 bits. 1.58 bits are −1, 0, 1; one bit
 * is the sign.
 */
const LEVELS: Readonly<Record<LevelBits, number>> = { 8: 255, 6: 63, 4: 15, 3: 7, 2: 4, 1.58: 3, 1: 2 };

/**
 * Where the outermost levels lie.
 * - `absmax`: at max|w|. Nothing is clipped.
 * - `absmean`: at mean|w| · max(1, √Q), Q being the steps from zero to the outermost level. At 1.58 bits that is b1.58's
 *   quantizer (arXiv 2402.17764, section 2), at 1 bit b1's without its centering, at 4 bits a4.8's (arXiv 2411.04965).
 */
export type ReachRule = 'absmax' | 'absmean';

/** What one reach serves; a number is the length of groups, of which the last of a row may be shorter. */
export type Granularity = 'tensor' | 'channel' | number;

/** The levels of one matrix. */
export interface LevelGrid {
  levels: number;
  /** Outermost level of each group, above 0: row after row, within a row from left to right. */
  reaches: Float64Array;
  groups: Groups;
}

/** How a matrix is cut into groups. */
export interface Groups {
  rows: number;
  columns: number;
  /** Of the groups that share a scale: their rows (one, or all) and columns. */
  height: number;
  width: number;
}

/**
 * Cuts a matrix.
 * @throws Error for a granularity that is neither a name nor a whole number from 1
 */
export function groupsOf(rows: number, columns: number, granularity: Granularity): Groups {
  if (granularity === 'tensor') return { rows, columns, height: rows, width: columns };
  if (granularity === 'channel') return { rows, columns, height: 1, width: columns };
  if (!Number.isInteger(granularity) || granularity < 1) {
    throw new Error(
      `levelGrid: granularity must be tensor, channel or a whole number from 1, got ${String(granularity)}.`,
    );
  }
  return { rows, columns, height: 1, width: Math.min(columns, granularity) };
}

/** Groups in all. */
export function groupCount({ rows, columns, height, width }: Groups): number {
  return (rows / height) * Math.ceil(columns / width);
}

/** Index of the group that a weight belongs to. */
export function groupAt({ columns, height, width }: Groups, row: number, column: number): number {
  return Math.floor(row / height) * Math.ceil(columns / width) + Math.floor(column / width);
}

/**
 * The grid of a matrix.
 * @param weights [rows, columns], row-major; finite
 * @param rows output channels; must divide the number of weights
 * @throws Error where rows do not divide, or a weight is not finite
 */
export function levelGrid(
  weights: Float32Array,
  rows: number,
  { bits, reach, granularity }: { bits: LevelBits; reach: ReachRule; granularity: Granularity },
): LevelGrid {
  const levels = LEVELS[bits];
  if (levels === undefined)
    throw new Error(`levelGrid: bits must be one of ${Object.keys(LEVELS).join(', ')}, got ${String(bits)}.`);
  if (!(Number.isInteger(rows) && rows > 0 && weights.length > 0 && weights.length % rows === 0)) {
    throw new Error(`levelGrid: rows must divide the ${weights.length} weights, got ${rows}.`);
  }
  const groups = groupsOf(rows, weights.length / rows, granularity);
  const { columns, height, width } = groups;
  const across = Math.ceil(columns / width);
  const reaches = Float64Array.from({ length: groupCount(groups) }, (_, group) => {
    const left = (group % across) * width;
    const start = Math.floor(group / across) * height * columns + left;
    // Groups of several rows take whole rows, so that every group lies in one piece.
    const size = height > 1 ? height * columns : Math.min(width, columns - left);
    const measure =
      reach === 'absmax'
        ? maxAbsolute(weights, start, size)
        : meanAbsolute(weights, start, size) * Math.sqrt(Math.max(1, (levels - 1) / 2));
    if (!Number.isFinite(measure))
      throw new Error(`levelGrid: weights must be finite, got ${measure} as ${reach} of group ${group}.`);
    return Math.max(measure, QUANTIZER_EPSILON);
  });
  return { levels, reaches, groups };
}

/** The code of the level nearest to a weight: 0 for the lowest, levels − 1 for the highest. */
export function nearestCode(weight: number, levels: number, reach: number): number {
  const step = (2 * reach) / (levels - 1);
  const outermost = (levels - 1) / 2;
  // Levels of an even number lie halfway between whole steps.
  const shift = levels % 2 === 0 ? 0.5 : 0;
  const index = roundHalfToEven(weight / step - shift) + shift;
  return Math.min(Math.max(index, -outermost), outermost) + outermost;
}

/** The weight that a code stands for. */
export function levelOf(code: number, levels: number, reach: number): number {
  return (code - (levels - 1) / 2) * ((2 * reach) / (levels - 1));
}

/** The level nearest to a weight. */
export function nearestLevel(weight: number, levels: number, reach: number): number {
  return levelOf(nearestCode(weight, levels, reach), levels, reach);
}

/** Every weight at its nearest level: round to nearest, as values, not integers. Same order as `weights`. */
export function roundToLevels(weights: Float32Array, { levels, reaches, groups }: LevelGrid): Float32Array {
  const { columns } = groups;
  return weights.map((weight, i) => {
    const group = groupAt(groups, Math.floor(i / columns), i % columns);
    return nearestLevel(weight, levels, reaches[group]);
  });
}
