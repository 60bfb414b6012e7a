import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { explainSystemError } from '../../io/file-error.js';
import type { ModelConfig } from '../../config.js';
import { parameterSpecs } from '../../parameters.js';
import { countValues } from '../../shape.js';

/**
 * One float32 value of every learned parameter of a model, in a file that processes exchange them through: the system
 * keeps it in memory, so that reading or writing takes about as long as copying. The writer notifies the others.
 */
export class TensorFile {
  private readonly file: number;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  /** What was read last, by the parameter's name, row-major. The next `read` puts its values in the same place. */
  readonly values: ReadonlyMap<string, Float32Array>;

  /** @param mode `make` for the first process, `open` for all others */
  constructor(
    private readonly path: string,
    config: ModelConfig,
    mode: 'make' | 'open',
  ) {
    const lengths = parameterSpecs(config).map(({ name, shape }) => [name, countValues(shape)] as const);
    this.bytes = new Uint8Array(4 * lengths.reduce((sum, [, length]) => sum + length, 0));
    let offset = 0;
    this.values = new Map(
      lengths.map(([name, length]) => {
        const values = new Float32Array(this.bytes.buffer, offset, length);
        offset += 4 * length;
        return [name, values];
      }),
    );
    this.file = this.explained(() => openSync(path, mode === 'make' ? 'wx+' : 'r+'));
    if (mode === 'open') return;
    // Written now, so that a full disk shows before anything is computed.
    try {
      for (const [name, values] of this.values) this.write(name, values);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Reads all values into `values`. */
  read(): void {
    this.explained(() => {
      for (let at = 0; at < this.bytes.length;) {
        const count = readSync(this.file, this.bytes, at, this.bytes.length - at, at);
        if (count === 0)
          throw new Error(`train: ${this.path} must hold ${this.bytes.length} bytes, got ${at}.`);
        at += count;
      }
    });
  }

  /** Writes the values of one parameter. */
  write(name: string, values: Float32Array): void {
    const offset = this.values.get(name)!.byteOffset;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.explained(() => {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.file, bytes, at, bytes.length - at, offset + at);
    });
  }

  close(): void {
    closeSync(this.file);
  }

  private explained<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explainSystemError('train', this.path, error);
    }
  }
}
