/**
 * Keeps two set-ups (say `npm start` and `npm test` in two terminals) from writing the same folders at once.
 */
import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;

/**
 * Runs `task` while no other process sets up the same clone. A lock whose process is gone counts for nothing.
 * @template T
 * @param {import('./project.js').Project} project
 * @param {(detail: string) => void} report
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
export async function withSetupLock(project, report, task) {
  // Asked first, since Node's own error from a read-only file system is that a folder does not exist.
  accessSync(project.root, constants.W_OK);
  const file = join(project.setupCache, 'lock');
  mkdirSync(project.setupCache, { recursive: true });
  while (!take(file)) {
    report('waiting for another set-up of this folder to end');
    await sleep(POLL_MS);
  }
  const free = () => rmSync(file, { force: true });
  process.once('exit', free);
  try {
    return await task();
  } finally {
    free();
    process.removeListener('exit', free);
  }
}

/** @param {string} file */
function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  const owner = readOwner(file);
  // The file is empty for a moment while its owner writes it.
  if (owner === undefined ? isYoung(file) : isAlive(owner)) return false;
  rmSync(file, { force: true });
  return take(file);
}

/** @param {string} file */
function readOwner(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} file */
function isYoung(file) {
  const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
  return Date.now() - mtimeMs < 5_000;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
