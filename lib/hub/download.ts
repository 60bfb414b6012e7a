/** One file from the Hub to the disk: resumed where it broke off, and checked before it gets its name. */
import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { FileBytes } from '../io/file-bytes.js';
import { explainSystemError, FileError } from '../io/file-error.js';
import type { RemoteFile } from './listing.js';
import { HubError, request, unreachable, withPatience, type HubSession } from './request.js';

const READ_BYTES = 1 << 20;

/** Where a file comes from and goes to. */
export interface DownloadJob {
  file: RemoteFile;
  url: string;
  /** The finished file; what there is of it stands beside as `.incomplete`. */
  path: string;
  /** Receives how many bytes of this file are on the disk, each time that changes. */
  onBytes: (bytes: number) => void;
}

/**
 * Downloads a file. A broken download continues where it stopped, in this call and in a later one.
 * @throws HubError if the server refuses, lies about the size, or sends other bytes than the hash says; then nothing is
 * kept. FileError if the disk is full or cannot be written.
 * @throws the signal's reason if it is aborted; what has come is kept
 */
export async function downloadBlob(session: HubSession, job: DownloadJob): Promise<void> {
  const incomplete = incompletePath(job.path);
  try {
    const file = await openIncomplete(incomplete);
    try {
      const partial = new PartialFile(file, job);
      await partial.readWhatIsThere();
      await fill(session, partial, job);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(incomplete, job.path);
  } catch (error) {
    if (error instanceof WrongContent) await rm(incomplete, { force: true });
    throw explainSystemError('download', incomplete, error);
  }
}

/** Where a download that is not done stands. */
export function incompletePath(path: string): string {
  return `${path}.incomplete`;
}

/**
 * Whether a file holds the bytes of which `hash` is the hash.
 * @param hash 64 digits of a SHA-256, or 40 of git's SHA-1 of a blob
 */
export async function hasHash(path: string, hash: string): Promise<boolean> {
  const operation = 'read downloaded file';
  const file = await FileBytes.open(path, operation);
  try {
    const digest = newHash({ hash, bytes: file.size });
    for await (const piece of file.pieces({ operation })) digest.update(piece);
    return digest.digest('hex') === hash;
  } finally {
    await file.close();
  }
}

/** What has come cannot be part of the file. */
class WrongContent extends HubError {}

async function openIncomplete(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r+');
    // A pipe would take what is written and wait for a reader; a device answers at once.
    if (!(await file.stat()).isFIFO()) return file;
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'wx+');
  }
  throw new FileError({
    operation: 'download',
    file: path,
    what: 'the path',
    expected: 'a file',
    found: 'a pipe',
    hint: 'Move it elsewhere.',
  });
}

/** Fetches the rest, and once more all of it if what was left of an earlier download turns out to be damaged. */
async function fill(session: HubSession, partial: PartialFile, job: DownloadJob): Promise<void> {
  const found = partial.bytes;
  const fetchRest = (): Promise<void> =>
    withPatience(
      session,
      () => fetchOnce(session, partial, job),
      () => partial.bytes,
    );
  await fetchRest();
  if (partial.isRight()) return;
  if (found > 0) {
    await partial.clear();
    await fetchRest();
    if (partial.isRight()) return;
  }
  const { path, hash } = job.file;
  throw new WrongContent(
    `download: ${path} must have the hash ${hash}, got ${partial.digest()} from ${job.url}. ` +
      'Nothing of it is kept. Try again, or another endpoint.',
  );
}

/** One request for what is missing. */
async function fetchOnce(
  session: HubSession,
  partial: PartialFile,
  { file, url }: DownloadJob,
): Promise<void> {
  if (partial.bytes === file.bytes) return;
  const headers: Record<string, string> = partial.bytes > 0 ? { range: `bytes=${partial.bytes}-` } : {};
  const { response, watch } = await request(session, url, { headers, accept: [416] });
  try {
    await checkAnswer(response, partial, file, url);
    for await (const chunk of response.body ?? []) {
      watch.heard((chunk as Uint8Array).length);
      if (partial.bytes + (chunk as Uint8Array).length > file.bytes) throw wrongSize(file, url, 'more');
      await partial.append(chunk as Uint8Array);
    }
  } catch (error) {
    session.signal?.throwIfAborted();
    if (error instanceof HubError || isSystemError(error)) throw error;
    throw unreachable(url, watch, error);
  } finally {
    watch.stop();
    await response.body?.cancel().catch(() => undefined);
  }
  if (partial.bytes < file.bytes) {
    throw new HubError(
      `download: ${url} must give ${file.bytes} bytes of ${file.path}, got ${partial.bytes} before it ended. Try again.`,
      { isTransient: true },
    );
  }
}

/** Brings the partial file to where the answer begins, and holds the announced size against the listing's. */
async function checkAnswer(
  response: Response,
  partial: PartialFile,
  file: RemoteFile,
  url: string,
): Promise<void> {
  if (response.status === 416) {
    // The server has no more than what is here, which is not all: start over.
    await partial.clear();
    throw new HubError(`download: ${url} cannot go on with ${file.path}.`, { isTransient: true });
  }
  if (response.status === 206) {
    const [, first, total] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
    if (total !== undefined && total !== '*' && Number(total) !== file.bytes)
      throw wrongSize(file, url, total);
    const { bytes } = partial;
    if (Number(first) === bytes) return;
    await partial.clear();
    throw new HubError(`download: ${url} must go on at byte ${bytes}, got ${first}.`, {
      isTransient: true,
    });
  }
  // The whole file, from its beginning: also the answer of servers that do not know ranges.
  await partial.clear();
  const announced =
    response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null;
  if (announced !== null && Number(announced) !== file.bytes) throw wrongSize(file, url, announced);
}

function wrongSize(file: RemoteFile, url: string, found: string): WrongContent {
  return new WrongContent(
    `download: ${file.path} must have ${file.bytes} bytes as the listing says, got ${found} from ${url}. ` +
      'Nothing of it is kept. Try again, or another endpoint.',
  );
}

const FILE_CALLS: ReadonlySet<string | undefined> = new Set(['write', 'ftruncate', 'fstat', 'read']);

/** An error of the disk. Those of the network come inside fetch's own errors. */
function isSystemError(error: unknown): boolean {
  const { errno, syscall } = error as NodeJS.ErrnoException;
  return typeof errno === 'number' && FILE_CALLS.has(syscall);
}

/** A file that grows at its end, and the hash of what is in it. */
class PartialFile {
  bytes = 0;
  readonly #handle: FileHandle;
  readonly #job: DownloadJob;
  #hash: Hash;
  #digest: string | undefined;

  constructor(handle: FileHandle, job: DownloadJob) {
    this.#handle = handle;
    this.#job = job;
    this.#hash = newHash(job.file);
  }

  /** Takes in what an earlier download left. */
  async readWhatIsThere(): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size > this.#job.file.bytes) {
      await this.clear();
      return;
    }
    const buffer = new Uint8Array(READ_BYTES);
    while (this.bytes < Math.min(size, this.#job.file.bytes)) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.bytes);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.bytes += bytesRead;
    }
    this.#job.onBytes(this.bytes);
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(
        chunk,
        written,
        chunk.length - written,
        this.bytes + written,
      );
      written += bytesWritten;
    }
    this.#hash.update(chunk);
    this.bytes += chunk.length;
    this.#job.onBytes(this.bytes);
  }

  async clear(): Promise<void> {
    if (this.bytes === 0 && (await this.#handle.stat()).size === 0) return;
    await this.#handle.truncate(0);
    this.bytes = 0;
    this.#hash = newHash(this.#job.file);
    this.#digest = undefined;
    this.#job.onBytes(0);
  }

  isRight(): boolean {
    return this.digest() === this.#job.file.hash;
  }

  /** Of the whole file. */
  digest(): string {
    return (this.#digest ??= this.#hash.digest('hex'));
  }
}

/** 64 digits are a SHA-256; 40 are git's SHA-1, which begins with the kind and the length. */
function newHash({ hash, bytes }: Pick<RemoteFile, 'hash' | 'bytes'>): Hash {
  return hash.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}
