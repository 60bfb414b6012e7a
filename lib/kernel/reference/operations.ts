/**
 * The kernel in plain TypeScript: the oracle of the two WebAssembly builds, and the kernel of last resort where there is
 * no SIMD. Written to be read, one weight at a time. Its integers are those of the other two exactly; its floats too,
 * since every sum runs in the same order and is rounded to float32 at every step.
 */
import {
  OPERATION_NAMES,
  PARAMETERS,
  type Operation,
  type OperationName,
  type OperationParameters,
  type Operations,
} from '../operations.js';
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
import type { Reference } from './reference.js';
import { readMemory } from './read-memory.js';
import { boundLogits, layShortlist, quantizeForShortlist, sumExponentials } from './shortlist.js';
import { ternaryProduct } from './ternary-product.js';
import { viewsOf, type Views } from './views.js';

const REFERENCES: { readonly [Name in OperationName]: Reference<Name> } = {
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
    table: OPERATION_NAMES.map((name) => bound(name, views)),
    quantizeForShortlist: (x, columns, quantized) => quantizeForShortlist(views, x, columns, quantized),
  };
}

/** An operation as threads call it: its parameters in their order, without their names. */
function bound<Name extends OperationName>(name: Name, views: Views): Operation {
  const names: readonly string[] = PARAMETERS[name];
  const compute: Reference<Name> = REFERENCES[name];
  return (from, to, scratch, ...args) => {
    const parameters = Object.fromEntries(names.map((parameter, i) => [parameter, args[i]]));
    compute(views, { from, to, scratch }, parameters as OperationParameters<Name>);
  };
}
