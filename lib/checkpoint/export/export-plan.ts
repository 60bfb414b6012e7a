/** What becomes of each tensor of a model in an export, checked as a whole before the first byte is written. */
import { ablationOptions, BITNET_B158, type ModelConfig } from '../../config.js';
import { quantizeWeights, weightGrid } from '../../quantizers/weights.js';
import type { Checkpoint, TensorEntry } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import { FileError } from '../../io/file-error.js';
import { halfToNumber, numberToHalf, widenHalf, type HalfDtype } from '../dtypes.js';
import { encodedBytes, isTernary, shapeProblem } from '../encodings.js';
import { checkScale } from '../open-tensors.js';
import { unpackTernary, type TernaryMatrix } from '../packing.js';

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

/** The tensors of an open model folder as an export format wants them. */
export class ExportPlan {
  readonly encoding: (typeof ENCODINGS)[ExportFormat];
  /** The seven matrices of each layer. */
  readonly matrices: readonly TensorEntry[];
  /** Embedding, output matrix, norms, and what an ablation has beside them. */
  readonly others: readonly TensorEntry[];
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
    const { weight_quantizer: quantizer } = ablationOptions(this.checkpoint.config);
    return this.rounded(weightGrid(quantizer, await this.floats(entry)).scale, entry);
  }

  /** A matrix as the model's own quantizer makes it in training, and its factor. */
  async matrix(entry: TensorEntry): Promise<TernaryMatrix> {
    const { name, encoding, byteOffset, file } = entry;
    const shape = entry.shape as [number, number];
    if (isTernary(encoding)) {
      const bytes = await this.bytes(entry);
      const { values } = unpackTernary(encoding, bytes, shape, { file, tensor: name, byteOffset });
      return { values, shape, scale: this.checkpoint.scale(name) };
    }
    const weights = await this.floats(entry);
    const { weight_quantizer: quantizer } = ablationOptions(this.checkpoint.config);
    try {
      const { values, scale } = quantizeWeights(quantizer, weights);
      return { values, shape, scale: this.rounded(scale, entry) };
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
    const bytes = new Uint8Array(entry.byteLength);
    await this.checkpoint.read(entry, bytes, 0, this.signal);
    return bytes;
  }

  private async floats(entry: TensorEntry): Promise<Float32Array> {
    const { buffer } = await this.bytes(entry);
    return entry.encoding === 'F32'
      ? new Float32Array(buffer)
      : widenHalf(entry.encoding as HalfDtype, new Uint16Array(buffer));
  }

  /** The bytes of a tensor piece by piece, each passed through `convert`. */
  async *pieces(
    entry: TensorEntry,
    convert: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
  ): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < entry.byteLength; start += CHUNK_BYTES) {
      const bytes = new Uint8Array(Math.min(CHUNK_BYTES, entry.byteLength - start));
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
  if (format === 'packed') return; // config.json carries the other options
  const { activation_quantizer: activations, down_activation_quantizer: down = activations } = options;
  const { activation_quantizer: expected, norm_placement } = BITNET_B158;
  for (const [key, found, wanted] of [
    ['activation_quantizer', activations, expected],
    ['down_activation_quantizer', down, expected],
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
