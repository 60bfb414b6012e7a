/** Reference of assembly/ternary-product.ts: Σ trit · int8, one field after the other. */
import {
  BLOCK_BYTES,
  BLOCK_COLUMNS,
  GROUP_ROWS,
  MATRIX_BYTES,
  MATRIX_FIRST_GROUP,
  MATRIX_GROUPS,
  MATRIX_GROUP_STEP,
  MATRIX_OUT_OFFSET,
  MATRIX_ROW_STEP,
  MATRIX_SCALE,
  MATRIX_VALUES,
  QUANTIZED_HEADER_BYTES,
  RESULT_ADD,
  RESULT_INTEGERS,
} from '../layout.js';
import { f32 } from './float32.js';
import { quantizedStride } from './quantized.js';
import type { Reference } from './reference.js';
import type { Views } from './views.js';

/** Address of the 16 bytes that hold 64 columns of one row of a group. */
export function laneAddress(
  values: number,
  blocks: number,
  group: number,
  lane: number,
  block: number,
): number {
  return values + (group * blocks + block) * BLOCK_BYTES + lane * (BLOCK_BYTES / GROUP_ROWS);
}

/** y = Σ trit · int8, then · weight scale / activation scale. */
export const ternaryProduct: Reference<'ternaryProduct'> = (
  m,
  { from, to },
  { matrices, count, blocks, quantized, tokens, out, outStride, mode },
) => {
  for (let i = 0; i < count; i++) {
    const matrix = matrices + i * MATRIX_BYTES;
    const first = m.i32[(matrix + MATRIX_FIRST_GROUP) / 4];
    const end = Math.min(to, first + m.i32[(matrix + MATRIX_GROUPS) / 4]);
    const values = m.u32[(matrix + MATRIX_VALUES) / 4];
    for (let g = Math.max(from, first); g < end; g++) {
      for (let lane = 0; lane < GROUP_ROWS; lane++) {
        const row =
          (g - first) * m.i32[(matrix + MATRIX_GROUP_STEP) / 4] +
          lane * m.i32[(matrix + MATRIX_ROW_STEP) / 4];
        for (let t = 0; t < tokens; t++) {
          const record = quantized + t * quantizedStride(blocks);
          const sum = rowTimesVector(m, values, blocks, g - first, lane, record + QUANTIZED_HEADER_BYTES);
          const at = out / 4 + t * outStride + m.i32[(matrix + MATRIX_OUT_OFFSET) / 4] + row;
          if (mode === RESULT_INTEGERS) m.i32[at] = sum;
          else {
            const y = f32(f32(sum) * f32(m.f32[(matrix + MATRIX_SCALE) / 4] / m.f32[record / 4]));
            m.f32[at] = mode === RESULT_ADD ? m.f32[at] + y : y;
          }
        }
      }
    }
  }
};

function rowTimesVector(
  m: Views,
  values: number,
  blocks: number,
  group: number,
  lane: number,
  vector: number,
): number {
  let sum = 0;
  for (let b = 0; b < blocks; b++) {
    const bytes = laneAddress(values, blocks, group, lane, b);
    for (let j = 0; j < 16; j++) {
      const byte = m.u8[bytes + j];
      for (let k = 0; k < 4; k++) {
        const trit = ((byte >> (2 * k)) & 3) - 1;
        sum += trit * m.i8[vector + b * BLOCK_COLUMNS + 16 * k + j];
      }
    }
  }
  return sum;
}
