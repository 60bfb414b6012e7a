/**
 * The operations of the kernel. Each exists three times: in the two WebAssembly builds (assembly/) and in plain
 * TypeScript (reference/). What each computes is said where it is written.
 */

/** Names, in the order of their codes; a thread is told the code. */
export const OPERATION_NAMES = [
  'attention',
  'attentionScores',
  'attentionSoftmax',
  'attentionValues',
  'boundLogits',
  'clearGroups',
  'completeQuantized',
  'countTrits',
  'embed',
  'floatProduct',
  'floatProductOfRows',
  'gate',
  'layFloats',
  'layI2S',
  'layPacked',
  'layShortlist',
  'layTernarised',
  'layTQ1',
  'layTQ2',
  'pairColumns',
  'quantize',
  'readMemory',
  'rmsNorm',
  'rotateAndCache',
  'sumExponentials',
  'sumMagnitudes',
  'ternaryProduct',
] as const;
export type OperationName = (typeof OPERATION_NAMES)[number];

/** Codes by name: what `Team.run` takes. */
export const Op: Readonly<Record<OperationName, number>> = Object.freeze(
  Object.fromEntries(OPERATION_NAMES.map((name, code) => [name, code])) as Record<OperationName, number>,
);

/** Most parameters of an operation after `from`, `to` and `scratch`. */
export const MAX_ARGUMENTS = 10;

/**
 * Computes items `from` to `to`. Every parameter is a whole number; addresses are bytes from the start of memory.
 * @param scratch address of memory that only this thread uses
 */
export type Operation = (from: number, to: number, scratch: number, ...args: number[]) => void;

/** All operations on one memory, and the one that is never shared among threads. */
export interface Operations {
  /** By code. */
  readonly table: readonly Operation[];
  quantizeForShortlist(x: number, columns: number, quantized: number): number;
}
