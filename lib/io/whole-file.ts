/**
 * Files read whole: regular ones, of a bounded size. Reading a pipe would wait for what writes to it, and a device or
 * a file of a hundred gigabytes would fill the memory.
 */
import { join } from 'node:path';
import { FileBytes } from './file-bytes.js';
import { FileError } from './file-error.js';

/** tokenizer.json of a Llama-3 vocabulary has 17 million bytes; parsed, a file can take twenty times its size. */
const MAX_BYTES = 67_108_864;

/**
 * The bytes of a file.
 * @param maxBytes largest size that is read
 * @throws FileError where it is missing, no regular file or larger
 */
export async function readWhole(
  path: string,
  operation: string,
  maxBytes: number = MAX_BYTES,
): Promise<Buffer> {
  const file = await FileBytes.open(path, operation);
  try {
    if (file.size > maxBytes) {
      const expected = `at most ${maxBytes} bytes`;
      throw new FileError({ operation, file: path, what: 'size', expected, found: `${file.size}` });
    }
    const bytes = Buffer.alloc(file.size);
    await file.read(0, bytes, { operation });
    return bytes;
  } finally {
    await file.close();
  }
}

/** The text of a file, checked to be UTF-8; a byte order mark is left out. @throws FileError */
export async function readTextFile(
  path: string,
  operation: string,
  maxBytes: number = MAX_BYTES,
): Promise<string> {
  const bytes = await readWhole(path, operation, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FileError({ operation, file: path, what: 'text', expected: 'UTF-8', found: 'other bytes' });
  }
}

/** The text of a file of the folder, or undefined where there is none. @throws FileError */
export async function readOptionalText(
  folder: string,
  name: string,
  operation: string,
): Promise<string | undefined> {
  return ifThere(readTextFile(join(folder, name), operation));
}

/**
 * The text of a file that may be damaged: bytes that are no UTF-8 become replacement characters, as they do in Node's
 * own reading.
 * @returns undefined where there is no such file
 * @throws FileError
 */
export async function readTextIfThere(
  path: string,
  operation: string,
  maxBytes: number = MAX_BYTES,
): Promise<string | undefined> {
  return (await ifThere(readWhole(path, operation, maxBytes)))?.toString('utf8');
}

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof FileError && error.found === 'ENOENT') return undefined;
    throw error;
  }
}
