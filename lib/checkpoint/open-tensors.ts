/** What the containers share once their headers are read: open files, entries by name, scales, exact reads. */
import type { ModelConfig } from '../config.js';
import type { Checkpoint, TensorEntry } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import type { FileBytes } from '../io/file-bytes.js';
import type { GenerationConfig } from './generation-config.js';
import type { TokenizerSource } from './tokenizer-source.js';

/** A checkpoint over files that stay open until it is closed. */
export class OpenTensors implements Checkpoint {
  readonly source: string;
  readonly config: ModelConfig;
  readonly generationConfig: GenerationConfig;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly tokenizerSource: TokenizerSource;
  readonly notes: readonly string[];
  private readonly files: ReadonlyMap<string, FileBytes>;
  private readonly scales: ReadonlyMap<string, number>;

  constructor(parts: {
    source: string;
    config: ModelConfig;
    generationConfig: GenerationConfig;
    tensors: ReadonlyMap<string, TensorEntry>;
    tokenizerSource: TokenizerSource;
    files: readonly FileBytes[];
    scales: ReadonlyMap<string, number>;
    notes?: readonly string[];
  }) {
    this.source = parts.source;
    this.config = parts.config;
    this.generationConfig = parts.generationConfig;
    this.tensors = parts.tensors;
    this.tokenizerSource = parts.tokenizerSource;
    this.notes = parts.notes ?? [];
    this.files = new Map(parts.files.map((file) => [file.path, file]));
    this.scales = parts.scales;
  }

  scale(name: string): number | undefined {
    return this.scales.get(name);
  }

  async read(entry: TensorEntry, target: Uint8Array, byteStart = 0, signal?: AbortSignal): Promise<void> {
    if (!(byteStart >= 0 && byteStart + target.length <= entry.byteLength)) {
      throw new RangeError(
        `read tensor: bytes ${byteStart} to ${byteStart + target.length} must lie within the ${entry.byteLength} ` +
          `bytes of ${entry.name} in ${entry.file}.`,
      );
    }
    const file = this.files.get(entry.file);
    if (file === undefined) {
      throw new RangeError(
        `read tensor: the entry must be one of this checkpoint's, got one of ${entry.file}.`,
      );
    }
    const purpose = { operation: 'read tensor', tensor: entry.name };
    await file.read(entry.byteOffset + byteStart, target, purpose, signal);
  }

  async close(): Promise<void> {
    await closeAll([...this.files.values()]);
  }
}

/** Closes all files, also when closing one of them fails. */
export async function closeAll(files: readonly FileBytes[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

/**
 * Checks a factor that multiplies the integer product of a matrix.
 * @throws CheckpointError unless it is finite and above 0
 */
export function checkScale(scale: number, file: string, tensor: string, offset?: number): number {
  if (scale > 0 && scale < Infinity) return scale;
  throw new CheckpointError({
    operation: 'read scale',
    file,
    tensor,
    offset,
    what: 'scale',
    expected: 'finite and above 0',
    found: `${scale}`,
    hint: 'The file is damaged, or the training run that wrote it had diverged.',
  });
}
