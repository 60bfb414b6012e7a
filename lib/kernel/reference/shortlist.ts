/** References of assembly/shortlist.ts, where the bounds are proven, and of assembly/log-sum-exp.ts. */
import { LOGIT_BLOCK, MATRIX_FORMAT, MATRIX_VALUES } from '../layout.js';
import { exponential, f32, sumLanes } from './float32.js';
import { floatGroupBytes, readFloat } from './float-product.js';
import type { Reference } from './reference.js';
import type { Views } from './views.js';
import { roundHalfToEven } from '../../rounding.js';

const SMALLEST_ABSMAX = 2 ** -30;
const EPSILON = f32(1.1920929e-7);

function shortlistGroupBytes(columns: number): number {
  return columns * 4 + 64;
}

/** Int8 copies of groups of the head. */
export const layShortlist: Reference<'layShortlist'> = (
  m,
  { from, to },
  { head, columns, shortlist, firstGroup },
) => {
  const format = m.i32[(head + MATRIX_FORMAT) / 4];
  const slack = f32(1 + f32(columns * EPSILON));
  for (let g = firstGroup + from; g < firstGroup + to; g++) {
    const group = m.u32[(head + MATRIX_VALUES) / 4] + g * floatGroupBytes(format, columns);
    const target = shortlist + g * shortlistGroupBytes(columns);
    for (let r = 0; r < 4; r++) {
      const row = Float32Array.from({ length: columns }, (_, c) => readFloat(m, group, format, r, c));
      const absmax = row.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      const small = absmax < SMALLEST_ABSMAX;
      const scale = small ? 0 : f32(absmax / 127);
      const inverse = small ? 0 : f32(127 / absmax);
      const norm = new Float32Array(4);
      const error = new Float32Array(4);
      row.forEach((w, c) => {
        const q = roundHalfToEven(f32(w * inverse));
        const e = f32(w - f32(q * scale));
        norm[c % 4] += f32(w * w);
        error[c % 4] += f32(e * e);
        m.i8[target + Math.floor(c / 16) * 64 + r * 16 + (c % 16)] = q;
      });
      const longest = f32(
        (small ? f32(absmax * f32(Math.sqrt(columns))) : f32(Math.sqrt(sumLanes(norm)))) * slack,
      );
      const wrong = small
        ? longest
        : f32(f32(f32(Math.sqrt(sumLanes(error))) * slack) + f32(longest * EPSILON));
      const trailer = (target + 4 * columns) / 4 + r;
      m.f32[trailer] = scale;
      m.f32[trailer + 4] = wrong;
      m.f32[trailer + 8] = longest;
    }
  }
};

/** The vector in 16 bits, and its norms. Returns 0 for a vector without a bound. */
export function quantizeForShortlist(m: Views, x: number, columns: number, quantized: number): number {
  let absmax = 0;
  let sum = 0;
  let squares = 0;
  for (let c = 0; c < columns; c++) {
    const value = m.f32[x / 4 + c];
    absmax = Math.max(absmax, Math.abs(value));
    sum += Math.abs(value);
    squares += value * value;
  }
  if (!(absmax > 1e-15 && absmax < 1e15)) return 0;
  const inverse = Math.min(32767 / absmax, (16_909_000 - columns) / sum);
  const step = f32(1 / inverse);
  let missed = 0;
  for (let c = 0; c < columns; c++) {
    const value = m.f32[x / 4 + c];
    const p = roundHalfToEven(value * inverse);
    m.i16[quantized / 2 + c] = p;
    missed += (value - step * p) ** 2;
  }
  const trailer = (quantized + 2 * columns) / 4;
  const error = Math.sqrt(missed) * 1.000001;
  m.f32[trailer] = step;
  m.f32[trailer + 1] = (Math.sqrt(squares) + error) * 1.000001;
  m.f32[trailer + 2] = error;
  return 1;
}

/** The ends of each logit's interval. */
export const boundLogits: Reference<'boundLogits'> = (
  m,
  { from, to },
  { shortlist, columns, quantized, lower, upper },
) => {
  const trailer = (quantized + 2 * columns) / 4;
  const [step, reach, missed] = m.f32.subarray(trailer, trailer + 3);
  const rounding = f32(reach * f32(f32(columns * f32(5.9604645e-8)) + f32(9.5367432e-7)));
  for (let g = from; g < to; g++) {
    const group = shortlist + g * shortlistGroupBytes(columns);
    for (let r = 0; r < 4; r++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) {
        sum += m.i8[group + Math.floor(c / 16) * 64 + r * 16 + (c % 16)] * m.i16[quantized / 2 + c];
      }
      const row = (group + 4 * columns) / 4 + r;
      const [scale, wrong, longest] = [m.f32[row], m.f32[row + 4], m.f32[row + 8]];
      const logit = f32(f32(sum) * f32(scale * step));
      let bound = f32(f32(wrong * reach) + f32(longest * missed));
      bound = f32(bound + f32(f32(longest + wrong) * rounding));
      bound = f32(bound + 2 ** -100);
      m.f32[lower / 4 + 4 * g + r] = logit - bound;
      m.f32[upper / 4 + 4 * g + r] = logit + bound;
    }
  }
};

/** Blocks of logits: the largest, and Σ e^(logit - largest). */
export const sumExponentials: Reference<'sumExponentials'> = (m, { from, to }, { logits, count, out }) => {
  for (let block = from; block < to; block++) {
    const start = logits / 4 + block * LOGIT_BLOCK;
    const length = Math.min(LOGIT_BLOCK, count - block * LOGIT_BLOCK);
    const whole = length - (length % 4);
    let top = -Infinity;
    for (let i = 0; i < length; i++) top = Math.max(top, m.f32[start + i]);
    const lanes = [0, 0, 0, 0];
    for (let i = 0; i < whole; i++) lanes[i % 4] += exponential(f32(m.f32[start + i] - top));
    let sum = lanes[0] + lanes[2] + (lanes[1] + lanes[3]);
    for (let i = whole; i < length; i++) sum += exponential(f32(m.f32[start + i] - top));
    m.f64[out / 8 + 2 * block] = top;
    m.f64[out / 8 + 2 * block + 1] = sum;
  }
};
