/** References of assembly/lay-ternary.ts and assembly/fields.ts: weights into the kernel's layout, one at a time. */
import { BLOCK_BYTES, BLOCK_COLUMNS, STATUS_INVALID_CODE, STATUS_UNEQUAL_SCALES } from '../layout.js';
import { laneAddress } from './ternary-product.js';
import type { OperationParameters } from '../operations.js';
import type { Reference, Share } from './reference.js';
import type { Views } from './views.js';

/** Stores the code (trit + 1) of one weight. */
export function storeCode(
  m: Views,
  values: number,
  blocks: number,
  group: number,
  lane: number,
  column: number,
  code: number,
): void {
  const block = Math.floor(column / BLOCK_COLUMNS);
  const rest = column % BLOCK_COLUMNS;
  const at = laneAddress(values, blocks, group, lane, block) + (rest % 16);
  const shift = 2 * Math.floor(rest / 16);
  m.u8[at] = (m.u8[at] & ~(3 << shift)) | (code << shift);
}

/** Groups to zeros. */
export const clearGroups: Reference<'clearGroups'> = (m, { from, to }, { values, blocks }) => {
  m.u8.fill(0x55, values + from * blocks * BLOCK_BYTES, values + to * blocks * BLOCK_BYTES);
};

/** Zeros and plus ones of groups, padding included. */
export const countTrits: Reference<'countTrits'> = (m, { from, to }, { values, blocks, counts }) => {
  for (let g = from; g < to; g++) {
    const found = [0, 0, 0, 0];
    const start = values + g * blocks * BLOCK_BYTES;
    for (let at = start; at < start + blocks * BLOCK_BYTES; at++) {
      for (let k = 0; k < 8; k += 2) found[(m.u8[at] >> k) & 3]++;
    }
    m.i32[counts / 4 + 2 * g] = found[1];
    m.i32[counts / 4 + 2 * g + 1] = found[2];
  }
};

function padColumns(
  m: Views,
  values: number,
  blocks: number,
  group: number,
  lane: number,
  columns: number,
): void {
  for (let c = columns; c < blocks * BLOCK_COLUMNS; c++) storeCode(m, values, blocks, group, lane, c, 1);
}

/** transformers' packed rows: a byte row is a group, and `firstRow` counts these. */
export const layPacked: Reference<'layPacked'> = (
  m,
  { from, to },
  { source, columns, values, blocks, firstRow, status },
) => {
  for (let r = from; r < to; r++) {
    for (let lane = 0; lane < 4; lane++) {
      for (let c = 0; c < columns; c++) {
        const code = (m.u8[source + r * columns + c] >> (2 * lane)) & 3;
        if (code === 3) Atomics.or(m.i32, status / 4, STATUS_INVALID_CODE);
        storeCode(m, values, blocks, firstRow + r, lane, c, code);
      }
      padColumns(m, values, blocks, firstRow + r, lane, columns);
    }
  }
};

/** Rows stored one after the other; `codeAt` gives one weight of a row. */
function layRows(
  m: Views,
  { from, to }: Share,
  { columns, values, blocks, firstRow, status }: OperationParameters<'layI2S'>,
  codeAt: (row: number, column: number) => number,
): void {
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    for (let c = 0; c < columns; c++) {
      const code = codeAt(r, c);
      if (code === 3) Atomics.or(m.i32, status / 4, STATUS_INVALID_CODE);
      storeCode(m, values, blocks, row >> 2, row & 3, c, code);
    }
    padColumns(m, values, blocks, row >> 2, row & 3, columns);
  }
}

/** I2_S rows: 128 weights of the flattened matrix in 32 bytes, high bits first. */
export const layI2S: Reference<'layI2S'> = (m, share, rows) => {
  layRows(m, share, rows, (r, c) => {
    const weight = r * rows.columns + c;
    const byte = m.u8[rows.source + Math.floor(weight / 128) * 32 + (weight % 32)];
    return (byte >> (6 - 2 * Math.floor((weight % 128) / 32))) & 3;
  });
};

/** TQ blocks: 0 says that all weights of the block are zero, whatever its codes; any other scale must be the matrix's. */
function isZeroBlock(
  m: Views,
  scaleAt: number,
  { scaleCode, status }: OperationParameters<'layTQ1'>,
): boolean {
  const code = m.u8[scaleAt] | (m.u8[scaleAt + 1] << 8);
  if ((code & 0x7fff) === 0) return true;
  if (code !== scaleCode) Atomics.or(m.i32, status / 4, STATUS_UNEQUAL_SCALES);
  return false;
}

/** TQ2_0 rows: 256 columns in 64 bytes, low bits first, and an f16 scale. */
export const layTQ2: Reference<'layTQ2'> = (m, share, rows) => {
  layRows(m, share, rows, (r, c) => {
    const block = rows.source + (r * (rows.columns / 256) + Math.floor(c / 256)) * 66;
    const rest = c % 256;
    const byte = m.u8[block + Math.floor(rest / 128) * 32 + (rest % 32)];
    const code = (byte >> (2 * Math.floor((rest % 128) / 32))) & 3;
    if (code === 3) return 3;
    return isZeroBlock(m, block + 64, rows) ? 1 : code;
  });
};

/** TQ1_0 rows: 256 columns in 52 bytes of base 3, and an f16 scale. */
export const layTQ1: Reference<'layTQ1'> = (m, share, rows) => {
  layRows(m, share, rows, (r, c) => {
    const block = rows.source + (r * (rows.columns / 256) + Math.floor(c / 256)) * 54;
    if (isZeroBlock(m, block + 52, rows)) return 1;
    const rest = c % 256;
    if (rest < 160) return digit(m.u8[block + (rest % 32)], Math.floor(rest / 32));
    if (rest < 240) return digit(m.u8[block + 32 + ((rest - 160) % 16)], Math.floor((rest - 160) / 16));
    return digit(m.u8[block + 48 + ((rest - 240) % 4)], Math.floor((rest - 240) / 4));
  });
};

function digit(byte: number, n: number): number {
  return (((byte * 3 ** n) % 256) * 3) >> 8;
}
