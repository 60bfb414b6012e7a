/**
 * A whole model in as few bytes as its weights take, written to a file and read back. Nothing is left out: matrices as codes and
 * 16-bit steps, or in 16 bits themselves; embedding, output matrix and norms in 16 bits.
 *
 * The file: `BITSTORE`, the length of a header (uint32), the header as JSON, then the tensors in the order of parameterSpecs.
 * A matrix is its steps as F16 (one a group), then its codes; codes by entropy have their length in front (uint32). All
 * numbers are little-endian.
 */
import type { ModelConfig } from '../../config.js';
import { parameterSpecs, type ParameterSpec } from '../../parameters.js';
import { writeFileAtomically } from '../../io/atomic-write.js';
import { groupsOf, type Granularity, type Groups } from '../../quantizers/level-grid.js';
import { weightsOfCodes, type LevelCodes } from '../../quantizers/level-codes.js';
import { countValues } from '../../shape.js';
import { narrowHalf } from '../dtypes.js';
import { packCodes } from './codes.js';
import { packByEntropy } from './entropy-coding.js';

/** How codes are packed: {@link packCodes}, {@link packByEntropy}. */
export const CODE_FORMS = ['bits', 'trits', 'entropy'] as const;
export type CodeForm = (typeof CODE_FORMS)[number];

/** How the matrices of the layers are kept: in 16 bits, or as codes. */
export type MatrixStorage = { form: 'half' } | { form: CodeForm; levels: number; granularity: Granularity };

/** A model as a file keeps it. */
export interface StoredModel {
  config: ModelConfig;
  storage: MatrixStorage;
  /** The quantized matrices by transformers' names; none where the storage is `half`. */
  matrices: ReadonlyMap<string, LevelCodes>;
  /** All other tensors. */
  tensors: ReadonlyMap<string, Float32Array>;
}

/** What a file weighs. */
export interface StoredSize {
  /** All of the file. */
  bytes: number;
  /** Without magic and header: the model's tensors. */
  tensorBytes: number;
}

export const MAGIC = 'BITSTORE';
/** Magic, and length of the header. */
export const PREAMBLE_BYTES: number = MAGIC.length + 4;

/** Tensors in the order of the file, and whether they are codes. */
export function storedSpecs(
  config: ModelConfig,
  storage: MatrixStorage,
): (ParameterSpec & { isCoded: boolean })[] {
  return parameterSpecs(config).map((spec) => ({
    ...spec,
    isCoded: spec.quantized && storage.form !== 'half',
  }));
}

/** Groups of a matrix under a storage. */
export function storedGroups([rows, columns]: readonly number[], granularity: Granularity): Groups {
  return groupsOf(rows, columns, granularity);
}

/**
 * Writes a model, whole or not at all.
 * @returns its size on the disk
 * @throws RangeError for codes that do not fit the storage, Error for a tensor that is missing or of another size
 */
export async function writeStoredModel(path: string, model: StoredModel): Promise<StoredSize> {
  const { config, storage } = model;
  const header = Buffer.from(JSON.stringify({ config, storage }));
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  preamble.write(MAGIC, 'latin1');
  preamble.writeUInt32LE(header.length, MAGIC.length);
  const parts = storedSpecs(config, storage).flatMap((spec) =>
    spec.isCoded ? matrixParts(spec, model) : [halves(requireTensor(spec, model.tensors.get(spec.name)))],
  );
  const tensorBytes = parts.reduce((sum, part) => sum + part.length, 0);
  await writeFileAtomically(path, async (file) => {
    for (const part of [preamble, header, ...parts]) await file.appendFile(part);
  });
  return { bytes: PREAMBLE_BYTES + header.length + tensorBytes, tensorBytes };
}

/** The weights that a stored model multiplies by, by name: codes times steps, and all else as it is. */
export function storedWeights({ matrices, tensors }: StoredModel): Map<string, Float32Array> {
  return new Map([
    ...tensors,
    ...Array.from(matrices, ([name, codes]): [string, Float32Array] => [name, weightsOfCodes(codes)]),
  ]);
}

function matrixParts(spec: ParameterSpec, { storage, matrices }: StoredModel): Uint8Array[] {
  if (storage.form === 'half') return [];
  const { form, levels, granularity } = storage;
  const matrix = matrices.get(spec.name);
  const wanted = storedGroups(spec.shape, granularity);
  const fits =
    matrix?.levels === levels &&
    JSON.stringify(matrix.groups) === JSON.stringify(wanted) &&
    matrix.codes.length === countValues(spec.shape);
  if (!fits) {
    throw new Error(
      `write stored model: ${spec.name} must have codes of ${levels} levels for [${spec.shape.join(', ')}] in groups of ` +
        `${wanted.height}×${wanted.width}, got ${matrix ? `${matrix.levels} levels in groups of ${matrix.groups.height}×${matrix.groups.width}` : 'none'}.`,
    );
  }
  const steps = halves(matrix.steps);
  if (form !== 'entropy') return [steps, packCodes(form, matrix.codes, levels)];
  const packed = packByEntropy(matrix.codes, levels);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(packed.length);
  return [steps, length, packed];
}

function requireTensor({ name, shape }: ParameterSpec, data: Float32Array | undefined): Float32Array {
  const size = countValues(shape);
  if (data?.length === size) return data;
  throw new Error(`write stored model: ${name} must hold ${size} values, got ${data?.length ?? 'none'}.`);
}

/** Little-endian F16, whatever this machine's order of bytes is. */
function halves(values: Float32Array): Uint8Array {
  const codes = narrowHalf('F16', values);
  const bytes = Buffer.alloc(2 * codes.length);
  codes.forEach((code, i) => bytes.writeUInt16LE(code, 2 * i));
  return bytes;
}
