/** Reading and writing of safetensors files, Hugging Face's format for tensors. */
import { quote } from '../../io/quote.js';
import { requireSameKind, writeFileAtomically } from '../../io/atomic-write.js';
import { CheckpointError } from '../checkpoint-error.js';
import { explainSystemError } from '../../io/file-error.js';
import { narrowHalf, widenHalf, type Dtype } from '../dtypes.js';
import { FileBytes } from '../../io/file-bytes.js';
import {
  byteLength,
  LENGTH_BYTES,
  parseHeaderLength,
  parseSafetensorsHeader,
  type SafetensorsHeader,
} from './header.js';
import { formatSafetensorsHeader, type NamedTensor } from './format.js';
import { countValues } from '../../shape.js';

/** The values of a tensor in memory. BF16 and F16 are held as 32-bit floats, or as their 16-bit codes. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor read into memory. `data` is a Float32Array for F32, BF16 and F16, else the array of the dtype's name. */
export interface LoadedTensor {
  dtype: Dtype;
  shape: readonly number[];
  data: TensorData;
}

/** A tensor to write. */
export interface TensorToWrite extends NamedTensor {
  /**
   * Its values, row-major; a Float32Array is rounded to BF16 or F16 where the dtype says so. Or a function that gives
   * the bytes piece by piece, for what should not lie in memory as a whole.
   */
  data: TensorData | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);
}

/**
 * Reads and checks the header of an open safetensors file.
 * @throws CheckpointError
 */
export async function readSafetensorsHeader(file: FileBytes): Promise<SafetensorsHeader> {
  const purpose = { operation: 'read safetensors header' };
  const start = new Uint8Array(LENGTH_BYTES);
  await file.read(0, start.subarray(0, Math.min(LENGTH_BYTES, file.size)), purpose);
  const json = new Uint8Array(parseHeaderLength(start, file.size, file.path));
  await file.read(LENGTH_BYTES, json, purpose);
  return parseSafetensorsHeader(json, file.size, file.path);
}

/**
 * Reads all tensors of a safetensors file into memory: for files as small as training checkpoints and references.
 * A model goes through `openCheckpoint`, which holds no second copy.
 * @returns tensors by name, in the order of the header
 * @throws CheckpointError
 */
export async function readSafetensors(path: string): Promise<Map<string, LoadedTensor>> {
  const operation = 'read safetensors';
  const file = await FileBytes.open(path, operation);
  try {
    const loaded = new Map<string, LoadedTensor>();
    for (const [name, { dtype, shape, byteOffset, byteLength }] of (await readSafetensorsHeader(file))
      .tensors) {
      const bytes = new Uint8Array(byteLength);
      await file.read(byteOffset, bytes, { operation, tensor: name });
      loaded.set(name, { dtype, shape, data: fromBytes(dtype, bytes) });
    }
    return loaded;
  } finally {
    await file.close();
  }
}

/** The metadata of a safetensors file: free text pairs that its writer put there. */
export async function readSafetensorsMetadata(path: string): Promise<Readonly<Record<string, string>>> {
  const file = await FileBytes.open(path, 'read safetensors header');
  try {
    return (await readSafetensorsHeader(file)).metadata;
  } finally {
    await file.close();
  }
}

/**
 * Writes a safetensors file beside its place and renames it. The same tensors give the same bytes, in whatever order
 * they come, and the same bytes as the format's reference implementation.
 * @param tensors names must differ; data must fit dtype and shape
 * @param metadata free text pairs; Hugging Face's libraries want `{ format: 'pt' }` in a model's file
 * @throws CheckpointError; what was at `path` before is then untouched
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const list = [...tensors];
  checkTensors(list, path);
  const { header, order } = formatSafetensorsHeader(list, metadata);
  try {
    // A length in eight bytes, then JSON.
    await requireSameKind(path, 'a safetensors file', (head) => head.toString('latin1', 8, 9) === '{');
    await writeFileAtomically(path, async (file) => {
      await file.writeFile(header);
      for (const tensor of order) {
        let written = 0;
        for await (const piece of pieces(tensor)) {
          await file.writeFile(piece);
          written += piece.length;
        }
        checkLength(tensor, written, path);
      }
    });
  } catch (error) {
    throw explainSystemError('write safetensors', path, error);
  }
}

function checkTensors(tensors: readonly TensorToWrite[], path: string): void {
  const names = new Set<string>();
  for (const tensor of tensors) {
    const { name, dtype, shape, data } = tensor;
    const fail = (what: string, expected: string, found: string): never => {
      throw new CheckpointError({
        operation: 'write safetensors',
        file: path,
        tensor: name,
        what,
        expected,
        found,
      });
    };
    if (names.has(name) || name === '__metadata__')
      fail('name', 'given once, and not __metadata__', quote(name));
    names.add(name);
    if (shape.some((length) => !Number.isSafeInteger(length) || length < 0)) {
      fail('shape', 'whole numbers of at least 0', quote(shape));
    }
    if (typeof data === 'function') continue;
    const allowed = ARRAYS[dtype];
    if (!allowed.some((array) => data instanceof array)) {
      fail(
        'data',
        `a ${allowed.map((array) => array.name).join(' or ')} for ${dtype}`,
        data.constructor.name,
      );
    }
    const values = countValues(shape);
    if (data.length !== values)
      fail('data', `${values} values, as the shape ${quote(shape)} has`, `${data.length}`);
  }
}

function checkLength({ name, dtype, shape }: TensorToWrite, written: number, path: string): void {
  const wanted = byteLength(dtype, shape);
  if (written === wanted) return;
  throw new CheckpointError({
    operation: 'write safetensors',
    file: path,
    tensor: name,
    what: 'data',
    expected: `${wanted} bytes, as ${dtype} ${quote(shape)} has`,
    found: `${written}`,
  });
}

function pieces({ dtype, data }: TensorToWrite): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof data === 'function') return data();
  const stored =
    (dtype === 'BF16' || dtype === 'F16') && data instanceof Float32Array ? narrowHalf(dtype, data) : data;
  return [new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)];
}

/** What may hold the values of a dtype; the first is what reading gives. */
const ARRAYS: { readonly [D in Dtype]: readonly (new (buffer: ArrayBuffer) => TensorData)[] } = {
  BOOL: [Uint8Array],
  U8: [Uint8Array],
  I8: [Int8Array],
  I16: [Int16Array],
  U16: [Uint16Array],
  F16: [Float32Array, Uint16Array],
  BF16: [Float32Array, Uint16Array],
  I32: [Int32Array],
  U32: [Uint32Array],
  F32: [Float32Array],
  F64: [Float64Array],
  I64: [BigInt64Array],
  U64: [BigUint64Array],
};

function fromBytes(dtype: Dtype, bytes: Uint8Array): TensorData {
  const buffer = bytes.buffer as ArrayBuffer;
  return dtype === 'BF16' || dtype === 'F16'
    ? widenHalf(dtype, new Uint16Array(buffer))
    : new ARRAYS[dtype][0](buffer);
}
