/**
 * Keeps two set-ups (say `npm start` and `npm test` in two terminals) from writing the same folders at once. The one at
 * work writes the time into its lock once a second: numbers of processes repeat from container to container, and nothing
 * but Node is there yet that could ask the system for a lock.
 */
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BEAT_MS = 1_000;
/** A lock that stands still for so long, while it is watched, is that of a set-up that was killed. */
const SILENT_MS = 20_000;
/** One that has stood still for so long needs no watching; clocks of two machines differ by less. */
const OLD_MS = 3_600_000;

/**
 * Runs `task` while no other process sets up the same clone.
 * @template T
 * @param {import('./project.js').Project} project
 * @param {(detail: string) => void} report
 * @param {() => Promise<T>} task
 * @param {number} [silentMs]
 * @returns {Promise<T>}
 */
export async function withSetupLock(project, report, task, silentMs = SILENT_MS) {
  // Asked first, since Node's own error from a read-only file system is that a folder does not exist.
  accessSync(project.root, constants.W_OK);
  const file = join(project.setupCache, 'lock');
  mkdirSync(project.setupCache, { recursive: true });
  const own = randomUUID();
  /** @type {{ holder: string, beat: number, sinceMs: number } | undefined} */
  let seen;
  while (!take(file, own)) {
    const found = look(file);
    if (found === undefined) continue;
    if (found.holder !== seen?.holder || found.beat !== seen.beat)
      seen = { ...found, sinceMs: performance.now() };
    if (performance.now() - seen.sinceMs > silentMs || Date.now() - found.beat > OLD_MS) {
      breakLock(file, found.holder, own);
      continue;
    }
    report('waiting for another set-up of this folder to end');
    await sleep(Math.min(BEAT_MS, silentMs) / 2);
  }
  const beat = setInterval(() => {
    if (look(file)?.holder === own) utimesSync(file, new Date(), new Date());
  }, BEAT_MS);
  const free = () => {
    clearInterval(beat);
    if (look(file)?.holder === own) rmSync(file, { force: true });
  };
  process.once('exit', free);
  try {
    return await task();
  } finally {
    free();
    process.removeListener('exit', free);
  }
}

/**
 * @param {string} file
 * @param {string} own
 */
function take(file, own) {
  try {
    writeFileSync(file, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Who holds the lock and when it last beat; nothing where it has just gone. @param {string} file */
function look(file) {
  try {
    return { holder: readFileSync(file, 'utf8'), beat: statSync(file).mtimeMs };
  } catch {
    return undefined;
  }
}

/**
 * Takes a silent lock away, unless another one did so first and has its own there by now.
 * @param {string} file
 * @param {string} silent
 * @param {string} own
 */
function breakLock(file, silent, own) {
  const aside = `${file}.${own}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== silent) renameSync(aside, file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  rmSync(aside, { force: true });
}
