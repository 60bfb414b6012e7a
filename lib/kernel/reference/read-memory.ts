/** Reference of assembly/read-memory.ts. */
import { READ_BYTES } from '../layout.js';
import type { Reference } from './reference.js';

/** The bitwise or of a range of memory. */
export const readMemory: Reference<'readMemory'> = (m, { from, to }, { address, sink }) => {
  let all = 0;
  const end = (address + to * READ_BYTES) / 4;
  for (let at = (address + from * READ_BYTES) / 4; at < end; at++) all |= m.i32[at];
  Atomics.or(m.i32, sink / 4, all);
};
