// The gated feed-forward: relu(gate)² · up (2B4T), or silu(gate) · up (b1.58).
import { GATE_COLUMNS, GATE_RELU2 } from '../layout';
import { exponential } from './exponential';

/**
 * Items `from` to `to`, each GATE_COLUMNS columns of one token.
 * @param gateUp `[tokens][stride]`: gate at the start of a row, up from float `upOffset`; the product replaces the gate.
 * Both have room up to a whole multiple of four columns.
 */
export function gate(
  from: i32,
  to: i32,
  scratch: usize,
  gateUp: usize,
  stride: i32,
  upOffset: i32,
  columns: i32,
  activation: i32,
): void {
  const parts = (columns + GATE_COLUMNS - 1) / GATE_COLUMNS;
  for (let item = from; item < to; item++) {
    const row = gateUp + ((<usize>(item / parts) * <usize>stride) << 2);
    const start = (item % parts) * GATE_COLUMNS;
    const end = min(start + GATE_COLUMNS, columns);
    for (let c = start; c < end; c += 4) {
      const at = row + ((<usize>c) << 2);
      const g = v128.load(at);
      const u = v128.load(at + ((<usize>upOffset) << 2));
      if (activation == GATE_RELU2) {
        const positive = f32x4.max(g, f32x4.splat(0));
        v128.store(at, f32x4.mul(f32x4.mul(positive, positive), u));
      } else {
        const one = f32x4.splat(1);
        v128.store(at, f32x4.mul(f32x4.div(g, f32x4.add(one, exponential(f32x4.neg(g)))), u));
      }
    }
  }
}
