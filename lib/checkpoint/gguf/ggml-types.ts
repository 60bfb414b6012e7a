/** ggml's codes for the types of tensors in a GGUF file. */
import type { TensorEncoding } from '../checkpoint.js';

/** The types this project reads and writes. I2_S is a code of bitnet.cpp's fork; mainline ggml has dropped it. */
export const GGML_TYPES: Readonly<Record<GgmlEncoding, number>> = {
  F32: 0,
  F16: 1,
  BF16: 30,
  TQ1_0: 34,
  TQ2_0: 35,
  I2_S: 36,
};

/** Encodings that a GGUF file may hold. */
export type GgmlEncoding = Exclude<TensorEncoding, 'packed'>;

/** Types that other programs write, so that an error can call them by name. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  37: 'I8_S',
  38: 'TL1',
  39: 'TL2 or MXFP4',
};

const ENCODINGS: ReadonlyMap<number, GgmlEncoding> = new Map(
  Object.entries(GGML_TYPES).map(([encoding, code]) => [code, encoding as GgmlEncoding]),
);

/** The encoding that a type's code stands for; undefined for one that this project does not read. */
export function ggmlEncoding(type: number): GgmlEncoding | undefined {
  return ENCODINGS.get(type);
}

/** Name and code of a type, for an error message. */
export function describeGgmlType(type: number): string {
  const name = ENCODINGS.get(type) ?? OTHER_TYPES[type];
  return name === undefined ? `the unknown type ${type}` : `${name} (type ${type})`;
}
