/** The fields of a GGUF header, read one after another and none beyond the bytes that are there. */
import { quote } from '../../io/quote.js';
import { CheckpointError } from '../checkpoint-error.js';

/** Elements of all arrays together, which take more memory than in the file: a Llama-3 tokenizer's have 537,000. */
const MAX_ELEMENTS = 4_194_304;
/** Bytes of a text: the longest known are chat templates of some kilobytes. */
const MAX_TEXT_BYTES = 16_777_216;
/** ggml's own limit. */
const MAX_DIMENSIONS = 4;
/** Bytes of the whole header: the published 2B4T file's has 8.4 million, nearly all of it the tokenizer. */
export const MAX_HEADER_BYTES = 268_435_456;

/** Codes of the value types in a file. */
export const GGUF_TYPES = {
  UINT8: 0,
  INT8: 1,
  UINT16: 2,
  INT16: 3,
  UINT32: 4,
  INT32: 5,
  FLOAT32: 6,
  BOOL: 7,
  STRING: 8,
  ARRAY: 9,
  UINT64: 10,
  INT64: 11,
  FLOAT64: 12,
} as const;

/** A metadata value. 64-bit integers are numbers where they can be held exactly, else bigints. */
export type GgufValue = number | bigint | boolean | string | readonly (number | bigint | boolean | string)[];

/** A tensor as the header describes it. */
export interface GgufTensor {
  name: string;
  /** Innermost first, as ggml counts: a matrix `[out, in]` has `[in, out]` here. */
  dimensions: readonly number[];
  /** Code of ggml's type. */
  type: number;
  /** Offset from the start of the file. */
  byteOffset: number;
}

/** Thrown inside when the header goes on behind the bytes that were read so far. */
export class WindowEnd extends Error {}

/** Reads the header's fields one after another, none behind the end of what is there. */
export class GgufHeaderReader {
  position = 0;
  private elements = 0;
  private readonly view: DataView;
  private readonly buffer: Buffer;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly fileBytes: number,
    private readonly path: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  problem(
    what: string,
    expected: string,
    found: string,
    offset?: number,
    hint?: string,
    tensor?: string,
  ): CheckpointError {
    return new CheckpointError({
      operation: 'read GGUF header',
      file: this.path,
      tensor,
      offset,
      what,
      expected,
      found,
      hint,
    });
  }

  /** Moves on by `length` bytes and returns where they start. */
  private take(length: number, what: string): number {
    const start = this.position;
    const end = start + length;
    if (end > Math.min(this.fileBytes, MAX_HEADER_BYTES)) {
      throw this.problem(
        what,
        `within the ${Math.min(this.fileBytes, MAX_HEADER_BYTES)} bytes that the header may take`,
        `${length} bytes`,
        start,
        'The file is damaged or cut off. Download it again.',
      );
    }
    if (end > this.bytes.length) throw new WindowEnd();
    this.position = end;
    return start;
  }

  uint32(what: string): number {
    return this.view.getUint32(this.take(4, what), true);
  }

  /** A 64-bit count of things of at least `bytesEach`, which have to fit into the rest of the file. */
  count(what: string, limit: number, bytesEach: number): number {
    const start = this.take(8, what);
    // Two halves: a bigint for each of a vocabulary's texts takes longer than reading the texts. What is too large to
    // be exact this way is too large anyway.
    const value = this.view.getUint32(start + 4, true) * 2 ** 32 + this.view.getUint32(start, true);
    const most = Math.min(limit, Math.floor((this.fileBytes - this.position) / bytesEach));
    if (value > most) {
      throw this.problem(what, `at most ${most}`, `${this.view.getBigUint64(start, true)}`, start);
    }
    return value;
  }

  text(what: string): string {
    const length = this.count(`length of ${what}`, MAX_TEXT_BYTES, 1);
    const start = this.take(length, what);
    const text = this.buffer.toString('utf8', start, this.position);
    // Broken UTF-8 turns into this mark; so the slow check runs only where it shows.
    if (text.includes('\uFFFD')) {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      try {
        return decoder.decode(this.bytes.subarray(start, this.position));
      } catch {
        throw this.problem(what, 'UTF-8', quote(text), start);
      }
    }
    return text;
  }

  value(key: string): GgufValue {
    const at = this.position;
    const type = this.uint32(`type of ${key}`);
    if (type !== GGUF_TYPES.ARRAY) return this.scalar(type, key, at);
    const elementAt = this.position;
    const elementType = this.uint32(`element type of ${key}`);
    if (elementType === GGUF_TYPES.ARRAY) {
      throw this.problem(`element type of ${quote(key)}`, 'a single value', 'an array', elementAt);
    }
    const left = MAX_ELEMENTS - this.elements;
    const length = this.count(`length of ${key}`, left, minimumBytes(elementType));
    this.elements += length;
    const values: (number | bigint | boolean | string)[] = [];
    for (let i = 0; i < length; i++) values.push(this.scalar(elementType, key, elementAt));
    return values;
  }

  private scalar(type: number, key: string, typeAt: number): number | bigint | boolean | string {
    const { view } = this;
    switch (type) {
      case GGUF_TYPES.UINT8:
        return view.getUint8(this.take(1, key));
      case GGUF_TYPES.INT8:
        return view.getInt8(this.take(1, key));
      case GGUF_TYPES.UINT16:
        return view.getUint16(this.take(2, key), true);
      case GGUF_TYPES.INT16:
        return view.getInt16(this.take(2, key), true);
      case GGUF_TYPES.UINT32:
        return view.getUint32(this.take(4, key), true);
      case GGUF_TYPES.INT32:
        return view.getInt32(this.take(4, key), true);
      case GGUF_TYPES.FLOAT32:
        return view.getFloat32(this.take(4, key), true);
      case GGUF_TYPES.BOOL: {
        const start = this.take(1, key);
        const byte = view.getUint8(start);
        if (byte > 1) throw this.problem(`value of ${quote(key)}`, '0 or 1', `${byte}`, start);
        return byte === 1;
      }
      case GGUF_TYPES.STRING:
        return this.text(key);
      case GGUF_TYPES.UINT64:
        return exact(view.getBigUint64(this.take(8, key), true));
      case GGUF_TYPES.INT64:
        return exact(view.getBigInt64(this.take(8, key), true));
      case GGUF_TYPES.FLOAT64:
        return view.getFloat64(this.take(8, key), true);
      default:
        throw this.problem(`type of ${quote(key)}`, 'a code from 0 to 12', `${type}`, typeAt);
    }
  }

  tensor(): GgufTensor {
    const name = this.text('tensor name');
    const at = this.position;
    const rank = this.uint32('number of dimensions');
    if (rank < 1 || rank > MAX_DIMENSIONS) {
      throw this.problem(
        'number of dimensions',
        `from 1 to ${MAX_DIMENSIONS}`,
        `${rank}`,
        at,
        undefined,
        name,
      );
    }
    const dimensions: number[] = [];
    for (let i = 0; i < rank; i++) dimensions.push(this.safeNumber(name, 'dimension', 1n));
    const type = this.uint32('tensor type');
    return { name, dimensions, type, byteOffset: this.safeNumber(name, 'data offset', 0n) };
  }

  private safeNumber(tensor: string, what: string, least: bigint): number {
    const start = this.take(8, what);
    const value = this.view.getBigUint64(start, true);
    if (value < least || value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.problem(what, `from ${least} to 2^53 - 1`, `${value}`, start, undefined, tensor);
    }
    return Number(value);
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Fewest bytes that a value of the type takes; 1 for an unknown type, whose first value ends the reading. */
function minimumBytes(type: number): number {
  switch (type) {
    case GGUF_TYPES.UINT16:
    case GGUF_TYPES.INT16:
      return 2;
    case GGUF_TYPES.UINT32:
    case GGUF_TYPES.INT32:
    case GGUF_TYPES.FLOAT32:
      return 4;
    case GGUF_TYPES.STRING: // its length alone
    case GGUF_TYPES.UINT64:
    case GGUF_TYPES.INT64:
    case GGUF_TYPES.FLOAT64:
      return 8;
    default:
      return 1;
  }
}
