/** Reference of assembly/quantized.ts. */
import { BLOCK_COLUMNS, QUANTIZED_CORRECTION, QUANTIZED_HEADER_BYTES } from '../layout.js';
import { f32, saturate } from './float32.js';
import type { Reference } from './reference.js';
import { roundHalfToEven } from '../../rounding.js';

/** Bytes from one token's quantized vector to the next. */
export function quantizedStride(blocks: number): number {
  return QUANTIZED_HEADER_BYTES + blocks * BLOCK_COLUMNS;
}

/** s = 127 / max(max|x|, 1e-5), q = round half to even of x · s (arXiv 2402.17764, section 2). */
export const quantize: Reference<'quantize'> = (m, share, { x, stride, columns, quantized, blocks }) => {
  const { from, to } = share;
  for (let t = from; t < to; t++) {
    const row = x / 4 + t * stride;
    const record = quantized + t * quantizedStride(blocks);
    let absmax = 0;
    for (let c = 0; c < columns; c++) absmax = Math.max(absmax, Math.abs(m.f32[row + c]));
    const scale = f32(127 / Math.max(absmax, f32(1e-5)));
    m.f32[record / 4] = scale;
    const values = record + QUANTIZED_HEADER_BYTES;
    for (let c = 0; c < columns; c++) {
      m.i8[values + c] = saturate(roundHalfToEven(f32(m.f32[row + c] * scale)), -128, 127);
    }
    m.i8.fill(0, values + columns, values + blocks * BLOCK_COLUMNS);
  }
  completeQuantized(m, share, { quantized, blocks });
};

/** The correction: this product works on the trits themselves and has nothing to subtract. */
export const completeQuantized: Reference<'completeQuantized'> = (m, { from, to }, { quantized, blocks }) => {
  for (let t = from; t < to; t++) {
    m.i32[(quantized + t * quantizedStride(blocks) + QUANTIZED_CORRECTION) / 4] = 0;
  }
};
