/** Stored models read back. The header is untrusted: what it promises is held against the file before memory is taken for it. */
import { quote } from '../../io/quote.js';
import { parseModelConfig, type ModelConfig } from '../../config.js';
import { ConfigError } from '../../io/config-error.js';
import { FileBytes } from '../../io/file-bytes.js';
import type { ParameterSpec } from '../../parameters.js';
import { groupCount, type Granularity } from '../../quantizers/level-grid.js';
import type { LevelCodes } from '../../quantizers/level-codes.js';
import { countValues } from '../../shape.js';
import { CheckpointError } from '../checkpoint-error.js';
import { widenHalf } from '../dtypes.js';
import { codeBytes, CodeError, unpackCodes } from './codes.js';
import { entropyHeadBytes, unpackByEntropy } from './entropy-coding.js';
import {
  CODE_FORMS,
  MAGIC,
  PREAMBLE_BYTES,
  storedGroups,
  storedSpecs,
  type CodeForm,
  type MatrixStorage,
  type StoredModel,
  type StoredSize,
} from './stored-model.js';

const OPERATION = 'read stored model';
/** A header holds a config and a line: more is damage. */
const MAX_HEADER_BYTES = 2 ** 16;
/** By entropy, a weight may take as little as a 45,000th of a bit: the file's size bounds nothing. Ten times what is trained here. */
const MAX_WEIGHTS = 2 ** 25;

/**
 * Reads what writeStoredModel wrote.
 * @throws CheckpointError for a file that is damaged or something else, FileError where there is none
 */
export async function readStoredModel(path: string): Promise<StoredModel & StoredSize> {
  const file = await FileBytes.open(path, OPERATION);
  try {
    const { config, storage, start } = await readHeader(file);
    const reader = new TensorReader(file, start);
    const matrices = new Map<string, LevelCodes>();
    const tensors = new Map<string, Float32Array>();
    for (const spec of storedSpecs(config, storage)) {
      if (spec.isCoded) matrices.set(spec.name, await reader.matrix(spec, storage));
      else tensors.set(spec.name, await reader.halves(spec.name, countValues(spec.shape)));
    }
    reader.requireEnd();
    return { config, storage, matrices, tensors, bytes: file.size, tensorBytes: file.size - start };
  } finally {
    await file.close();
  }
}

async function readHeader(
  file: FileBytes,
): Promise<{ config: ModelConfig; storage: MatrixStorage; start: number }> {
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  await file.read(0, preamble, { operation: OPERATION });
  const magic = preamble.toString('latin1', 0, MAGIC.length);
  if (magic !== MAGIC) throw wrong(file, 0, 'the first bytes', MAGIC, quote(magic));
  const length = preamble.readUInt32LE(MAGIC.length);
  const most = Math.min(MAX_HEADER_BYTES, file.size - PREAMBLE_BYTES);
  if (length > most) throw wrong(file, MAGIC.length, 'header length', `at most ${most}`, `${length}`);
  const bytes = Buffer.alloc(length);
  await file.read(PREAMBLE_BYTES, bytes, { operation: OPERATION });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw wrong(file, PREAMBLE_BYTES, 'the header', 'JSON', quote(bytes.toString('utf8').slice(0, 40)));
  }
  const { config, storage } = (json ?? {}) as { config?: unknown; storage?: unknown };
  return { ...checkedHeader(file, config, storage), start: PREAMBLE_BYTES + length };
}

function checkedHeader(
  file: FileBytes,
  given: unknown,
  storage: unknown,
): { config: ModelConfig; storage: MatrixStorage } {
  if (!isStorage(storage)) {
    const expected = 'half, or bits, trits or entropy with levels and granularity';
    throw wrong(file, PREAMBLE_BYTES, 'storage', expected, quote(JSON.stringify(storage)));
  }
  let config: ModelConfig;
  try {
    config = parseModelConfig(given, file.path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw wrong(file, PREAMBLE_BYTES, 'config', 'one of this project', error.message);
  }
  // Every layer has tensors of two bytes at least: more layers than bytes would only be counted for nothing.
  if (config.num_hidden_layers > file.size) {
    const found = `${config.num_hidden_layers}`;
    throw wrong(file, PREAMBLE_BYTES, 'layers', `fewer than the file has bytes, ${file.size}`, found);
  }
  const specs = storedSpecs(config, storage);
  const weights = specs.reduce((sum, { shape }) => sum + countValues(shape), 0);
  if (!(weights <= MAX_WEIGHTS)) {
    throw wrong(file, PREAMBLE_BYTES, 'weights in all', `at most ${MAX_WEIGHTS}`, `${weights}`);
  }
  const least = specs.reduce((sum, spec) => sum + leastBytes(spec, storage), 0);
  if (least > file.size) {
    throw wrong(file, file.size, 'the file', `at least ${least} bytes long by its header`, `${file.size}`);
  }
  return { config, storage };
}

/** Bytes that a tensor takes, or by entropy at least. */
function leastBytes(
  { shape, isCoded }: ParameterSpec & { isCoded: boolean },
  storage: MatrixStorage,
): number {
  const count = countValues(shape);
  if (!isCoded || storage.form === 'half') return 2 * count;
  const { form, levels, granularity } = storage;
  const steps = 2 * groupCount(storedGroups(shape, granularity));
  return steps + (form === 'entropy' ? 4 + entropyHeadBytes(levels) : codeBytes(form, count, levels));
}

function isStorage(value: unknown): value is MatrixStorage {
  if (typeof value !== 'object' || value === null) return false;
  const { form, levels, granularity } = value as Record<string, unknown>;
  if (form === 'half') return true;
  return (
    CODE_FORMS.includes(form as CodeForm) &&
    isWhole(levels, form === 'trits' ? 3 : 2, form === 'trits' ? 3 : 256) &&
    (granularity === 'tensor' || granularity === 'channel' || isWhole(granularity, 1, 2 ** 24))
  );
}

function isWhole(value: unknown, low: number, high: number): boolean {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}

function wrong(
  file: FileBytes,
  offset: number,
  what: string,
  expected: string,
  found: string,
  tensor?: string,
): CheckpointError {
  const hint = 'The file is damaged, or something else.';
  return new CheckpointError({
    operation: OPERATION,
    file: file.path,
    offset,
    what,
    expected,
    found,
    tensor,
    hint,
  });
}

/** Tensors one after the other. */
class TensorReader {
  constructor(
    private readonly file: FileBytes,
    private at: number,
  ) {}

  async halves(tensor: string, count: number): Promise<Float32Array> {
    const bytes = Buffer.from(await this.take(tensor, 2 * count));
    const start = this.at - bytes.length;
    const codes = Uint16Array.from({ length: count }, (_, i) => bytes.readUInt16LE(2 * i));
    const values = widenHalf('F16', codes);
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd < 0) return values;
    throw wrong(this.file, start + 2 * odd, 'a value', 'finite', `${values[odd]}`, tensor);
  }

  async matrix({ name, shape }: ParameterSpec, storage: MatrixStorage): Promise<LevelCodes> {
    const { form, levels, granularity } = storage as Exclude<MatrixStorage, { form: 'half' }>;
    const groups = storedGroups(shape, granularity satisfies Granularity);
    const count = countValues(shape);
    const stepsAt = this.at;
    const steps = await this.halves(name, groupCount(groups));
    const odd = steps.findIndex((step) => step < 0);
    if (odd >= 0) throw wrong(this.file, stepsAt + 2 * odd, 'a step', 'from 0', `${steps[odd]}`, name);
    const length =
      form === 'entropy'
        ? Buffer.from(await this.take(name, 4)).readUInt32LE()
        : codeBytes(form, count, levels);
    const codesAt = this.at;
    const bytes = await this.take(name, length);
    try {
      const codes =
        form === 'entropy' ? unpackByEntropy(bytes, count, levels) : unpackCodes(form, bytes, count, levels);
      return { levels, groups, steps, codes };
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
      const { byteIndex, expected, found } = error;
      throw wrong(this.file, codesAt + byteIndex, 'packed codes', expected, found, name);
    }
  }

  requireEnd(): void {
    const left = this.file.size - this.at;
    if (left !== 0) throw wrong(this.file, this.at, 'the file', 'at its end there', `${left} bytes more`);
  }

  /** @throws CheckpointError before anything is allocated, where the file is shorter */
  private async take(tensor: string, length: number): Promise<Uint8Array> {
    const left = this.file.size - this.at;
    if (length > left) {
      throw wrong(this.file, this.at, 'the file', `${length} bytes longer from there`, `${left}`, tensor);
    }
    const bytes = new Uint8Array(length);
    await this.file.read(this.at, bytes, { operation: OPERATION, tensor });
    this.at += length;
    return bytes;
  }
}
