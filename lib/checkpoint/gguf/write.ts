/** Writing of GGUF files, version 3, little-endian. */
import { requireSameKind, writeFileAtomically } from '../../io/atomic-write.js';
import { CheckpointError } from '../checkpoint-error.js';
import { explainSystemError } from '../../io/file-error.js';
import { encodedBytes } from '../encodings.js';
import { GGML_TYPES, type GgmlEncoding } from './ggml-types.js';
import { GGUF_DEFAULT_ALIGNMENT, GGUF_MAGIC, GGUF_VERSION } from './gguf.js';
import { GGUF_TYPES } from './header-reader.js';

/** A metadata pair with the type that readers expect of its key. */
export type GgufPair = readonly [key: string, type: ScalarType | `${ScalarType}[]`, value: unknown];
type ScalarType = 'UINT32' | 'INT32' | 'FLOAT32' | 'BOOL' | 'STRING';

/** A tensor to write. */
export interface GgufTensorToWrite {
  /** ggml's name. */
  name: string;
  encoding: GgmlEncoding;
  /** `[out, in]`, or `[n]`. */
  shape: readonly number[];
  /** Its bytes, piece by piece, so that no tensor has to lie in memory as a whole. */
  bytes: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * Writes a GGUF file beside its place and renames it.
 * @throws CheckpointError if the disk is full or a tensor's bytes do not fit its shape, or `path` holds anything but
 *   an earlier GGUF file; it is then untouched
 */
export async function writeGguf(
  path: string,
  metadata: readonly GgufPair[],
  tensors: readonly GgufTensorToWrite[],
): Promise<void> {
  const operation = 'write GGUF';
  const header = formatHeader(metadata, tensors);
  try {
    await requireSameKind(
      path,
      'a GGUF file',
      (head) => head.length >= 4 && head.readUInt32LE(0) === GGUF_MAGIC,
    );
    await writeFileAtomically(path, async (file) => {
      await file.writeFile(header);
      for (const { name, encoding, shape, bytes } of tensors) {
        let written = 0;
        for await (const piece of bytes()) {
          await file.writeFile(piece);
          written += piece.length;
        }
        const wanted = encodedBytes(encoding, shape);
        if (written !== wanted) {
          const found = `${written}`;
          throw new CheckpointError({
            operation,
            file: path,
            tensor: name,
            what: 'data',
            expected: `${wanted} bytes`,
            found,
          });
        }
        await file.writeFile(new Uint8Array(padding(written)));
      }
    });
  } catch (error) {
    throw explainSystemError(operation, path, error);
  }
}

function padding(bytes: number): number {
  return (GGUF_DEFAULT_ALIGNMENT - (bytes % GGUF_DEFAULT_ALIGNMENT)) % GGUF_DEFAULT_ALIGNMENT;
}

function formatHeader(metadata: readonly GgufPair[], tensors: readonly GgufTensorToWrite[]): Uint8Array {
  const writer = new HeaderWriter();
  writer.uint32(GGUF_MAGIC);
  writer.uint32(GGUF_VERSION);
  writer.uint64(tensors.length);
  writer.uint64(metadata.length);
  for (const [key, type, value] of metadata) {
    writer.text(key);
    if (type.endsWith('[]')) {
      const elementType = type.slice(0, -2) as ScalarType;
      writer.uint32(GGUF_TYPES.ARRAY);
      writer.uint32(GGUF_TYPES[elementType]);
      writer.uint64((value as unknown[]).length);
      for (const element of value as unknown[]) writer.scalar(elementType, element);
    } else {
      writer.uint32(GGUF_TYPES[type as ScalarType]);
      writer.scalar(type as ScalarType, value);
    }
  }
  let offset = 0;
  for (const { name, encoding, shape } of tensors) {
    writer.text(name);
    writer.uint32(shape.length);
    for (const length of [...shape].reverse()) writer.uint64(length);
    writer.uint32(GGML_TYPES[encoding]);
    writer.uint64(offset);
    const bytes = encodedBytes(encoding, shape);
    offset += bytes + padding(bytes);
  }
  return writer.padded();
}

/** Collects the header's fields in a buffer that grows as needed. */
class HeaderWriter {
  private bytes = new Uint8Array(65_536);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** Makes room for `count` bytes and returns where they start. */
  private take(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return start;
  }

  uint32(value: number): void {
    const start = this.take(4);
    this.view.setUint32(start, value, true);
  }

  uint64(value: number): void {
    const start = this.take(8);
    this.view.setBigUint64(start, BigInt(value), true);
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.uint64(encoded.length);
    const start = this.take(encoded.length);
    this.bytes.set(encoded, start);
  }

  scalar(type: ScalarType, value: unknown): void {
    if (type === 'STRING') return this.text(value as string);
    const start = this.take(type === 'BOOL' ? 1 : 4);
    if (type === 'BOOL') this.view.setUint8(start, value === true ? 1 : 0);
    else if (type === 'UINT32') this.view.setUint32(start, value as number, true);
    else if (type === 'INT32') this.view.setInt32(start, value as number, true);
    else this.view.setFloat32(start, value as number, true);
  }

  padded(): Uint8Array {
    return this.bytes.slice(0, this.length + padding(this.length));
  }
}
