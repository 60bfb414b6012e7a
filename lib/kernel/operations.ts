/**
 * The operations of the kernel. Each exists three times: in the two WebAssembly builds (assembly/) and in plain
 * TypeScript (reference/). What each computes is said where it is written.
 */

/** What every operation takes after `from`, `to` and `scratch`, in that order. */
export const PARAMETERS = {
  attention: ['shape', 'queries', 'keys', 'values', 'position', 'out', 'outStride'],
  attentionScores: ['shape', 'queries', 'keys', 'length', 'scores'],
  attentionSoftmax: ['shape', 'length', 'scores'],
  attentionValues: ['shape', 'values', 'length', 'scores', 'out'],
  boundLogits: ['shortlist', 'columns', 'quantized', 'lower', 'upper'],
  clearGroups: ['values', 'blocks'],
  completeQuantized: ['quantized', 'blocks'],
  countTrits: ['values', 'blocks', 'counts'],
  embed: ['matrix', 'columns', 'ids', 'out', 'outStride'],
  floatProduct: ['matrices', 'count', 'columns', 'x', 'stride', 'tokens', 'out', 'outStride', 'mode'],
  floatProductOfRows: ['matrix', 'columns', 'x', 'ids', 'out'],
  gate: ['gateUp', 'stride', 'upOffset', 'columns', 'activation'],
  layFloats: ['source', 'format', 'columns', 'values', 'firstRow', 'status'],
  layI2S: ['source', 'columns', 'values', 'blocks', 'firstRow', 'status'],
  layPacked: ['source', 'columns', 'values', 'blocks', 'firstRow', 'status'],
  layShortlist: ['head', 'columns', 'shortlist', 'firstGroup'],
  layTernarised: ['source', 'format', 'columns', 'values', 'blocks', 'firstRow', 'inverse', 'step', 'status'],
  layTQ1: ['source', 'columns', 'values', 'blocks', 'firstRow', 'status', 'scaleCode'],
  layTQ2: ['source', 'columns', 'values', 'blocks', 'firstRow', 'status', 'scaleCode'],
  pairColumns: ['x', 'stride', 'columns', 'out', 'outStride'],
  quantize: ['x', 'stride', 'columns', 'quantized', 'blocks'],
  readMemory: ['address', 'sink'],
  rmsNorm: ['x', 'stride', 'columns', 'gain', 'epsilon', 'out', 'outStride'],
  rotateAndCache: [
    'shape',
    'qkv',
    'stride',
    'keyOffset',
    'valueOffset',
    'position',
    'queries',
    'keys',
    'values',
  ],
  sumExponentials: ['logits', 'count', 'out'],
  sumMagnitudes: ['source', 'format', 'columns', 'sums', 'firstRow'],
  ternaryProduct: ['matrices', 'count', 'blocks', 'quantized', 'tokens', 'out', 'outStride', 'mode'],
} as const;

export type OperationName = keyof typeof PARAMETERS;

/** The parameters of an operation by name: whole numbers; addresses are bytes from the start of memory. */
export type OperationParameters<Name extends OperationName> = Readonly<
  Record<(typeof PARAMETERS)[Name][number], number>
>;

/** Names in the order of their codes, which is what threads pass on. */
export const OPERATION_NAMES = Object.keys(PARAMETERS) as readonly OperationName[];

/** Codes by name. */
export const OPERATION_CODES: Readonly<Record<OperationName, number>> = Object.freeze(
  Object.fromEntries(OPERATION_NAMES.map((name, code) => [name, code])) as Record<OperationName, number>,
);

/** Most parameters of an operation after `from`, `to` and `scratch`. */
export const MAX_ARGUMENTS = 10;

/**
 * Computes items `from` to `to`.
 * @param scratch address of memory that only this thread uses
 */
export type Operation = (from: number, to: number, scratch: number, ...args: number[]) => void;

/** All operations on one memory, and the one that is never shared among threads. */
export interface Operations {
  /** By code. */
  readonly table: readonly Operation[];
  quantizeForShortlist(x: number, columns: number, quantized: number): number;
}
