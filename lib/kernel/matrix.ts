/** Sizes of matrices and vectors in the kernel's layout, and the records by which products find them. */
import {
  BLOCK_BYTES,
  BLOCK_COLUMNS,
  FORMAT_F32,
  FORMAT_TERNARY,
  GROUP_ROWS,
  MATRIX_FIRST_GROUP,
  MATRIX_FORMAT,
  MATRIX_GROUPS,
  MATRIX_GROUP_STEP,
  MATRIX_OUT_OFFSET,
  MATRIX_ROW_STEP,
  MATRIX_SCALE,
  MATRIX_VALUES,
  QUANTIZED_HEADER_BYTES,
} from './layout.js';
import type { KernelName } from './kernel.js';

/** Which rows make a group: neighbours, or rows a quarter of the matrix apart (transformers' packed format). */
export type RowOrder = 'neighbours' | 'quarters';

/** A matrix `[rows, columns]` in the kernel's memory. */
export interface Matrix {
  rows: number;
  columns: number;
  /** One of the FORMAT_ numbers. */
  format: number;
  order: RowOrder;
  /** Address of the values. */
  values: number;
  /** Multiplies the integer product of a ternary matrix; 1 for the others. */
  scale: number;
}

/** Groups of four rows, the last one padded. */
export function groupCount(rows: number): number {
  return Math.ceil(rows / GROUP_ROWS);
}

/** Blocks of 64 columns, the last one padded. */
export function blockCount(columns: number): number {
  return Math.ceil(columns / BLOCK_COLUMNS);
}

/** Floats that a row of results takes, with room for the rows that pad the last group; on whole cache lines. */
export function paddedRow(columns: number): number {
  return blockCount(columns) * BLOCK_COLUMNS;
}

/** Bytes of a matrix's values. */
export function matrixBytes(rows: number, columns: number, format: number): number {
  if (format === FORMAT_TERNARY) return groupCount(rows) * blockCount(columns) * BLOCK_BYTES;
  return groupCount(rows) * Math.ceil(columns / 8) * 8 * (format === FORMAT_F32 ? 16 : 8);
}

/** Bytes from one token's quantized vector to the next. The plain SIMD kernel keeps 16-bit differences beside the bytes. */
export function quantizedBytes(kernel: KernelName, columns: number): number {
  return QUANTIZED_HEADER_BYTES + paddedRow(columns) * (kernel === 'simd' ? 3 : 1);
}

/** Row of a lane of a group. */
function rowOf(matrix: Pick<Matrix, 'rows' | 'order'>, group: number, lane: number): number {
  return matrix.order === 'neighbours' ? group * GROUP_ROWS + lane : group + lane * groupCount(matrix.rows);
}

/**
 * Writes the record of a matrix.
 * @param firstGroup groups of the matrices before it in the same product
 * @param outOffset floats from the start of a token's results to the first row's
 */
export function writeMatrix(
  view: DataView,
  address: number,
  matrix: Matrix,
  firstGroup: number,
  outOffset: number,
): void {
  const groups = groupCount(matrix.rows);
  const neighbours = matrix.order === 'neighbours';
  view.setInt32(address + MATRIX_FIRST_GROUP, firstGroup, true);
  view.setInt32(address + MATRIX_GROUPS, groups, true);
  view.setUint32(address + MATRIX_VALUES, matrix.values, true);
  view.setInt32(address + MATRIX_GROUP_STEP, neighbours ? GROUP_ROWS : 1, true);
  view.setInt32(address + MATRIX_ROW_STEP, neighbours ? 1 : groups, true);
  view.setInt32(address + MATRIX_OUT_OFFSET, outOffset, true);
  view.setFloat32(address + MATRIX_SCALE, matrix.scale, true);
  view.setInt32(address + MATRIX_FORMAT, matrix.format, true);
}

/**
 * The trits of a ternary matrix, read back from the kernel's layout.
 * @returns `[rows × columns]`, row-major, values -1, 0, 1
 */
export function readTrits(bytes: Uint8Array, kernel: KernelName, matrix: Matrix): Int8Array {
  const { rows, columns } = matrix;
  const blocks = blockCount(columns);
  const trits = new Int8Array(rows * columns);
  // The plain SIMD kernel holds the signed trit in the top field of odd bytes; adding one there makes the code.
  const topField = kernel === 'simd' ? 0x40 : 0;
  for (let g = 0; g < groupCount(rows); g++) {
    for (let lane = 0; lane < GROUP_ROWS; lane++) {
      const row = rowOf(matrix, g, lane);
      if (row >= rows) continue;
      for (let b = 0; b < blocks; b++) {
        const at = matrix.values + (g * blocks + b) * BLOCK_BYTES + lane * 16;
        for (let j = 0; j < 16; j++) {
          const byte = bytes[at + j] + (j % 2 === 1 ? topField : 0);
          for (let k = 0; k < 4; k++) {
            const column = b * BLOCK_COLUMNS + 16 * k + j;
            if (column < columns) trits[row * columns + column] = ((byte >> (2 * k)) & 3) - 1;
          }
        }
      }
    }
  }
  return trits;
}
