/**
 * A run is a folder:
 * - `config.json`: the complete RunConfig; a folder that has it is a run.
 * - `metrics.jsonl`: the points, one JSON object a line, only appended to.
 * - `checkpoint/`: where training goes on (run-checkpoint.ts).
 * - `completed.json`: there once the run has reached its end.
 * - `lock`: held by the process that writes.
 *
 * A run may be killed at any moment. Opened again it stands where its checkpoint stood: points after that step are
 * taken off, so that metrics.jsonl ends up the same as in a run that was never killed.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withoutWriting } from '../io/atomic-write.js';
import { explainSystemError } from '../io/file-error.js';
import { holderOf, tryLock, type Lock } from '../io/lock.js';
import { makeFolder } from '../io/make-folder.js';
import { RunFolderError } from '../io/run-folder-error.js';
import { isLonger, lengthenRun } from './longer-run.js';
import type { RunPoint } from './metrics-file.js';
import { repairRun } from './repair-run.js';
import { runIdentity, stableJson, type RunConfig } from './run-config.js';
import { CONFIG_FILE, readRunConfig, requireSameConfig, writeRunConfig } from './run-config-file.js';
import { RunFolder } from './run-folder.js';
import { readProgress, settleRun } from './run-start.js';

const LOCK_FILE = 'lock';

/** What a run's folder shows to readers. */
export interface RunRecord<P extends RunPoint = RunPoint> {
  config: RunConfig;
  /** Points up to now; a last line that is only half written is left out. */
  points: P[];
  /** True once the run has reached its end. */
  completed: boolean;
}

/** How a run is opened. */
export interface OpenRunOptions {
  /**
   * Puts a folder right that was damaged after it was written, and hears what was found and done. Without it such a
   * folder is refused.
   */
  onRepair?: (whatWasDone: string) => void;
}

/**
 * Opens a run for writing: makes the folder, or goes on in it where the run is there already. One writer at a time: until
 * that one has closed it or its process has ended, all others are refused.
 * @param folder is made with its parents; must be empty or hold this very run
 * @param config must equal the config of the run in the folder, versions and backend included: with other ones the
 *   losses could not be the same to the last bit. More steps are welcome: the run then goes on to them
 * @throws RunFolderError where the folder is foreign, damaged, in use or holds another run; nothing is changed then
 */
export async function openRun<P extends RunPoint = RunPoint>(
  folder: string,
  config: RunConfig,
  { onRepair }: OpenRunOptions = {},
): Promise<RunFolder<P>> {
  const wanted = JSON.parse(stableJson(config)) as RunConfig;
  const path = await madeFolder(resolve(folder));
  const storedConfig = async (): Promise<RunConfig | undefined> => {
    if (await checkIsNew(path)) return undefined;
    const stored = await readRunConfig(path);
    if (!isLonger(stored, wanted)) requireSameConfig(stored, wanted, path);
    return stored;
  };
  await storedConfig(); // a folder of somebody else gets no lock
  const lock = await lockRun(path);
  try {
    // Another process may have made the run, or taken it away, until the lock was there.
    let stored = await storedConfig();
    if (!stored) await writeRunConfig(path, wanted);
    else if (isLonger(stored, wanted)) stored = await lengthenRun(path, stored, wanted);
    const repaired = onRepair ? await repairRun(path) : '';
    if (repaired !== '') onRepair?.(repaired);
    const start = await settleRun(path, runIdentity(wanted), stored?.earlier);
    return new RunFolder<P>(path, wanted, start, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function lockRun(folder: string): Promise<Lock> {
  const file = join(folder, LOCK_FILE);
  let lock: Lock | undefined;
  try {
    lock = await tryLock(file);
  } catch (error) {
    throw explainSystemError('open run', file, error);
  }
  if (lock) return lock;
  throw new RunFolderError(
    `open run: ${folder} must be free, got held by ${await holderOf(file)}. Wait until that run is done, or stop it; a ` +
      'loop that goes on in a notebook ends with its kernel.',
  );
}

/** Makes a folder where there is none. @returns the one name that links and spellings of it come down to */
async function madeFolder(path: string): Promise<string> {
  try {
    await makeFolder(path);
    return await realpath(path);
  } catch (error) {
    throw explainSystemError('open run', path, error);
  }
}

/**
 * Reads a run without opening it: while it is being written, after it was killed or when it is complete.
 * @throws RunFolderError where the folder is foreign or damaged
 */
export async function readRun<P extends RunPoint = RunPoint>(folder: string): Promise<RunRecord<P>> {
  const path = resolve(folder);
  const config = await readRunConfig(path);
  const { points, end } = await readProgress(path);
  return { config, points: points as P[], completed: end !== undefined };
}

/** True for a folder without a run and without anything else; false for a run. @throws for anything else */
async function checkIsNew(path: string): Promise<boolean> {
  const names = await readdir(path);
  if (names.includes(CONFIG_FILE)) return false;
  // What a process leaves that was killed while it made the run.
  const foreign = names.filter((name) => ![CONFIG_FILE, LOCK_FILE].includes(withoutWriting(name)));
  if (foreign.length === 0) return true;
  throw new RunFolderError(
    `open run: ${path} must be empty or a run with its ${CONFIG_FILE}, got ${foreign.slice(0, 5).join(', ')} ` +
      `without ${CONFIG_FILE}. Choose another folder.`,
  );
}
