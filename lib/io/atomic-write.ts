/**
 * Files and folders that appear whole or not at all. Everything is written beside its place and renamed into it, so a
 * process killed at any moment leaves the old version or the new one.
 */
import { access, lstat, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError } from './file-error.js';

let writes = 0;

/** A name beside `path` that no other write uses, in this process or another. */
function partialName(path: string): string {
  writes += 1;
  return `${path}.partial-${process.pid}-${writes}`;
}

/** Removes what killed processes left of earlier writes to `path`; running ones keep theirs. */
async function removeAbandoned(path: string): Promise<void> {
  const prefix = `${basename(path)}.partial-`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const pid = name.startsWith(prefix) ? /^(\d+)-\d+$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) {
      await rm(join(dirname(path), name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 asks, and sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A rename would put a plain file in the place of a device such as /dev/null, and break what else uses it. */
async function requireReplaceable(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
  throw new CheckpointError({
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
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(target);
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
}

/**
 * Fills a new folder beside `folder`, then puts it in the place of the old one. No call replaces a folder that has
 * files in it in one step, so the complete new one waits as `folder.replacing-new` while the old one leaves as
 * `folder.replaced-old`;
 * `finishReplacement` mends what a kill between the two leaves.
 * @param fill writes the files into the folder it is given; if it throws, `folder` is untouched
 */
export async function replaceFolderAtomically(
  folder: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(folder);
  await mkdir(dirname(target), { recursive: true });
  await finishReplacement(target);
  await removeAbandoned(target);
  const partial = partialName(target);
  try {
    await mkdir(partial);
    await fill(partial);
    await rename(partial, `${target}.replacing-new`);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  if (await exists(target)) await rename(target, `${target}.replaced-old`);
  await finishReplacement(target);
}

/** Ends a replacement of `folder` that was cut off; does nothing where there was none. */
export async function finishReplacement(folder: string): Promise<void> {
  const target = resolve(folder);
  if (!(await exists(target))) {
    for (const complete of [`${target}.replacing-new`, `${target}.replaced-old`]) {
      if (!(await exists(complete))) continue;
      await rename(complete, target);
      break;
    }
  }
  await rm(`${target}.replacing-new`, { recursive: true, force: true });
  await rm(`${target}.replaced-old`, { recursive: true, force: true });
}
