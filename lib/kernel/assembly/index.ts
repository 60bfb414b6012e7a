// What the kernel offers. Every operation computes items `from` to `to` of its work, so that threads can share it, and
// has `scratch`, memory of its own thread, as third parameter. The plain TypeScript of lib/kernel/reference/ is the
// oracle of every one of them.
export { attention, attentionScores, attentionSoftmax, attentionValues } from './attention';
export { embed } from './embedding';
export { clearGroups, countTrits } from './fields';
export { floatProduct, floatProductOfRows, pairColumns } from './float-product';
export { gate } from './gate';
export { layFloats, layTernarised, sumMagnitudes } from './lay-float';
export { layI2S, layPacked, layTQ1, layTQ2 } from './lay-ternary';
export { sumExponentials } from './log-sum-exp';
export { rmsNorm } from './norm';
export { completeQuantized, quantize } from './quantized';
export { readMemory } from './read-memory';
export { rotateAndCache } from './rope';
export { boundLogits, layShortlist, quantizeForShortlist } from './shortlist';
export { ternaryProduct } from './ternary-product';
