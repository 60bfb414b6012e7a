/** References of assembly/norm.ts and assembly/gate.ts. */
import { GATE_COLUMNS, GATE_RELU2 } from '../layout.js';
import { exponential, f32, f32FromBits, sumLanes } from './float32.js';
import type { Reference } from './reference.js';

/** x · rsqrt(mean(x²) + ε) · gain. */
export const rmsNorm: Reference<'rmsNorm'> = (
  m,
  { from, to },
  { x, stride, columns, gain, epsilon, out, outStride },
) => {
  for (let t = from; t < to; t++) {
    const row = x / 4 + t * stride;
    const target = out / 4 + t * outStride;
    const mean = f32(sumOfSquares(m.f32, row, columns) / columns);
    const factor = f32(1 / f32(Math.sqrt(f32(mean + f32FromBits(epsilon)))));
    for (let c = 0; c < columns; c++) {
      m.f32[target + c] = f32(f32(m.f32[row + c] * factor) * m.f32[gain / 4 + c]);
    }
  }
};

function sumOfSquares(x: Float32Array, row: number, columns: number): number {
  const lanes = new Float32Array(16);
  const whole = columns - (columns % 16);
  for (let c = 0; c < whole; c++) lanes[c % 16] += f32(x[row + c] * x[row + c]);
  const four = Array.from({ length: 4 }, (_, i) =>
    f32(f32(lanes[i] + lanes[i + 8]) + f32(lanes[i + 4] + lanes[i + 12])),
  );
  let sum = sumLanes(four);
  for (let c = whole; c < columns; c++) sum = f32(sum + f32(x[row + c] * x[row + c]));
  return sum;
}

/** relu(gate)² · up, or silu(gate) · up; the product replaces the gate. */
export const gate: Reference<'gate'> = (
  m,
  { from, to },
  { gateUp, stride, upOffset, columns, activation },
) => {
  const parts = Math.ceil(columns / GATE_COLUMNS);
  for (let item = from; item < to; item++) {
    const row = gateUp / 4 + Math.floor(item / parts) * stride;
    const start = (item % parts) * GATE_COLUMNS;
    for (let c = start; c < Math.min(start + GATE_COLUMNS, columns); c++) {
      const g = m.f32[row + c];
      const u = m.f32[row + upOffset + c];
      const positive = Math.max(g, 0);
      m.f32[row + c] =
        activation === GATE_RELU2 ? f32(positive * positive) * u : f32(g / f32(1 + exponential(-g))) * u;
    }
  }
};
