/**
 * The kernel in plain TypeScript: the oracle of the two WebAssembly builds, and the kernel of last resort where there is
 * no SIMD. Written to be read, one weight at a time. Its integers are those of the other two exactly; its floats too,
 * since every sum runs in the same order and is rounded to float32 at every step.
 */
import { OPERATION_NAMES, type Operation, type OperationName, type Operations } from '../operations.js';
import {
  attention,
  attentionScores,
  attentionSoftmax,
  attentionValues,
  rotateAndCache,
} from './attention.js';
import { embed, floatProduct, floatProductOfRows, pairColumns } from './float-product.js';
import { layFloats, layTernarised, sumMagnitudes } from './lay-float.js';
import { clearGroups, countTrits, layI2S, layPacked, layTQ1, layTQ2 } from './lay-ternary.js';
import { gate, rmsNorm } from './norm-and-gate.js';
import { completeQuantized, quantize } from './quantized.js';
import { readMemory } from './read-memory.js';
import { boundLogits, layShortlist, quantizeForShortlist, sumExponentials } from './shortlist.js';
import { ternaryProduct } from './ternary-product.js';
import { viewsOf, type Views } from './views.js';

/** An operation before it is bound to a memory. Its parameters are all numbers. */
type Reference = (m: Views, from: number, to: number, scratch: number, ...args: never[]) => void;

const REFERENCES: Readonly<Record<OperationName, Reference>> = {
  attention,
  attentionScores,
  attentionSoftmax,
  attentionValues,
  boundLogits,
  clearGroups,
  completeQuantized,
  countTrits,
  embed,
  floatProduct,
  floatProductOfRows,
  gate,
  layFloats,
  layI2S,
  layPacked,
  layShortlist,
  layTernarised,
  layTQ1,
  layTQ2,
  pairColumns,
  quantize,
  readMemory,
  rmsNorm,
  rotateAndCache,
  sumExponentials,
  sumMagnitudes,
  ternaryProduct,
};

/** Binds the plain operations to a memory of less than 2 GiB. */
export function referenceOperations(buffer: SharedArrayBuffer): Operations {
  const views = viewsOf(buffer);
  return {
    table: OPERATION_NAMES.map((name) => REFERENCES[name].bind(null, views) as unknown as Operation),
    quantizeForShortlist: (x, columns, quantized) => quantizeForShortlist(views, x, columns, quantized),
  };
}
