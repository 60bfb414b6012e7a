/** Checkpoints in one GGUF file, as llama.cpp and bitnet.cpp write them. */
import type { Checkpoint, TensorEntry } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import { DTYPE_BYTES, halfToNumber, widenHalf } from '../dtypes.js';
import { encodedBytes, I2S_TAIL_BYTES, isTernary, shapeProblem, TQ_BLOCK_BYTES } from '../encodings.js';
import { expectedTensors } from '../expected-tensors.js';
import { FileBytes } from '../../io/file-bytes.js';
import { describeGgmlType, GGML_TYPES, ggmlEncoding } from './ggml-types.js';
import { readGgufHeader, type GgufHeader } from './gguf.js';
import type { GgufTensor } from './header-reader.js';
import { ggufGenerationConfig, ggufModelConfig, ggufNotes, ggufTokenizer } from './metadata.js';
import { transformersName } from './names.js';
import { checkScale, OpenTensors } from '../open-tensors.js';
import { checkVocabulary } from '../tokenizer-files.js';

const operation = 'open checkpoint';

/** Bytes read to distinguish ternary values from master weights in a matrix stored as floats. */
const SAMPLE_BYTES = 65_536;
/** Blocks looked at together for one with a scale; of a trained matrix the first has one. */
const BLOCKS_AT_ONCE = 1024;

/**
 * Opens a GGUF file.
 * @throws CheckpointError
 */
export async function openGgufFile(path: string, signal?: AbortSignal): Promise<Checkpoint> {
  const file = await FileBytes.open(path, operation);
  try {
    const header = await readGgufHeader(file, signal);
    const { metadata } = header;
    const config = ggufModelConfig(metadata, header.tensors, path);
    const generationConfig = ggufGenerationConfig(metadata, config, path);
    const tokenizerSource = ggufTokenizer(metadata, config, path);
    checkVocabulary(tokenizerSource, config, path);
    const stored = namedEntries(header, file);
    const tensors = new Map<string, TensorEntry>();
    const scales = new Map<string, number>();
    for (const { name, shape, quantized } of expectedTensors(
      config,
      new Set(stored.keys()),
      operation,
      path,
    )) {
      const entry = stored.get(name)!;
      checkShape(entry, shape, quantized);
      tensors.set(name, entry);
      const scale = quantized ? await readScale(entry, file, signal) : undefined;
      if (scale !== undefined) scales.set(name, scale);
    }
    if (scales.size === 0) config.quantization_config!.quantization_mode = 'online';
    return new OpenTensors({
      source: path,
      config,
      generationConfig,
      tensors,
      tokenizerSource,
      files: [file],
      scales,
      notes: ggufNotes(metadata, path),
    });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The tensors by transformers' name, after checking that they fill the data without overlap or hole. */
function namedEntries(header: GgufHeader, file: FileBytes): Map<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  let next = header.dataStart;
  for (const tensor of [...header.tensors].sort((a, b) => a.byteOffset - b.byteOffset)) {
    const fail = (what: string, expected: string, found: string, hint?: string): never => {
      const { name, byteOffset: offset } = tensor;
      throw new CheckpointError({
        operation,
        file: file.path,
        tensor: name,
        offset,
        what,
        expected,
        found,
        hint,
      });
    };
    const name =
      transformersName(tensor.name) ?? fail('the tensor', 'one of a BitNet model', 'an unknown name');
    const entry = toEntry(name, tensor, file.path, fail);
    if (tensor.byteOffset !== next) {
      const relation = tensor.byteOffset < next ? 'an overlap' : 'a hole';
      fail(
        'start of the data',
        `byte ${next}, behind the tensor before it`,
        `byte ${tensor.byteOffset} (${relation})`,
      );
    }
    const end = tensor.byteOffset + entry.byteLength;
    if (end > file.size) {
      const hint = 'The file is cut off, or its shapes are wrong. Download it again.';
      fail(
        'the data',
        `within the file's ${file.size} bytes`,
        `${entry.byteLength} bytes from there on`,
        hint,
      );
    }
    next = Math.ceil(end / header.alignment) * header.alignment;
    entries.set(name, entry);
  }
  if (file.size > next) {
    throw new CheckpointError({
      operation,
      file: file.path,
      offset: next,
      what: 'end of the file',
      expected: `byte ${next}, where the last tensor ends`,
      found: `${file.size}`,
      hint: 'The file has something behind its data. Download it again.',
    });
  }
  return entries;
}

function toEntry(
  name: string,
  { dimensions, type, byteOffset }: GgufTensor,
  file: string,
  fail: (what: string, expected: string, found: string, hint?: string) => never,
): TensorEntry {
  const encoding = ggmlEncoding(type);
  if (encoding === undefined) {
    const hint = 'Convert the model with ternary matrices, and with its embedding in F16.';
    return fail('type', `one of ${Object.keys(GGML_TYPES).join(', ')}`, describeGgmlType(type), hint);
  }
  const shape = [...dimensions].reverse();
  const problem = shapeProblem(encoding, shape);
  if (problem !== undefined) fail(problem.what, problem.expected, problem.found);
  return { name, encoding, shape, file, byteOffset, byteLength: encodedBytes(encoding, shape) };
}

function checkShape(entry: TensorEntry, shape: readonly number[], quantized: boolean): void {
  const fail = (what: string, expected: string, found: string): never => {
    const { file, name: tensor, byteOffset: offset } = entry;
    throw new CheckpointError({ operation, file, tensor, offset, what, expected, found });
  };
  if (entry.shape.length !== shape.length || entry.shape.some((length, axis) => length !== shape[axis])) {
    fail('shape', `[${shape.join(', ')}], as the metadata asks for`, `[${entry.shape.join(', ')}]`);
  }
  if (!quantized && isTernary(entry.encoding)) {
    fail('type', 'F32, F16 or BF16 for an embedding or a norm', entry.encoding);
  }
}

/** The scale of a matrix, wherever its encoding keeps it; undefined for master weights. */
async function readScale(
  entry: TensorEntry,
  file: FileBytes,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const { encoding } = entry;
  if (encoding === 'I2_S') return readTailScale(entry, file, signal);
  if (encoding === 'TQ2_0' || encoding === 'TQ1_0') {
    return readBlockScale(entry, TQ_BLOCK_BYTES[encoding], file, signal);
  }
  return ternaryStep(entry, file, signal);
}

async function readTailScale(entry: TensorEntry, file: FileBytes, signal?: AbortSignal): Promise<number> {
  const offset = entry.byteOffset + entry.byteLength - I2S_TAIL_BYTES;
  const bytes = new Uint8Array(DTYPE_BYTES.F32);
  await file.read(offset, bytes, { operation: 'read scale', tensor: entry.name }, signal);
  return checkScale(new DataView(bytes.buffer).getFloat32(0, true), file.path, entry.name, offset);
}

/** The scale of the first block that is not all zeros: ggml gives a block of zeros the scale 0, all others share one. */
async function readBlockScale(
  entry: TensorEntry,
  blockBytes: number,
  file: FileBytes,
  signal?: AbortSignal,
): Promise<number> {
  for (let start = 0; start < entry.byteLength; start += blockBytes * BLOCKS_AT_ONCE) {
    const bytes = new Uint8Array(Math.min(blockBytes * BLOCKS_AT_ONCE, entry.byteLength - start));
    const offset = entry.byteOffset + start;
    await file.read(offset, bytes, { operation: 'read scale', tensor: entry.name }, signal);
    const view = new DataView(bytes.buffer);
    for (let at = blockBytes - DTYPE_BYTES.F16; at < bytes.length; at += blockBytes) {
      const scale = halfToNumber('F16', view.getUint16(at, true));
      if (scale !== 0) return checkScale(scale, file.path, entry.name, offset + at);
    }
  }
  return checkScale(0, file.path, entry.name, entry.byteOffset);
}

/**
 * Converters also write the ternary matrix times its scale as floats. Such values are 0 and ±scale, so their mean
 * magnitude is not the scale, and quantizing them like master weights would shrink every output. A sample shows
 * the two apart: among thousands of master weights no more than one magnitude never happens. One of zeros alone, as
 * rows that were pruned, tells nothing, and the next is read.
 */
async function ternaryStep(
  entry: TensorEntry,
  file: FileBytes,
  signal?: AbortSignal,
): Promise<number | undefined> {
  for (let start = 0; start < entry.byteLength; start += SAMPLE_BYTES) {
    const bytes = new Uint8Array(Math.min(SAMPLE_BYTES, entry.byteLength - start));
    const purpose = { operation: 'read scale', tensor: entry.name };
    await file.read(entry.byteOffset + start, bytes, purpose, signal);
    const values =
      entry.encoding === 'F32'
        ? new Float32Array(bytes.buffer)
        : widenHalf(entry.encoding as 'F16' | 'BF16', new Uint16Array(bytes.buffer));
    const step = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (step === 0) continue;
    const hasOneStep = values.every((value) => value === 0 || Math.abs(value) === step);
    return hasOneStep && step < Infinity ? step : undefined;
  }
  return undefined;
}
