/**
 * One view of every container that a BitNet checkpoint comes in: safetensors packed or online, single or sharded, and
 * GGUF. Names are those of transformers, whatever the file calls its tensors.
 */
import type { ModelConfig } from '../config.js';
import type { GenerationConfig } from './generation-config.js';
import type { TokenizerSource } from './tokenizer-source.js';

/**
 * How the values of a tensor are stored.
 * - `F32`, `F16`, `BF16`: one number a value, row-major.
 * - `packed`: transformers' two bits a weight, a byte's four weights `out / 4` rows apart.
 * - `I2_S`: bitnet.cpp's two bits a weight, with the scale in a 32-byte tail.
 * - `TQ2_0`, `TQ1_0`: ggml's 2.06 and 1.69 bits a weight, in blocks of 256 with a scale each.
 *
 * Layouts: lib/checkpoint/packing.ts.
 */
export type TensorEncoding = 'F32' | 'F16' | 'BF16' | TernaryEncoding;

/** The encodings whose weights are -1, 0 and +1. */
export type TernaryEncoding = 'packed' | 'I2_S' | 'TQ2_0' | 'TQ1_0';

/** Where a tensor lies and how it is stored. */
export interface TensorEntry {
  /** transformers' name, also for GGUF. */
  name: string;
  encoding: TensorEncoding;
  /** Logical shape: a matrix is `[out, in]` however it is packed. */
  shape: readonly number[];
  file: string;
  /** Offset from the start of the file. */
  byteOffset: number;
  /** Bytes in the file, scales and tails included. */
  byteLength: number;
}

/** An open checkpoint whose header, config and scales are checked. Close it when done. */
export interface Checkpoint {
  /** The folder or file that was opened. */
  readonly source: string;
  readonly config: ModelConfig;
  readonly generationConfig: GenerationConfig;
  /** Exactly the tensors that the config asks for, by transformers' name. The scales are not among them: see `scale`. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /**
   * The factor that multiplies the integer product of a ternary matrix: y = (x_int8 · w_ternary) · scale / x_scale.
   * Whatever the container says: the reciprocal for `linear_class` bitlinear, which divides by its weight_scale. Also
   * known for a matrix whose floats are ternary values times this factor, as some GGUF files have them: divide by it.
   * `undefined` for master weights, which are quantized by their own mean, and for embeddings and norms.
   * TQ2_0 and TQ1_0 keep a scale in every block: who unpacks them has to hold each against this one (a block of zeros
   * may have the scale 0), as `unpackTernary` does.
   * @param name transformers' name of the matrix, ending in `.weight`
   */
  scale(name: string): number | undefined;
  readonly tokenizerSource: TokenizerSource;
  /** What was taken for granted where the files say nothing, a sentence or two each; usually none. */
  readonly notes: readonly string[];
  /**
   * Bytes of a tensor as they stand in the file, straight into `target`.
   * @param target filled to its end; may be a view of shared WebAssembly memory
   * @param byteStart first byte wanted, counted from the tensor's start
   * @throws CheckpointError naming file, tensor and offset if the file ended earlier; RangeError if the range leaves
   * the tensor; the signal's reason when it is aborted
   */
  read(entry: TensorEntry, target: Uint8Array, byteStart?: number, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
