/**
 * Ternary matrices packed and unpacked, plainly: what the fast repackers of the kernel are checked against. How each
 * layout places the weights: packing-layouts.ts.
 */
import type { TernaryEncoding } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { encodedBytes, shapeProblem } from './encodings.js';
import { PACKERS, UNPACKERS, type PackedSource, type TernaryMatrix } from './packing-layouts.js';

const IN_MEMORY: PackedSource = { file: 'memory', tensor: 'a matrix', byteOffset: 0 };

/**
 * Packs a ternary matrix.
 * @param matrix its scale is stored in the encoding's precision (F32 in I2_S, F16 in TQ2_0 and TQ1_0, not in packed)
 * @throws CheckpointError for a shape that the encoding cannot hold; RangeError for values other than -1, 0 and 1
 */
export function packTernary(
  encoding: TernaryEncoding,
  matrix: TernaryMatrix,
  source: PackedSource = IN_MEMORY,
): Uint8Array {
  const { values, shape } = matrix;
  requireShape('pack', encoding, shape, source);
  if (values.length !== shape[0] * shape[1]) {
    throw new RangeError(
      `pack: ${source.tensor} must have ${shape[0] * shape[1]} values, got ${values.length}.`,
    );
  }
  // One of the two differences is negative for any other integer. No jump a weight: two billion pass through here.
  let signs = 0;
  for (let i = 0; i < values.length; i++) signs |= (values[i] + 1) | (1 - values[i]);
  if (signs < 0) {
    const i = values.findIndex((value) => value < -1 || value > 1);
    throw new RangeError(
      `pack: weights must be -1, 0 or 1, got ${values[i]} at index ${i} of ${source.tensor}.`,
    );
  }
  const bytes = new Uint8Array(encodedBytes(encoding, shape));
  PACKERS[encoding](matrix, bytes);
  return bytes;
}

/**
 * Unpacks a ternary matrix.
 * @param bytes the tensor as it stands in the file, scales and tails included
 * @param shape `[out, in]`
 * @throws CheckpointError for bytes that no packing writes, such as code 3, and for scales that differ within a matrix
 */
export function unpackTernary(
  encoding: TernaryEncoding,
  bytes: Uint8Array,
  shape: readonly [out: number, input: number],
  source: PackedSource = IN_MEMORY,
): TernaryMatrix {
  requireShape('unpack', encoding, shape, source);
  const wanted = encodedBytes(encoding, shape);
  if (bytes.length !== wanted) {
    const { file, tensor } = source;
    const expected = `${wanted} bytes of ${encoding} for [${shape.join(', ')}]`;
    throw new CheckpointError({
      operation: 'unpack',
      file,
      tensor,
      what: 'data',
      expected,
      found: `${bytes.length}`,
    });
  }
  const values = new Int8Array(shape[0] * shape[1]);
  const scale = UNPACKERS[encoding](bytes, { values, shape }, source);
  return scale === undefined ? { values, shape } : { values, shape, scale };
}

function requireShape(
  operation: string,
  encoding: TernaryEncoding,
  shape: readonly number[],
  { file, tensor }: PackedSource,
): void {
  const problem = shapeProblem(encoding, shape);
  if (problem === undefined) return;
  const others = (['packed', 'I2_S', 'TQ2_0'] as const).filter(
    (other) => shapeProblem(other, shape) === undefined,
  );
  const hint =
    others.length > 0 ? `${others.join(' and ')} can hold it.` : 'No ternary encoding can hold this shape.';
  throw new CheckpointError({ operation, file, tensor, ...problem, hint });
}
