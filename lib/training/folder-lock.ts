/** One writer per run folder, across processes: a file named `lock` that holds the writer's process id. */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { explainSystemError } from '../checkpoint/checkpoint-error.js';
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
    for (let attempt = 0; attempt < 2; attempt++) {
      if (await linked(own, path)) return;
      const holder = Number((await readFile(path, 'utf8').catch(() => '')).trim());
      if (holder !== process.pid && isRunning(holder)) {
        throw new RunFolderError(
          `open run: ${path} must be free, got held by process ${holder}. Stop that run first. ` +
            'If that process is something else, delete the file.',
        );
      }
      await rm(path, { force: true });
    }
    throw new RunFolderError(
      `open run: ${path} must be free, got taken by another process just now. Try again.`,
    );
  } catch (error) {
    throw explainSystemError('open run', path, error);
  } finally {
    await rm(own, { force: true });
  }
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
