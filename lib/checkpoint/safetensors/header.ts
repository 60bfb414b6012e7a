/**
 * The header of a safetensors file: 8 bytes with its length (little-endian), then JSON that gives each tensor's dtype,
 * shape and place, then the data. The header is untrusted: whatever it claims is held against the file's size, and the
 * tensors have to cover the data from end to end, as the format's reference implementation demands.
 */
import { quote } from '../../io/quote.js';
import { CheckpointError } from '../checkpoint-error.js';
import { parseModestJson } from '../../io/json.js';
import { DTYPE_BYTES, isDtype, type Dtype } from '../dtypes.js';
import { repeatedKey } from './repeated-key.js';
import { countValues } from '../../shape.js';
import { isObject } from '../../io/is-object.js';

/** Real headers hold some 100 bytes a tensor; parsed, one can take twenty times its size. */
const MAX_HEADER_BYTES = 16_777_216;
/** No tensor of the field has more; a longer list would only serve to exhaust the reader. */
const MAX_DIMENSIONS = 8;
/** Bytes in front of the header. */
export const LENGTH_BYTES = 8;

/** One tensor in a safetensors file. */
export interface SafetensorsEntry {
  dtype: Dtype;
  shape: readonly number[];
  /** Offset from the start of the file. */
  byteOffset: number;
  byteLength: number;
}

export interface SafetensorsHeader {
  /** Free text pairs, `__metadata__` in the file. */
  metadata: Readonly<Record<string, string>>;
  tensors: ReadonlyMap<string, SafetensorsEntry>;
}

const operation = 'read safetensors header';

/**
 * Length in bytes of the JSON header.
 * @param start the first 8 bytes of the file
 * @throws CheckpointError if the file cannot hold such a header
 */
export function parseHeaderLength(start: Uint8Array, fileBytes: number, file: string): number {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = fileBytes < LENGTH_BYTES ? -1n : view.getBigUint64(0, true);
  const most = Math.min(MAX_HEADER_BYTES, fileBytes - LENGTH_BYTES);
  if (length < 2n || length > BigInt(most)) {
    throw new CheckpointError({
      operation,
      file,
      offset: 0,
      what: 'header length',
      expected: most < 2 ? 'inside the file' : `from 2 to ${most} bytes`,
      found: length < 0n ? `a file of ${fileBytes} bytes` : String(length),
      hint: 'This is not a safetensors file, or it is cut off. Download or save it again.',
    });
  }
  return Number(length);
}

/**
 * Checks the JSON header of a safetensors file.
 * @param json the header's bytes, without the length in front
 * @param fileBytes size of the whole file
 * @throws CheckpointError naming file, tensor, offset, what was found and what is expected
 */
export function parseSafetensorsHeader(json: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  const dataStart = LENGTH_BYTES + json.length;
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>;
  const tensors = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(parseJsonObject(json, file))) {
    if (name === '__metadata__') Object.assign(metadata, checkMetadata(value, file));
    else tensors.set(name, parseEntry(name, value, dataStart, fileBytes, file));
  }
  checkCoverage(tensors, dataStart, fileBytes, file);
  return { metadata, tensors };
}

function parseJsonObject(json: Uint8Array, file: string): Record<string, unknown> {
  let text = '';
  let parsed: unknown;
  let problem = 'another kind of JSON value';
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    parsed = parseModestJson(text);
  } catch (error) {
    problem = (error as Error).message;
  }
  if (!isObject(parsed)) {
    throw new CheckpointError({
      operation,
      file,
      offset: LENGTH_BYTES,
      what: 'header',
      expected: 'a JSON object',
      found: quote(problem),
      hint: 'The file is damaged. Download or save it again.',
    });
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) {
    throw new CheckpointError({
      operation,
      file,
      tensor: repeated,
      what: 'every key of the header',
      expected: 'given once',
      found: `${quote(repeated)} twice`,
      hint: 'The file is damaged or tampered with. Download or save it again.',
    });
  }
  return parsed;
}

/** As the format's own reader takes it: null stands for none. */
function checkMetadata(value: unknown, file: string): Record<string, string> {
  if (value === null) return {};
  const isText =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string');
  if (!isText) {
    throw new CheckpointError({
      operation,
      file,
      what: '__metadata__',
      expected: 'an object of texts',
      found: quote(value),
    });
  }
  return value as Record<string, string>;
}

function parseEntry(
  name: string,
  value: unknown,
  dataStart: number,
  fileBytes: number,
  file: string,
): SafetensorsEntry {
  const fail = (what: string, expected: string, found: unknown, offset?: number): never => {
    const shown = typeof found === 'string' ? found : quote(found);
    throw new CheckpointError({ operation, file, tensor: name, offset, what, expected, found: shown });
  };
  if (typeof value !== 'object' || value === null) return fail('entry', 'an object', value);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isDtype(dtype)) {
    return fail('dtype', `one of ${Object.keys(DTYPE_BYTES).join(', ')}`, quote(dtype));
  }
  if (!isCounts(shape) || shape.length > MAX_DIMENSIONS) {
    return fail('shape', `up to ${MAX_DIMENSIONS} whole numbers of at least 0`, shape);
  }
  if (!isCounts(offsets) || offsets.length !== 2) {
    return fail('data_offsets', 'two whole numbers of at least 0', offsets);
  }
  const [begin, end] = offsets as [number, number];
  const dataBytes = fileBytes - dataStart;
  if (begin > end || end > dataBytes) {
    const expected = `in order and within the ${dataBytes} bytes of data`;
    return fail('data_offsets', expected, offsets, Math.min(dataStart + begin, Number.MAX_SAFE_INTEGER));
  }
  const wanted = byteLength(dtype, shape);
  if (wanted !== end - begin) {
    const expected = `${Number.isFinite(wanted) ? wanted : 'fewer'} bytes long, as ${dtype} ${quote(shape)} is`;
    return fail('data', expected, `${end - begin} bytes`, dataStart + begin);
  }
  return { dtype, shape, byteOffset: dataStart + begin, byteLength: wanted };
}

function isCounts(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && (entry as number) >= 0)
  );
}

/** Bytes of a tensor; infinite when the product is too large to be counted exactly. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  const bytes = countValues(shape) * DTYPE_BYTES[dtype];
  return Number.isSafeInteger(bytes) ? bytes : Infinity;
}

/** Tensors that overlap, or bytes that belong to none, are signs of a damaged or tampered file. */
function checkCoverage(
  tensors: Map<string, SafetensorsEntry>,
  dataStart: number,
  fileBytes: number,
  file: string,
): void {
  let next = dataStart;
  const inOrder = [...tensors].sort(
    ([, a], [, b]) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength,
  );
  for (const [name, { byteOffset, byteLength }] of inOrder) {
    if (byteOffset !== next) {
      throw new CheckpointError({
        operation,
        file,
        tensor: name,
        offset: byteOffset,
        what: 'start of the data',
        expected: `byte ${next}, right behind the tensor before it`,
        found: `byte ${byteOffset} (${byteOffset < next ? 'an overlap' : 'a hole'})`,
      });
    }
    next += byteLength;
  }
  if (next !== fileBytes) {
    throw new CheckpointError({
      operation,
      file,
      offset: next,
      what: 'end of the file',
      expected: `byte ${next}, where the last tensor ends`,
      found: `${fileBytes}`,
      hint: 'The file is cut off or has something behind its data. Download or save it again.',
    });
  }
}
