/** A small file from the network, checked before it gets its name. */
import { createHash } from 'node:crypto';
import { writeFileAtomically } from '../io/atomic-write.js';
import { watchSilence } from '../io/silence.js';

/** A file that could not be fetched, or was not what it should be. The message says why. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

/** What the file must be. */
export interface ExpectedFile {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
  signal?: AbortSignal;
  /** How long the server may be silent. Default: 20 seconds. */
  silenceMs?: number;
}

/** A connection that breaks off is tried this often. The file is small: each try starts at its beginning. */
const TRIES = 3;

/**
 * Fetches a file of known size and hash into memory, and then writes it to `path`, whole or not at all.
 * @throws DownloadError if the network cannot be reached, the server refuses, or size or hash are wrong
 * @throws the signal's reason if it is aborted
 */
export async function downloadFile(url: string, path: string, expected: ExpectedFile): Promise<void> {
  const bytes = await fetchWhole(url, expected);
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (bytes.length !== expected.bytes || hash !== expected.sha256) {
    throw new DownloadError(
      `${url} must give ${expected.bytes} bytes with SHA-256 ${expected.sha256}, got ${bytes.length} with ${hash}.`,
    );
  }
  try {
    await writeFileAtomically(path, (file) => file.writeFile(bytes));
  } catch (error) {
    throw new DownloadError(`${path} cannot be written: ${(error as Error).message}.`, { cause: error });
  }
}

async function fetchWhole(url: string, expected: ExpectedFile): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(url, expected);
    } catch (error) {
      expected.signal?.throwIfAborted();
      if (error instanceof DownloadError) throw error;
      if (attempt === TRIES)
        throw new DownloadError(`${url} cannot be read: ${reason(error)}.`, { cause: error });
    }
  }
}

async function fetchOnce(
  url: string,
  { bytes, signal, silenceMs = 20_000 }: ExpectedFile,
): Promise<Uint8Array> {
  const silence = watchSilence(silenceMs, signal);
  try {
    const response = await fetch(url, { signal: silence.signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new DownloadError(`${url} answered ${response.status} ${response.statusText}.`);
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      silence.heard(chunk.length);
      chunks.push(chunk);
      length += chunk.length;
      // What is longer than the file cannot be the file: stop before it fills the memory.
      if (length > bytes) throw new DownloadError(`${url} must give ${bytes} bytes, got more.`);
    }
    return Buffer.concat(chunks);
  } finally {
    silence.stop();
  }
}

/** fetch hides the reason of a failure in the error's cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? `${message} (${cause.message})` : message;
}
