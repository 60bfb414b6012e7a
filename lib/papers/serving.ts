/**
 * Memory and time of serving by arithmetic: what weights and caches take, how many sequences fit beside the weights, and
 * how many tokens a second memory and arithmetic units allow. No measurement; the papers' own columns hold more, such as
 * workspaces that they do not itemise.
 */
import { embeddingWeights, linearWeights, type TransformerShape } from './shapes.js';

/** Bits that a weight of the layers takes: 16, or 2 for a trit. Embedding and output matrix take 16. */
export type WeightBits = 2 | 16 | 32;

/** Bytes of all weights: the layers' at `bits`, embedding and output matrix at 16 bits, or 32 beside 32. */
export function weightBytes(shape: TransformerShape, bits: WeightBits): number {
  return (linearWeights(shape) * bits) / 8 + embeddingWeights(shape) * (bits === 32 ? 4 : 2);
}

/** Bytes of keys and values of a sequence in 16 bits. */
export function cacheBytes(shape: TransformerShape, tokens: number): number {
  return 2 * 2 * shape.keyValueHeads * shape.headDim * shape.layers * tokens;
}

/** Devices that a model is spread over, all together. */
export interface Devices {
  bytes: number;
  /** Reading speed. */
  bytesPerSecond: number;
  /** Multiplications and additions in half precision, each counted. */
  operationsPerSecond: number;
}

/** Two A100 of 80 GB: 2.0 TB/s and 312 TFLOP/s each, by their maker's data sheet. */
export const TWO_A100: Devices = {
  bytes: 160e9,
  bytesPerSecond: 2 * 2.0e12,
  operationsPerSecond: 2 * 312e12,
};

/**
 * Sequences that fit beside the weights.
 * @param reservedBytes kept free for workspaces
 * @returns 0 where not even the weights fit
 */
export function largestBatch(
  shape: TransformerShape,
  bits: WeightBits,
  { tokens, devices, reservedBytes = 0 }: { tokens: number; devices: Devices; reservedBytes?: number },
): number {
  if (!(reservedBytes >= 0 && reservedBytes < devices.bytes)) {
    throw new Error(
      `largest batch: reservedBytes must be from 0 to the devices' ${devices.bytes}, got ${reservedBytes}.`,
    );
  }
  const left = devices.bytes - reservedBytes - weightBytes(shape, bits);
  return Math.max(0, Math.floor(left / cacheBytes(shape, tokens)));
}

/**
 * Tokens a second that the devices allow at most: in a step all weights and caches are read once, and every weight takes
 * one multiplication and one addition a sequence; the slower of the two decides.
 */
export function throughputLimit(
  shape: TransformerShape,
  bits: WeightBits,
  { batch, tokens, devices }: { batch: number; tokens: number; devices: Devices },
): { tokensPerSecond: number; limitedBy: 'memory' | 'arithmetic' } {
  const read = (weightBytes(shape, bits) + batch * cacheBytes(shape, tokens)) / devices.bytesPerSecond;
  const head = shape.vocabulary * shape.hidden;
  const computed = (2 * batch * (linearWeights(shape) + head)) / devices.operationsPerSecond;
  return {
    tokensPerSecond: batch / Math.max(read, computed),
    limitedBy: read > computed ? 'memory' : 'arithmetic',
  };
}
