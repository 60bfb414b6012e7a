/** References of assembly/float-product.ts and assembly/embedding.ts. */
import {
  FORMAT_BF16,
  FORMAT_F32,
  GROUP_ROWS,
  MATRIX_BYTES,
  MATRIX_FIRST_GROUP,
  MATRIX_FORMAT,
  MATRIX_GROUPS,
  MATRIX_GROUP_STEP,
  MATRIX_OUT_OFFSET,
  MATRIX_ROW_STEP,
  MATRIX_VALUES,
  RESULT_ADD,
} from '../layout.js';
import { f32, halfToFloat, sumLanes } from './float32.js';
import type { Reference } from './reference.js';
import type { Views } from './views.js';

/** Bytes of a group of four rows; columns are padded to a multiple of eight. */
export function floatGroupBytes(format: number, columns: number): number {
  return Math.ceil(columns / 8) * 8 * (format === FORMAT_F32 ? 16 : 8);
}

/** One weight of a group. */
export function readFloat(m: Views, group: number, format: number, lane: number, column: number): number {
  if (format === FORMAT_F32)
    return m.f32[(group + Math.floor(column / 4) * 64 + lane * 16) / 4 + (column % 4)];
  const code = m.u16[(group + Math.floor(column / 8) * 64 + lane * 16) / 2 + (column % 8)];
  return halfToFloat(format === FORMAT_BF16, code);
}

/** Where a column's value lies in a vector in paired order; straight for f32. */
function pairedPlace(format: number, column: number): number {
  return format === FORMAT_F32 ? column : column - (column % 8) + 4 * (column % 2) + ((column % 8) >> 1);
}

function rowTimesFloats(
  m: Views,
  group: number,
  format: number,
  lane: number,
  columns: number,
  x: number,
): number {
  const lanes = new Float32Array(format === FORMAT_F32 ? 4 : 8);
  const padded = Math.ceil(columns / 8) * 8;
  for (let c = 0; c < padded; c++) {
    const product = f32(readFloat(m, group, format, lane, c) * m.f32[x / 4 + pairedPlace(format, c)]);
    lanes[pairedPlace(format, c) % lanes.length] += product;
  }
  if (format === FORMAT_F32) return sumLanes(lanes);
  return sumLanes([0, 1, 2, 3].map((i) => f32(lanes[i] + lanes[i + 4])));
}

/** Float matrices times vectors. */
export const floatProduct: Reference<'floatProduct'> = (
  m,
  { from, to },
  { matrices, count, columns, x, stride, tokens, out, outStride, mode },
) => {
  for (let i = 0; i < count; i++) {
    const matrix = (matrices + i * MATRIX_BYTES) / 4;
    const first = m.i32[matrix + MATRIX_FIRST_GROUP / 4];
    const end = Math.min(to, first + m.i32[matrix + MATRIX_GROUPS / 4]);
    const format = m.i32[matrix + MATRIX_FORMAT / 4];
    for (let g = Math.max(from, first); g < end; g++) {
      const group = m.u32[matrix + MATRIX_VALUES / 4] + (g - first) * floatGroupBytes(format, columns);
      for (let lane = 0; lane < GROUP_ROWS; lane++) {
        const row =
          (g - first) * m.i32[matrix + MATRIX_GROUP_STEP / 4] + lane * m.i32[matrix + MATRIX_ROW_STEP / 4];
        for (let t = 0; t < tokens; t++) {
          const y = rowTimesFloats(m, group, format, lane, columns, x + 4 * t * stride);
          const at = out / 4 + t * outStride + m.i32[matrix + MATRIX_OUT_OFFSET / 4] + row;
          m.f32[at] = mode === RESULT_ADD ? m.f32[at] + y : y;
        }
      }
    }
  }
};

/** Rows picked by number, times one vector. */
export const floatProductOfRows: Reference<'floatProductOfRows'> = (
  m,
  { from, to },
  { matrix, columns, x, ids, out },
) => {
  const format = m.i32[(matrix + MATRIX_FORMAT) / 4];
  for (let i = from; i < to; i++) {
    const row = m.i32[ids / 4 + i];
    const group = m.u32[(matrix + MATRIX_VALUES) / 4] + (row >> 2) * floatGroupBytes(format, columns);
    m.f32[out / 4 + i] = rowTimesFloats(m, group, format, row & 3, columns, x);
  }
};

/** Of every eight columns first the four even, then the four odd ones. */
export const pairColumns: Reference<'pairColumns'> = (
  m,
  { from, to },
  { x, stride, columns, out, outStride },
) => {
  for (let t = from; t < to; t++) {
    for (let c = 0; c < columns; c++) {
      m.f32[out / 4 + t * outStride + pairedPlace(FORMAT_BF16, c)] = m.f32[x / 4 + t * stride + c];
    }
  }
};

/** Rows of the embedding matrix. */
export const embed: Reference<'embed'> = (m, { from, to }, { matrix, columns, ids, out, outStride }) => {
  const format = m.i32[(matrix + MATRIX_FORMAT) / 4];
  for (let t = from; t < to; t++) {
    const id = m.i32[ids / 4 + t];
    const group = m.u32[(matrix + MATRIX_VALUES) / 4] + (id >> 2) * floatGroupBytes(format, columns);
    for (let c = 0; c < columns; c++)
      m.f32[out / 4 + t * outStride + c] = readFloat(m, group, format, id & 3, c);
  }
};
