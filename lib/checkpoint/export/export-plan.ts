/** What becomes of each tensor of a model in an export, checked as a whole before the first byte is written. */
import { BITNET_B158 } from '../../ablation-options.js';
import { ablationOptions, type ModelConfig } from '../../config.js';
import { onGrid, requireFinite, weightGrid, type WeightGrid } from '../../quantizers/weights.js';
import type { Checkpoint, TensorEntry } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import { FileError } from '../../io/file-error.js';
import { DTYPE_BYTES, halfToNumber, numberToHalf, widenHalf, type HalfDtype } from '../dtypes.js';
import { encodedBytes, isTernary, shapeProblem } from '../encodings.js';
import { checkScale } from '../open-tensors.js';
import type { TernaryMatrix } from '../packing-layouts.js';
import { unpackTernary } from '../packing.js';

const operation = 'export checkpoint';

/** `packed`: a safetensors folder for transformers. `i2_s`: GGUF for bitnet.cpp. `tq2_0`: GGUF for llama.cpp. */
export const EXPORT_FORMATS = ['packed', 'i2_s', 'tq2_0'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const ENCODINGS = { packed: 'packed', i2_s: 'I2_S', tq2_0: 'TQ2_0' } as const;
/** Weight quantizers whose integers are -1, 0 and 1, or some of them. */
const TERNARY_QUANTIZERS: readonly string[] = [
  'absmean-ternary',
  'absmedian-ternary',
  'sign',
  'zero-one',
  'absmax-2bit',
];
/** Bytes of an unquantized tensor that are in memory at once. */
const CHUNK_BYTES = 2 ** 22;

/** The values of all codes. Half floats have so few that each is rounded once, and looked up for every weight. */
const VALUES: Readonly<Record<HalfDtype, Float32Array>> = {
  BF16: widenHalf(
    'BF16',
    Uint16Array.from({ length: 65_536 }, (_, code) => code),
  ),
  F16: widenHalf(
    'F16',
    Uint16Array.from({ length: 65_536 }, (_, code) => code),
  ),
};

function lookUp(table: Int8Array, codes: Uint16Array, values: Int8Array): void {
  for (let i = 0; i < values.length; i++) values[i] = table[codes[i]];
}

/** An array that is used again for one matrix after the other. */
class Scratch<Values extends { length: number; subarray(start: number, end: number): Values }> {
  #largest: Values | undefined;

  constructor(readonly make: (length: number) => Values) {}

  /** The first `length` elements, with whatever is in them. */
  take(length: number): Values {
    if (this.#largest === undefined || this.#largest.length < length) this.#largest = this.make(length);
    return this.#largest.subarray(0, length);
  }
}

/** The tensors of an open model folder as an export format wants them. */
export class ExportPlan {
  readonly encoding: (typeof ENCODINGS)[ExportFormat];
  /** The seven matrices of each layer. */
  readonly matrices: readonly TensorEntry[];
  /** Embedding, output matrix, norms, and what an ablation has beside them. */
  readonly others: readonly TensorEntry[];
  readonly #bytes = new Scratch((length) => new Uint8Array(length));
  readonly #floats = new Scratch((length) => new Float32Array(length));
  readonly #values = new Scratch((length) => new Int8Array(length));
  /** Of matrices that were read before: scales go into files in front of the integers. */
  readonly #grids = new Map<TensorEntry, WeightGrid>();
  /** Dtype of the master weights: scales are rounded to it, since transformers multiplies in it. */
  readonly dtype: 'F32' | HalfDtype;

  /** @throws CheckpointError if the model or one of its shapes does not fit the format */
  constructor(
    readonly checkpoint: Checkpoint,
    format: ExportFormat,
    private readonly signal?: AbortSignal,
  ) {
    const { config, tensors, source } = checkpoint;
    this.encoding = ENCODINGS[format];
    const entries = [...tensors.values()];
    this.matrices = entries.filter(({ name }) => name.endsWith('_proj.weight'));
    this.others = entries.filter(({ name }) => !name.endsWith('_proj.weight'));
    this.dtype = tensors.get('model.embed_tokens.weight')!.encoding as 'F32' | HalfDtype;
    requireExportable(config, format, source);
    requireShapes(this.matrices, format);
  }

  /** Bytes of the ternary matrices in the export. */
  ternaryBytes(): number {
    return this.matrices.reduce((sum, { shape }) => sum + encodedBytes(this.encoding, shape), 0);
  }

  /** The factor of a matrix, without its integers. */
  async scale(entry: TensorEntry): Promise<number> {
    const known = this.checkpoint.scale(entry.name);
    if (known !== undefined) return known;
    const grid = this.#grids.get(entry) ?? this.grid(entry, await this.floats(entry));
    return this.rounded(grid.scale, entry);
  }

  private grid(entry: TensorEntry, weights: Float32Array): WeightGrid {
    const { weight_quantizer: quantizer } = ablationOptions(this.checkpoint.config);
    const grid = this.#grids.get(entry) ?? weightGrid(quantizer, weights);
    this.#grids.set(entry, grid);
    return grid;
  }

  /**
   * A matrix as the model's own quantizer makes it in training, and its factor. The next call overwrites its values:
   * to allocate memory for each of two hundred matrices takes the system as long as the arithmetic takes us.
   */
  async matrix(entry: TensorEntry): Promise<TernaryMatrix> {
    const { name, encoding, byteOffset, file } = entry;
    const shape = entry.shape as [number, number];
    if (isTernary(encoding)) {
      const bytes = await this.bytes(entry);
      const { values } = unpackTernary(encoding, bytes, shape, { file, tensor: name, byteOffset });
      return { values, shape, scale: this.checkpoint.scale(name) };
    }
    const weights = await this.floats(entry);
    try {
      const grid = this.grid(entry, weights);
      // Where a weight is not finite, neither is the scale.
      if (!(grid.scale < Infinity)) requireFinite('quantizeWeights', weights);
      const values = this.#values.take(weights.length);
      if (encoding === 'F32') onGrid(grid, weights, values);
      else lookUp(onGrid(grid, VALUES[encoding]), this.codes(entry), values);
      return { values, shape, scale: this.rounded(grid.scale, entry) };
    } catch (error) {
      if (error instanceof FileError) throw error;
      throw new CheckpointError(
        {
          operation,
          file,
          tensor: name,
          offset: byteOffset,
          what: 'the weights',
          expected: 'finite',
          found: (error as Error).message.replace(/\.$/, ''),
          hint: 'Export an earlier checkpoint of the run.',
        },
        { cause: error },
      );
    }
  }

  private rounded(scale: number, { file, name, byteOffset }: TensorEntry): number {
    const stored = this.dtype === 'F32' ? scale : halfToNumber(this.dtype, numberToHalf(this.dtype, scale));
    return checkScale(stored, file, name, byteOffset);
  }

  private async bytes(entry: TensorEntry): Promise<Uint8Array> {
    const bytes = this.#bytes.take(entry.byteLength);
    await this.checkpoint.read(entry, bytes, 0, this.signal);
    return bytes;
  }

  private async floats(entry: TensorEntry): Promise<Float32Array> {
    const { buffer, length } = await this.bytes(entry);
    if (entry.encoding === 'F32') return new Float32Array(buffer, 0, length / DTYPE_BYTES.F32);
    const codes = this.codes(entry);
    return widenHalf(entry.encoding as HalfDtype, codes, this.#floats.take(codes.length));
  }

  /** The codes of a matrix of half floats, which was read last. */
  private codes({ byteLength }: TensorEntry): Uint16Array {
    return new Uint16Array(this.#bytes.take(byteLength).buffer, 0, byteLength / DTYPE_BYTES.F16);
  }

  /** The bytes of a tensor piece by piece, each passed through `convert`; the next piece overwrites them. */
  async *pieces(
    entry: TensorEntry,
    convert: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => bytes,
  ): AsyncGenerator<Uint8Array> {
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    for (let start = 0; start < entry.byteLength; start += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, entry.byteLength - start);
      if (bytes?.length !== length) bytes = new Uint8Array(length);
      await this.checkpoint.read(entry, bytes, start, this.signal);
      yield convert(bytes);
    }
  }
}

function requireExportable(config: ModelConfig, format: ExportFormat, file: string): void {
  const options = ablationOptions(config);
  const fail = (what: string, expected: string, found: string, hint: string): never => {
    throw new CheckpointError({ operation, file, what, expected, found, hint });
  };
  if (!TERNARY_QUANTIZERS.includes(options.weight_quantizer)) {
    const expected = `one of ${TERNARY_QUANTIZERS.join(', ')}`;
    fail('weight_quantizer', expected, options.weight_quantizer, 'Other weights do not fit into two bits.');
  }
  for (const key of ['weight_groups', 'weight_group_size'] as const) {
    if (options[key] !== undefined) fail(key, 'absent', `${options[key]}`, 'A packed matrix has one scale.');
  }
  if (format === 'packed') return; // config.json carries the other options
  const { activation_quantizer: activations, down_activation_quantizer: down = activations } = options;
  const { activation_quantizer: expected, norm_placement } = BITNET_B158;
  for (const [key, found, wanted] of [
    ['activation_quantizer', activations, expected],
    ['down_activation_quantizer', down, expected],
    ['output_activation_quantizer', options.output_activation_quantizer ?? activations, expected],
    ['body', options.body ?? 'that of 2B4T', 'that of 2B4T'],
    ['norm_placement', options.norm_placement, norm_placement],
  ]) {
    if (found === wanted) continue;
    fail(key, wanted, found, 'GGUF has no word for other choices: export to packed.');
  }
}

function requireShapes(matrices: readonly TensorEntry[], format: ExportFormat): void {
  for (const { name: tensor, shape, file } of matrices) {
    const problem = shapeProblem(ENCODINGS[format], shape);
    if (problem === undefined) continue;
    const fitting = EXPORT_FORMATS.filter((other) =>
      matrices.every((matrix) => shapeProblem(ENCODINGS[other], matrix.shape) === undefined),
    );
    const hint =
      fitting.length > 0 ? `The model fits the format ${fitting.join(' or ')}.` : 'No format fits it.';
    throw new CheckpointError({ operation, file, tensor, ...problem, hint });
  }
}
