/**
 * The header of a GGUF file, version 3, little-endian: metadata pairs, then the list of tensors, then aligned data.
 * The header is untrusted: every count and length is held against the bytes that are there before anything is made of
 * it. Format: github.com/ggml-org/ggml, docs/gguf.md.
 */
import { quote } from '../../io/quote.js';
import type { FileBytes } from '../../io/file-bytes.js';
import {
  GgufHeaderReader,
  MAX_HEADER_BYTES,
  WindowEnd,
  type GgufTensor,
  type GgufValue,
} from './header-reader.js';

const operation = 'read GGUF header';

/** "GGUF" as a little-endian number. */
export const GGUF_MAGIC = 0x4655_4747;
export const GGUF_VERSION = 3;
export const GGUF_DEFAULT_ALIGNMENT = 32;

/** Metadata pairs: the published 2B4T file has 24. */
const MAX_PAIRS = 65_536;
/** Tensors: the published 2B4T file has 332. */
const MAX_TENSORS = 1_048_576;
const MAX_ALIGNMENT = 1_048_576;
/** What is read at first; headers of small models fit. */
const FIRST_WINDOW_BYTES = 1_048_576;
/** How much more is read when a header goes on: the next window holds that of a Llama-3 vocabulary. */
const WINDOW_GROWTH = 16;

/** What stands before the data. */
export interface GgufHeader {
  metadata: ReadonlyMap<string, GgufValue>;
  tensors: readonly GgufTensor[];
  /** Multiple at which each tensor starts, counted from `dataStart`. */
  alignment: number;
  /** Where the data starts in the file. */
  dataStart: number;
}

/**
 * Reads and checks the header of an open GGUF file. Reads no more than the header's size times 16.
 * @throws CheckpointError naming what was found and expected, with its offset
 */
export async function readGgufHeader(file: FileBytes, signal?: AbortSignal): Promise<GgufHeader> {
  for (let window = FIRST_WINDOW_BYTES; ; window *= WINDOW_GROWTH) {
    const bytes = new Uint8Array(Math.min(window, file.size, MAX_HEADER_BYTES));
    await file.read(0, bytes, { operation }, signal);
    try {
      return parseGgufHeader(bytes, file.size, file.path);
    } catch (error) {
      if (!(error instanceof WindowEnd)) throw error;
    }
  }
}

/**
 * Parses a GGUF header.
 * @param bytes the start of the file, or all of it
 * @param fileBytes size of the whole file
 * @throws CheckpointError; WindowEnd if `bytes` ends inside a header that the file may still hold
 */
export function parseGgufHeader(bytes: Uint8Array, fileBytes: number, path: string): GgufHeader {
  const reader = new GgufHeaderReader(bytes, fileBytes, path);
  const magic = reader.uint32('magic number');
  if (magic !== GGUF_MAGIC) {
    throw reader.problem('magic number', '"GGUF"', `0x${magic.toString(16)}`, 0, 'This is not a GGUF file.');
  }
  const version = reader.uint32('version');
  if (version !== GGUF_VERSION) {
    const hint = 'Convert the model again with a current converter.';
    throw reader.problem('version', `${GGUF_VERSION}`, `${version}`, 4, hint);
  }
  const tensorCount = reader.count('number of tensors', MAX_TENSORS, 24);
  const pairCount = reader.count('number of metadata pairs', MAX_PAIRS, 13);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairCount; i++) {
    const at = reader.position;
    const key = reader.text('metadata key');
    if (metadata.has(key)) throw reader.problem('metadata key', 'given once', quote(key), at);
    metadata.set(key, reader.value(key));
  }
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const at = reader.position;
    const tensor = reader.tensor();
    if (names.has(tensor.name)) throw reader.problem('tensor name', 'given once', quote(tensor.name), at);
    names.add(tensor.name);
    tensors.push(tensor);
  }
  const alignment = metadata.get('general.alignment') ?? GGUF_DEFAULT_ALIGNMENT;
  if (
    typeof alignment !== 'number' ||
    !(alignment >= 1 && alignment <= MAX_ALIGNMENT) ||
    alignment % 8 !== 0
  ) {
    throw reader.problem('general.alignment', `a multiple of 8, at most ${MAX_ALIGNMENT}`, quote(alignment));
  }
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  for (const tensor of tensors) {
    if (tensor.byteOffset % alignment !== 0 || dataStart + tensor.byteOffset > fileBytes) {
      const expected = `a multiple of ${alignment} and at most ${Math.max(0, fileBytes - dataStart)}`;
      throw reader.problem(
        'data offset',
        expected,
        `${tensor.byteOffset}`,
        undefined,
        undefined,
        tensor.name,
      );
    }
    tensor.byteOffset += dataStart;
  }
  return { metadata, tensors, alignment, dataStart };
}
