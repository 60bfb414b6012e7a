/** Sizes of the encodings: how many bytes a tensor takes, and which shapes an encoding can hold. */
import type { TensorEncoding, TernaryEncoding } from './checkpoint.js';
import { DTYPE_BYTES } from './dtypes.js';
import { countValues } from '../shape.js';

/** Weights in a block of ggml's ternary types; a block never crosses a row. */
export const TQ_BLOCK_WEIGHTS = 256;
/** Bytes of a block, its 16-bit scale included. */
export const TQ_BLOCK_BYTES: { readonly TQ2_0: 66; readonly TQ1_0: 54 } = { TQ2_0: 66, TQ1_0: 54 };
/** Weights that I2_S packs together, counted along the flattened matrix. */
export const I2S_GROUP_WEIGHTS = 128;
/** Bytes behind the weights of an I2_S tensor: the scale as F32, and padding. Generic size tables forget them. */
export const I2S_TAIL_BYTES = 32;
/** Weights in a byte of the two-bit encodings. */
export const WEIGHTS_PER_BYTE = 4;

/** Whether the weights of an encoding are -1, 0 and +1. */
export function isTernary(encoding: TensorEncoding): encoding is TernaryEncoding {
  return encoding !== 'F32' && encoding !== 'F16' && encoding !== 'BF16';
}

/** Why an encoding cannot hold a shape, for an error message; undefined if it can. */
export interface ShapeProblem {
  what: string;
  expected: string;
  found: string;
}

/** Checks a shape against what the encoding packs together. @param shape `[out, in]` for the ternary encodings */
export function shapeProblem(encoding: TensorEncoding, shape: readonly number[]): ShapeProblem | undefined {
  if (!isTernary(encoding)) return undefined;
  if (shape.length !== 2) {
    return { what: 'shape', expected: `[out, in] for ${encoding}`, found: `[${shape.join(', ')}]` };
  }
  const [out, input] = shape;
  const [what, found, divisor] = {
    packed: ['number of rows (out)', out, WEIGHTS_PER_BYTE] as const,
    I2_S: ['number of weights (out · in)', out * input, I2S_GROUP_WEIGHTS] as const,
    TQ2_0: ['row length (in)', input, TQ_BLOCK_WEIGHTS] as const,
    TQ1_0: ['row length (in)', input, TQ_BLOCK_WEIGHTS] as const,
  }[encoding];
  if (found % divisor === 0) return undefined;
  return { what, expected: `a multiple of ${divisor} for ${encoding}`, found: `${found}` };
}

/** Bytes of `values` values in a file, scales and tails included. */
const BYTES_OF: { readonly [E in TensorEncoding]: (values: number) => number } = {
  F32: (values) => values * DTYPE_BYTES.F32,
  F16: (values) => values * DTYPE_BYTES.F16,
  BF16: (values) => values * DTYPE_BYTES.BF16,
  packed: (values) => values / WEIGHTS_PER_BYTE,
  I2_S: (values) => values / WEIGHTS_PER_BYTE + I2S_TAIL_BYTES,
  TQ2_0: (values) => (values / TQ_BLOCK_WEIGHTS) * TQ_BLOCK_BYTES.TQ2_0,
  TQ1_0: (values) => (values / TQ_BLOCK_WEIGHTS) * TQ_BLOCK_BYTES.TQ1_0,
};

/**
 * Bytes of a tensor in a file, scales and tails included.
 * @returns infinite if the count cannot be held exactly, so that a comparison with a file's size fails
 */
export function encodedBytes(encoding: TensorEncoding, shape: readonly number[]): number {
  const values = countValues(shape);
  return Number.isSafeInteger(values * DTYPE_BYTES.F32) ? BYTES_OF[encoding](values) : Infinity;
}
