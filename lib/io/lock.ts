/** One writer per run folder, across processes: a file named `lock` that holds the writer's process id. */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { explainSystemError } from './file-error.js';
import { RunFolderError } from './run-folder-error.js';

/**
 * Takes the lock. That of a process that no longer runs is taken over.
 * @throws RunFolderError where another running process holds it
 */
export async function takeLock(path: string): Promise<void> {
  // A link appears with its content, so no process ever reads a lock that is not written yet.
  const own = `${path}.${process.pid}`;
  try {
    await writeFile(own, `${process.pid}\n`);
    if (await linked(own, path)) return;
    await requireAbandoned(path);
    if (await takenOver(own, path)) return;
    throw new RunFolderError(
      `open run: ${path} must be free, got taken by another process just now. Try again.`,
    );
  } catch (error) {
    throw explainSystemError('open run', path, error);
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Puts the own lock in the place of an abandoned one. Of several processes that find it, each could take away the lock
 * that another has just put there; so only the one that holds `path.taking` takes a lock away.
 */
async function takenOver(own: string, path: string): Promise<boolean> {
  const taking = `${path}.taking`;
  if (!(await linked(own, taking))) {
    const taker = await holderOf(taking);
    // Where it is gone already, or held, another process is about to have the lock.
    if (taker === undefined || isOther(taker)) return false;
    await rm(taking, { force: true }); // of a process that was killed right here
    if (!(await linked(own, taking))) return false;
  }
  try {
    await requireAbandoned(path);
    await rm(path, { force: true });
    return await linked(own, path);
  } finally {
    await rm(taking, { force: true });
  }
}

/** @throws RunFolderError where another running process holds the lock */
async function requireAbandoned(path: string): Promise<void> {
  const holder = await holderOf(path);
  if (holder === undefined || !isOther(holder)) return;
  throw new RunFolderError(
    `open run: ${path} must be free, got held by process ${holder}. Stop that run first. ` +
      'If that process is something else, delete the file.',
  );
}

/** The process that a lock names; undefined where there is none. */
async function holderOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.trim());
}

function isOther(pid: number): boolean {
  return pid !== process.pid && isRunning(pid);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Gives the lock back. */
export async function releaseLock(path: string): Promise<void> {
  await rm(path, { force: true });
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0); // signal 0 asks, and sends nothing
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
