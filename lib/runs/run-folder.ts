/** A run that is open for writing: its points, its checkpoint and its end. */
import { join } from 'node:path';
import type { Lock } from '../io/lock.js';
import { RunFolderError } from '../io/run-folder-error.js';
import { appendMetrics, flushMetrics, isStep, type RunPoint } from './metrics-file.js';
import {
  loadRunCheckpoint,
  readCheckpointState,
  saveRunCheckpoint,
  type LoadedRunCheckpoint,
  type RunCheckpoint,
} from './run-checkpoint.js';
import { runIdentity, type RunConfig } from './run-config.js';
import { writeRunJson } from './run-config-file.js';
import { CHECKPOINT_FOLDER, COMPLETED_FILE, METRICS_FILE, type RunStart } from './run-start.js';

/** Made by `openRun`; calls are carried out one after the other. */
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
