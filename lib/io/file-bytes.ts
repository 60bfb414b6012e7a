/** Exact reads from one open file: every byte asked for arrives, or an error says how many did. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { FileError, explainSystemError } from './file-error.js';

/** Bytes of one request to the disk: large enough for full speed, small enough to notice an abort at once. */
const CHUNK_BYTES = 2 ** 24;
const PIECE_BYTES = 2 ** 20;

/** What a read is for; it ends up in the error message. */
export interface ReadPurpose {
  operation: string;
  tensor?: string;
}

/** A file open for reading, whose size at opening is taken as a promise. */
export class FileBytes {
  private constructor(
    readonly path: string,
    /** Bytes in the file when it was opened. */
    readonly size: number,
    private readonly handle: FileHandle,
  ) {}

  /** @throws FileError if there is no such file or it may not be read */
  static async open(path: string, operation: string): Promise<FileBytes> {
    let handle: FileHandle | undefined;
    try {
      // A pipe without a writer would keep `open` waiting for ever.
      handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      const stat = await handle.stat();
      if (!stat.isFile()) {
        throw new FileError({
          operation,
          file: path,
          what: 'the path',
          expected: 'a file',
          found: stat.isDirectory() ? 'a folder' : stat.isFIFO() ? 'a pipe' : 'something else',
        });
      }
      return new FileBytes(path, stat.size, handle);
    } catch (error) {
      await handle?.close();
      throw explainSystemError(operation, path, error);
    }
  }

  /**
   * Fills `target` from byte `position` on. The target may be a view of shared WebAssembly memory.
   * @throws FileError if the file ends earlier; the signal's reason when it is aborted
   */
  async read(
    position: number,
    target: Uint8Array,
    purpose: ReadPurpose,
    signal?: AbortSignal,
  ): Promise<void> {
    let done = 0;
    while (done < target.length) {
      signal?.throwIfAborted();
      const length = Math.min(CHUNK_BYTES, target.length - done);
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.handle.read(target, done, length, position + done));
      } catch (error) {
        throw explainSystemError(purpose.operation, this.path, error);
      }
      if (bytesRead === 0) {
        throw new FileError({
          operation: purpose.operation,
          file: this.path,
          tensor: purpose.tensor,
          offset: position,
          what: 'the file',
          expected: `${target.length} bytes long from there`,
          found: `${done}`,
          hint: `It held ${this.size} bytes when it was opened: it is being changed, or it was cut off. Copy or download it again.`,
        });
      }
      done += bytesRead;
    }
  }

  /** All bytes from the first to the last, piece by piece; each piece is overwritten by the next. */
  async *pieces(purpose: ReadPurpose): AsyncGenerator<Uint8Array> {
    const piece = new Uint8Array(Math.min(this.size, PIECE_BYTES));
    for (let at = 0; at < this.size; at += PIECE_BYTES) {
      const part = piece.subarray(0, Math.min(PIECE_BYTES, this.size - at));
      await this.read(at, part, purpose);
      yield part;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
