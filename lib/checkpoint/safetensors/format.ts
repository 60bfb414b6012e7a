/** The header of a safetensors file as it is written. */
import type { Dtype } from '../dtypes.js';
import { byteLength, LENGTH_BYTES } from './header.js';

/** Orders texts by their code units, the same on every machine whatever its language. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A tensor whose place is still to be given. */
export interface NamedTensor {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
}

/** Names of the dtypes by falling alignment, as the reference implementation orders tensors in a file. */
const DTYPE_ORDER: readonly Dtype[] = [
  'U64',
  'I64',
  'F64',
  'F32',
  'U32',
  'I32',
  'BF16',
  'F16',
  'U16',
  'I16',
  'I8',
  'U8',
  'BOOL',
];

/**
 * The start of a safetensors file, padded to 8 bytes, and the order in which the tensors' data follows it. Order and
 * spelling are those of the reference implementation, so the same tensors give the same bytes.
 */
export function formatSafetensorsHeader<T extends NamedTensor>(
  tensors: readonly T[],
  metadata?: Readonly<Record<string, string>>,
): { header: Uint8Array; order: T[] } {
  const rank = (tensor: T): number => DTYPE_ORDER.indexOf(tensor.dtype);
  const order = [...tensors].sort((a, b) => rank(a) - rank(b) || compareText(a.name, b.name));
  const entries: [string, unknown][] = [];
  if (metadata !== undefined) {
    const sorted = Object.entries(metadata).sort(([a], [b]) => compareText(a, b));
    entries.push(['__metadata__', Object.fromEntries(sorted)]);
  }
  let begin = 0;
  for (const { name, dtype, shape } of order) {
    const end = begin + byteLength(dtype, shape);
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  // Written pair by pair: an object would move names that look like numbers to the front.
  const json = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, LENGTH_BYTES);
  return { header, order };
}
