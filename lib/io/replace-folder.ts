/**
 * Folders that appear whole or not at all, in the place of an earlier version of the same kind and of nothing else:
 * what this project did not write is never moved away or removed.
 */
import { quote } from './quote.js';
import { lstat, mkdir, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from './make-folder.js';
import { abandonedBeside, partialName, whileLocked, withoutWriting } from './atomic-write.js';
import { FileError } from './file-error.js';
import { tryLock } from './lock.js';

/** What a folder may be for a new one to take its place. */
export interface FolderKind {
  /** What is being done, such as `save model`. */
  operation: string;
  /** Such as `a model folder`. */
  kind: string;
  /** Names of all files that this project writes into one. */
  files: readonly string[];
  /** Whether a folder with such files alone is one: others may have a config.json, too. */
  isOne: (folder: string, files: readonly string[]) => Promise<boolean>;
}

const SHOWN_NAMES = 5;

/** How long a reader waits for a folder that is being replaced, and how long between two looks. */
const READ_PATIENCE_MS = 5_000;
const READ_AGAIN_MS = 20;

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const waiting = (target: string): string => `${target}.replacing-new`;
const leaving = (target: string): string => `${target}.replaced-old`;

/**
 * Fills a new folder beside `folder`, then puts it in the place of the old one. No call replaces a folder that has
 * files in it in one step, so the complete new one waits as `folder.replacing-new` while the old one leaves as
 * `folder.replaced-old`; the next writer, or a reader that finds no writer, mends what a kill between the two leaves.
 * @param keep files or folders that the new one is made from: no folder that they lie in is replaced
 * @param fill writes the files into the folder it is given; if it throws, `folder` is untouched
 * @throws FileError where something else than such a folder is in the way; it is named, and nothing was changed
 */
export async function replaceFolder(
  folder: string,
  { own, keep = [] }: { own: FolderKind; keep?: readonly string[] },
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = await realTarget(folder);
  await requireReplaceable(target, own, keep);
  await whileLocked(target, async () => {
    await settle(target, own);
    for (const left of await abandonedBeside(target)) await removeFolder(left, own);
    const partial = partialName(target);
    try {
      await mkdir(partial);
      await fill(partial);
      // Something may have been put there while the new one was written.
      await requireReplaceable(target, own, keep);
      await rename(partial, waiting(target));
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
    if (await exists(target)) await rename(target, leaving(target));
    await settle(target, own);
  });
}

/** The one place that links and spellings of a name come down to; its parent folder is made. */
async function realTarget(folder: string): Promise<string> {
  const path = resolve(folder);
  await makeFolder(dirname(path));
  if (await exists(path)) return realpath(path);
  return join(await realpath(dirname(path)), basename(path));
}

/** Ends a replacement of `target` that was cut off. Only for the holder of its lock. */
async function settle(target: string, own: FolderKind): Promise<void> {
  for (const left of [waiting(target), leaving(target)]) await requireOwn(left, own);
  await bringBack(target);
  for (const left of [waiting(target), leaving(target)]) await removeFolder(left, own);
}

/** Ends a replacement of a folder that a kill cut off. */
export async function mendReplacement(folder: string, own: FolderKind): Promise<void> {
  const target = resolve(folder);
  if (await isCutOff(target)) await whileLocked(target, () => settle(target, own));
}

/** Where a replacement was cut off between its two renames: the new version if it was whole, else the old one. */
async function bringBack(target: string): Promise<void> {
  if (await exists(target)) return;
  for (const complete of [waiting(target), leaving(target)]) {
    if (await exists(complete)) return rename(complete, target);
  }
}

/** @throws FileError where a folder holds anything that is not this project's */
async function requireOwn(folder: string, own: FolderKind): Promise<void> {
  const foreign = (await exists(folder)) ? await foreignIn(folder, own) : [];
  if (foreign.length > 0) fail(folder, own, `one that holds ${shown(foreign)}`, 'Move that elsewhere.');
}

/** Removes a folder of this project. @throws FileError, and removes nothing, where it holds anything else */
export async function removeFolder(folder: string, own: FolderKind): Promise<void> {
  if (!(await exists(folder))) return;
  await requireOwn(folder, own);
  for (const name of await readdir(folder)) await rm(join(folder, name));
  await rmdir(folder);
}

/** Names in a folder that are none of this project's files. */
async function foreignIn(folder: string, own: FolderKind): Promise<string[]> {
  if (!(await lstat(folder)).isDirectory()) return [basename(folder)];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() || !own.files.includes(withoutWriting(entry.name)))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
}

/** @throws FileError for anything in the way but an empty folder or one of the right kind */
async function requireReplaceable(target: string, own: FolderKind, keep: readonly string[]): Promise<void> {
  const other = 'Name another folder: what is there would be lost.';
  const places: [path: string, what: string][] = [
    [process.cwd(), 'the working folder'],
    [homedir(), 'the home folder'],
    ...keep.map((path): [string, string] => [path, 'the source']),
  ];
  for (const [path, what] of places) {
    const place = await realpath(path).catch(() => resolve(path));
    if (place === target) fail(target, own, what, other);
    if (isInside(place, target)) fail(target, own, `a folder that ${what} lies in`, other);
  }
  const found = await lstat(target).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory()) fail(target, own, 'a file', 'Name another folder.');
  const foreign = await foreignIn(target, own);
  if (foreign.length > 0) fail(target, own, `one that holds ${shown(foreign)}`, other);
  const files = await readdir(target);
  if (files.length > 0 && !(await own.isOne(target, files)))
    fail(target, own, `another one, with ${shown(files)}`, other);
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(join('..', '/')) && !isAbsolute(way);
}

function shown(names: readonly string[]): string {
  const more = names.length - SHOWN_NAMES;
  return (
    names
      .slice(0, SHOWN_NAMES)
      .map((name) => quote(name))
      .join(', ') + (more > 0 ? ` and ${more} more` : '')
  );
}

function fail(file: string, { operation, kind }: FolderKind, found: string, hint: string): never {
  const expected = `a new name, an empty folder or ${kind}`;
  throw new FileError({ operation, file, what: 'the path', expected, found, hint });
}

/**
 * Reads a folder that may be replaced meanwhile. Where that made the reading fail, it is tried again. A reader never
 * touches what a writer is at; what a killed one left half replaced, it brings back.
 */
export async function readReplaced<T>(folder: string, read: () => Promise<T>): Promise<T> {
  const target = resolve(folder);
  const end = Date.now() + READ_PATIENCE_MS;
  for (;;) {
    const before = await identity(target);
    try {
      return await read();
    } catch (error) {
      const isMoving = before !== (await identity(target)) || (await isCutOff(target));
      if (!isMoving || Date.now() >= end) throw error;
    }
    // On a disk that cannot be written it stays cut off, and the reading says what is missing.
    await bringBackUnlessLocked(target).catch(() => undefined);
    await sleep(READ_AGAIN_MS);
  }
}

async function bringBackUnlessLocked(target: string): Promise<void> {
  if (await exists(target)) return;
  const lock = await tryLock(`${target}.lock`);
  try {
    if (lock) await bringBack(target);
  } finally {
    lock?.release();
  }
}

async function isCutOff(target: string): Promise<boolean> {
  return (await exists(waiting(target))) || exists(leaving(target));
}

async function identity(folder: string): Promise<string | undefined> {
  const found = await stat(folder, { bigint: true }).catch(() => undefined);
  return found && `${found.dev} ${found.ino}`;
}
