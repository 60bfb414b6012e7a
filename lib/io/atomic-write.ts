/**
 * Files that appear whole or not at all: written beside their place and renamed into it, so a process killed at any
 * moment leaves the old version or the new one. One writer at a time, across processes.
 */
import { randomBytes } from 'node:crypto';
import { lstat, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from './make-folder.js';
import { FileError } from './file-error.js';
import { holderOf, waitForLock } from './lock.js';

/** How long a writer waits for another one of the same place. */
const PATIENCE_MS = 60_000;

/** What a writer has beside `name` while it works: its lock, and the new version. */
const RE_BESIDE = /^(.+)\.(?:lock|partial-[0-9a-f]{16})$/;

/** The name of which `name` is what a writer has beside it; `name` itself where it is nothing of the kind. */
export function withoutWriting(name: string): string {
  return RE_BESIDE.exec(name)?.[1] ?? name;
}

/** A name beside `path` that no other write uses, in this process or another. */
export function partialName(path: string): string {
  return `${path}.partial-${randomBytes(8).toString('hex')}`;
}

/** What killed writers left beside `path`. Only the holder of its lock may take it for that. */
export async function abandonedBeside(path: string): Promise<string[]> {
  const name = basename(path);
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((other) => other.startsWith(`${name}.partial-`) && withoutWriting(other) === name)
    .map((other) => join(dirname(path), other));
}

/**
 * Does `work` while no other process writes to `path`, whose folder is there.
 * @throws FileError where another one does for a minute
 */
export async function whileLocked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const file = `${path}.lock`;
  const lock = await waitForLock(file, PATIENCE_MS);
  if (lock === undefined) {
    throw new FileError({
      operation: 'write file',
      file: path,
      what: 'the path',
      expected: 'written by one process at a time',
      found: `held by ${await holderOf(file)}`,
      hint: 'Wait until that one is done, or name another path.',
    });
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** A rename would put a plain file in the place of a device such as /dev/null, and break what else uses it. */
async function requireReplaceable(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
  throw new FileError({
    operation: 'write file',
    file: path,
    what: 'the path',
    expected: 'a file, or not there yet',
    found: found.isDirectory() ? 'a folder' : 'a device',
    hint: 'Name another file.',
  });
}

/**
 * Writes a file beside `path`, flushes it to the disk and renames it into place. Missing parent folders are made.
 * @param write gets the open file; if it throws, `path` is untouched and nothing is left behind
 */
export async function writeFileAtomically(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  await requireReplaceable(target);
  await makeFolder(dirname(target));
  await whileLocked(target, async () => {
    for (const left of await abandonedBeside(target)) await rm(left, { force: true });
    const partial = partialName(target);
    try {
      const file = await open(partial, 'wx');
      try {
        await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  });
}

/**
 * Refuses to write over a file that is of another kind than the one to be written.
 * @param kind what the file must be, such as `a GGUF file`
 * @param isOfKind by its first 16 bytes, or fewer where it has no more
 * @throws FileError
 */
export async function requireSameKind(
  path: string,
  kind: string,
  isOfKind: (head: Buffer) => boolean,
): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return;
  try {
    if (!(await file.stat()).isFile()) return; // refused by the writing itself
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    if (bytesRead === 0 || isOfKind(buffer.subarray(0, bytesRead))) return;
  } finally {
    await file.close();
  }
  throw new FileError({
    operation: 'write file',
    file: path,
    what: 'the file in the way',
    expected: kind,
    found: 'something else, which would be lost',
    hint: 'Name another file.',
  });
}
