/** References of assembly/lay-float.ts. */
import {
  BLOCK_COLUMNS,
  FORMAT_BF16,
  FORMAT_F16,
  FORMAT_F32,
  STATUS_NOT_FINITE,
  STATUS_UNEQUAL_SCALES,
} from '../layout.js';
import { f32, f32FromBits, halfToFloat, saturate } from './float32.js';
import { floatGroupBytes } from './float-product.js';
import { storeCode } from './lay-ternary.js';
import type { Reference } from './reference.js';
import type { Views } from './views.js';
import { roundHalfToEven } from '../../rounding.js';

/** One value of a row-major matrix as it stands in a file. */
function sourceValue(m: Views, source: number, format: number, index: number): number {
  if (format === FORMAT_F32) return m.f32[source / 4 + index];
  const value = halfToFloat(format === FORMAT_BF16, m.u16[source / 2 + index]);
  // The infinities and NaN of f16, which halfToFloat makes numbers of; sums of magnitudes have to show them.
  return format === FORMAT_F16 && Math.abs(value) >= 65_536 ? value * Infinity : value;
}

/** Σ|w| of every row, in the order of the kernels: even and odd pairs apart. */
export const sumMagnitudes: Reference<'sumMagnitudes'> = (
  m,
  { from, to },
  { source, format, columns, sums, firstRow },
) => {
  for (let r = from; r < to; r++) {
    const lanes = [0, 0, 0, 0];
    for (let c = 0; c < columns; c++)
      lanes[c % 4] += Math.abs(sourceValue(m, source, format, r * columns + c));
    m.f64[sums / 8 + firstRow + r] = lanes[0] + lanes[2] + (lanes[1] + lanes[3]);
  }
};

/** clamp(round half to even of w · inverse, -1, 1). */
export const layTernarised: Reference<'layTernarised'> = (
  m,
  { from, to },
  { source, format, columns, values, blocks, firstRow, inverse, step, status },
) => {
  const factor = f32FromBits(inverse);
  const magnitude = f32FromBits(step);
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    for (let c = 0; c < blocks * BLOCK_COLUMNS; c++) {
      const w = c < columns ? sourceValue(m, source, format, r * columns + c) : 0;
      if (step !== 0 && w !== 0 && Math.abs(w) !== magnitude) {
        Atomics.or(m.i32, status / 4, STATUS_UNEQUAL_SCALES);
      }
      const trit = saturate(roundHalfToEven(f32(w * factor)), -1, 1);
      storeCode(m, values, blocks, row >> 2, row & 3, c, trit + 1);
    }
  }
};

/** Rows as they are, four side by side. */
export const layFloats: Reference<'layFloats'> = (
  m,
  { from, to },
  { source, format, columns, values, firstRow, status },
) => {
  const bytes = format === FORMAT_F32 ? 4 : 2;
  const perVector = 16 / bytes;
  for (let r = from; r < to; r++) {
    const row = firstRow + r;
    const target = values + (row >> 2) * floatGroupBytes(format, columns) + (row & 3) * 16;
    for (let c = 0; c < columns; c++) {
      const at = target + Math.floor(c / perVector) * 64 + (c % perVector) * bytes;
      const index = r * columns + c;
      if (format === FORMAT_F32) {
        m.u32[at / 4] = m.u32[source / 4 + index];
        if ((m.u32[at / 4] & 0x7f80_0000) === 0x7f80_0000) Atomics.or(m.i32, status / 4, STATUS_NOT_FINITE);
      } else {
        const exponent = format === FORMAT_BF16 ? 0x7f80 : 0x7c00;
        m.u16[at / 2] = m.u16[source / 2 + index];
        if ((m.u16[at / 2] & exponent) === exponent) Atomics.or(m.i32, status / 4, STATUS_NOT_FINITE);
      }
    }
  }
};
