/**
 * Rotations that spread outliers over all features, so that few levels reach far enough: random signs, then a Hadamard
 * transform (QuIP#, arXiv 2402.04396, section 3; before o_proj and down_proj without the signs in BitNet v2, arXiv 2504.18415,
 * section 2). With R orthogonal W·x = (W·Rᵀ)·(R·x): in full precision nothing changes.
 *
 * A Hadamard matrix of Sylvester's kind has a power of two as its size. Other widths are rotated in blocks of the largest
 * power of two that divides them: of 96 features, 32 at a time.
 */
import { RandomStream } from '../random.js';

/** R = H · diag(signs), in blocks along the diagonal. */
export interface Rotation {
  /** +1 or −1 for each feature. */
  signs: Int8Array;
  /** Features that are mixed with each other: a power of two. */
  block: number;
}

/** A rotation of so many features; the same for the same seed. */
export function randomRotation(features: number, seed: number): Rotation {
  const stream = new RandomStream(seed, 'quantizer', features);
  const signs = Int8Array.from({ length: features }, () => (stream.below(2) === 0 ? -1 : 1));
  let block = 1;
  while (features % (2 * block) === 0) block *= 2;
  return { signs, block };
}

/**
 * Rotates every row: x → R·x. Rows of a weight matrix are rotated alike: row i of W·Rᵀ is R·wᵢ.
 * @param rows [count, features], row-major; kept
 * @throws Error where rows are of another length
 */
export function rotateRows<T extends Float32Array | Float64Array>(rows: T, { signs, block }: Rotation): T {
  const features = signs.length;
  if (rows.length % features !== 0) {
    throw new Error(`rotateRows: rows must have ${features} features, got ${rows.length} values.`);
  }
  const rotated = rows.map((value, i) => value * signs[i % features]) as T;
  const scale = 1 / Math.sqrt(block);
  for (let start = 0; start < rotated.length; start += block) hadamard(rotated, start, block, scale);
  return rotated;
}

/** Second moments of rotated inputs: R·M·Rᵀ. @param moments [features · features], symmetric */
export function rotateMoments(moments: Float64Array, rotation: Rotation): Float64Array {
  const once = rotateRows(moments, rotation); // M·Rᵀ
  const size = rotation.signs.length;
  const turned = moments.map((_, i) => once[(i % size) * size + Math.floor(i / size)]); // R·M
  return rotateRows(turned, rotation);
}

/** The fast Walsh–Hadamard transform in place: log₂(size) rounds of sums and differences. */
function hadamard(values: Float32Array | Float64Array, start: number, size: number, scale: number): void {
  for (let half = 1; half < size; half *= 2) {
    for (let i = start; i < start + size; i += 2 * half) {
      for (let k = i; k < i + half; k++) {
        const [a, b] = [values[k], values[k + half]];
        values[k] = a + b;
        values[k + half] = a - b;
      }
    }
  }
  for (let i = start; i < start + size; i++) values[i] *= scale;
}
