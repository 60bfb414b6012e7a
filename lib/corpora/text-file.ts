/** Any text file as a corpus. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { readWhole } from '../io/whole-file.js';
import { CorpusError } from './corpus-error.js';
import { TextCorpus, type TextOptions } from './text.js';

/** A string of this many bytes still fits into JavaScript; far more than a laptop can train on. */
const MAX_BYTES = 2 ** 28;

/** A file's text and the SHA-256 of its bytes. */
export interface HashedText {
  text: string;
  hash: string;
}

/**
 * Opens a text file of the user's. It must be UTF-8; a byte order mark at its start is left out.
 * @throws CorpusError if it is missing, not a file, larger than 256 MB, empty, too short or not UTF-8
 */
export async function openTextFile(path: string, options: TextOptions = {}): Promise<TextCorpus> {
  const { text, hash } = decodeText(await readBytes(path), path);
  return new TextCorpus(text, { name: basename(path), source: `the text file ${path}`, hash }, options);
}

/** Reads a file whole. @throws CorpusError that says what is wrong with it */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readWhole(path, 'open text', MAX_BYTES);
  } catch (error) {
    throw new CorpusError((error as Error).message, { cause: error });
  }
}

/** Decodes UTF-8 strictly. */
export function decodeText(bytes: Uint8Array, path: string): HashedText {
  if (bytes.length === 0)
    throw new CorpusError(`open text: ${path}: must have text in it, got an empty file.`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CorpusError(
      `open text: ${path}: must be UTF-8, got a byte that cannot be at offset ${firstInvalidByte(bytes)}. ` +
        'Save it as UTF-8 (with iconv or an editor).',
      { cause: error },
    );
  }
  return { text, hash: createHash('sha256').update(bytes).digest('hex') };
}

/** Offset of the first byte that no UTF-8 text can go on with, by bisection: what goes on from a fault is faulty too. */
function firstInvalidByte(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    if (isBeginning(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle;
  }
  return valid;
}

/** Whether UTF-8 text can begin with these bytes; it may go on inside a character. */
function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
