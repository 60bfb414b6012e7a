/** Where the numbers of a GGUF header stand: a second, unguarded reading of the format, for sound files alone. */
import { SCALAR_BYTES } from '../gguf/llama-cpp-rules.js';
import type { HeaderField } from './mutations.js';

/** Of a long list only the first elements count: the tokens' lengths would outnumber everything else. */
const MAX_ELEMENTS = 8;

/** All counts, lengths, types, dimensions and offsets of a header. */
export function ggufFields(bytes: Buffer): HeaderField[] {
  const fields: HeaderField[] = [];
  let at = 0;
  const number = (width: 4 | 8, counts = true): number => {
    if (counts) fields.push({ at, bytes: width });
    at += width;
    return width === 8 ? Number(bytes.readBigUInt64LE(at - 8)) : bytes.readUInt32LE(at - 4);
  };
  const text = (counts: boolean): void => {
    const length = number(8, counts);
    at += length;
  };
  const value = (type: number, counts: boolean): void => {
    const width = SCALAR_BYTES[type];
    if (type === 8) text(counts);
    else if (width === 4 || width === 8) number(width, counts);
    else at += width;
  };
  number(4);
  number(4);
  const tensors = number(8);
  const pairs = number(8);
  for (let i = 0; i < pairs; i++) {
    text(true);
    const type = number(4);
    if (type === 9) {
      const elementType = number(4);
      const length = number(8);
      for (let j = 0; j < length; j++) value(elementType, j < MAX_ELEMENTS);
    } else value(type, true);
  }
  for (let i = 0; i < tensors; i++) {
    text(true);
    const rank = number(4);
    for (let j = 0; j < rank; j++) number(8);
    number(4);
    number(8);
  }
  return fields;
}
