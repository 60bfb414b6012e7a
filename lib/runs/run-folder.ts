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
import { makeFolder } from '../io/make-folder.js';
import { withoutWriting } from '../io/atomic-write.js';
import { explainSystemError } from '../io/file-error.js';
import { holderOf, tryLock, type Lock } from '../io/lock.js';
import { appendMetrics, flushMetrics, isStep, type RunPoint } from './metrics-file.js';
import {
  loadRunCheckpoint,
  readCheckpointState,
  saveRunCheckpoint,
  type LoadedRunCheckpoint,
  type RunCheckpoint,
} from './run-checkpoint.js';
import {
  CONFIG_FILE,
  readRunConfig,
  requireSameConfig,
  writeRunConfig,
  writeRunJson,
} from './run-config-file.js';
import { isLonger, lengthenRun } from './longer-run.js';
import { runIdentity, stableJson, type RunConfig } from './run-config.js';
import { RunFolderError } from '../io/run-folder-error.js';
import { repairRun } from './repair-run.js';
import {
  CHECKPOINT_FOLDER,
  COMPLETED_FILE,
  METRICS_FILE,
  readProgress,
  settleRun,
  type RunStart,
} from './run-start.js';

export type { RunPoint } from './metrics-file.js';
export type { LoadedRunCheckpoint, RunCheckpoint } from './run-checkpoint.js';
export {
  configDifferences,
  installedVersions,
  runIdentity,
  stableJson,
  type RunConfig,
} from './run-config.js';
export { RunFolderError } from '../io/run-folder-error.js';

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

/** A run that is open for writing. Made by {@link openRun}; calls are carried out one after the other. */
export class RunFolder<P extends RunPoint = RunPoint> {
  /** Absolute path. */
  readonly folder: string;
  readonly config: RunConfig;
  /** checkpoint/ of this run: a model folder where checkpoints are saved with a model. */
  readonly checkpointFolder: string;
  readonly #lock: Lock;
  #state: RunStart;
  #closing: Promise<void> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(folder: string, config: RunConfig, start: RunStart, lock: Lock) {
    this.#lock = lock;
    this.folder = folder;
    this.config = config;
    this.checkpointFolder = join(folder, CHECKPOINT_FOLDER);
    this.#state = start;
  }

  /** Updates made at the last checkpoint; undefined where there is none, so the run starts from the beginning. */
  get checkpointStep(): number | undefined {
    return this.#state.checkpoint?.step;
  }

  /** True once the run has reached its end; nothing can be written then. */
  get completed(): boolean {
    return this.#state.completed;
  }

  /** All points of the run so far. */
  get points(): readonly P[] {
    return this.#state.points as P[];
  }

  /**
   * Appends a point to metrics.jsonl. Append all points up to a step before the checkpoint of that step.
   * @throws RunFolderError where the step is no later than the checkpoint's or earlier than the last point's, or a
   *   number is not finite; FileError where the disk is full, and the file is then as before
   */
  append(point: P): Promise<void> {
    return this.#next('append point', async () => {
      const { points, checkpoint, bytes } = this.#state;
      const low = Math.max(points.at(-1)?.step ?? 0, (checkpoint?.step ?? -1) + 1);
      if (!isStep(point.step) || point.step < low) {
        throw new RunFolderError(
          `append point: step must be a whole number from ${low}, got ${point.step} in ${this.folder}. ` +
            'Points go in the order of their steps, and before the checkpoint of their step.',
        );
      }
      this.#state.bytes = await appendMetrics(this.#path(METRICS_FILE), point, bytes);
      points.push(point);
    });
  }

  /**
   * Saves a checkpoint in place of the one before, which stays until the new one is complete on the disk.
   * @throws RunFolderError where the step lies before the last point or checkpoint; FileError where the disk is
   *   full or a tensor does not fit, and the checkpoint before is then untouched
   */
  saveCheckpoint(checkpoint: RunCheckpoint): Promise<void> {
    return this.#next('save checkpoint', async () => {
      const { points, checkpoint: previous } = this.#state;
      const low = Math.max(points.at(-1)?.step ?? 0, previous?.step ?? 0);
      if (!isStep(checkpoint.step) || checkpoint.step < low) {
        throw new RunFolderError(
          `save checkpoint: step must be a whole number from ${low}, the last point or checkpoint, ` +
            `got ${checkpoint.step} in ${this.folder}.`,
        );
      }
      if (points.length > 0) await flushMetrics(this.#path(METRICS_FILE));
      const identity = runIdentity(this.config);
      await saveRunCheckpoint(this.checkpointFolder, checkpoint, { points: points.length, identity });
      const { step, state } = checkpoint;
      this.#state.checkpoint = { step, state, points: points.length, identity };
    });
  }

  /**
   * The last checkpoint, read from the disk.
   * @returns undefined where there is none
   * @throws FileError where it is damaged
   */
  loadCheckpoint(): Promise<LoadedRunCheckpoint | undefined> {
    return this.#next('load checkpoint', async () => {
      const state = await readCheckpointState(this.checkpointFolder);
      return state && loadRunCheckpoint(this.checkpointFolder, state);
    });
  }

  /** Marks the run as complete. What follows the last checkpoint is not saved: save one first. */
  complete(): Promise<void> {
    return this.#next('complete run', async () => {
      const { points, checkpoint } = this.#state;
      if (points.length > 0) await flushMetrics(this.#path(METRICS_FILE));
      await writeRunJson(this.#path(COMPLETED_FILE), {
        identity: runIdentity(this.config),
        points: points.length,
        step: checkpoint?.step ?? null,
      });
      this.#state.completed = true;
    });
  }

  /** Ends writing and frees the folder for another process. May be called more than once. */
  close(): Promise<void> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    await this.#queue;
    this.#lock.release();
  }

  #path(name: string): string {
    return join(this.folder, name);
  }

  /** Carries out an operation after all earlier ones have ended. */
  #next<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing) {
      return Promise.reject(
        new RunFolderError(`${operation}: the run must be open, got closed in ${this.folder}. Call openRun.`),
      );
    }
    const result = this.#queue.then(async () => {
      if (this.completed && operation !== 'load checkpoint') {
        throw new RunFolderError(
          `${operation}: the run must be unfinished, got complete in ${this.folder}. ` +
            'Read it with readRun, or start another one in a new folder.',
        );
      }
      return work();
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }
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
