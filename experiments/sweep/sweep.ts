/**
 * A sweep carries out the runs of an experiment: side by side on an engine, each in its folder, finished ones skipped,
 * crashed ones tried again from their checkpoint. It may be killed at any moment and started again.
 */
import { join } from 'node:path';
import { RunCrash, type Engine, type RunProgress } from './engines/engine.js';
import type { Experiment } from './experiment.js';
import { runId, type Preset, type RunSpec } from './run-spec.js';
import type { FinishedRun, RunResult } from './finished-run.js';
import { readResult } from './result-file.js';

/** What happened to a run. */
export type SweepEvent = { id: string; spec: RunSpec } & (
  | { kind: 'queued' | 'started' }
  /** `again`: it was finished before this sweep. */
  | { kind: 'finished'; run: FinishedRun; again: boolean }
  | { kind: 'progress'; progress: RunProgress }
  | { kind: 'retrying' | 'failed'; error: Error }
);

/** Options of {@link sweep}. */
export interface SweepOptions {
  engine: Engine;
  /** Folder that holds a folder for every run, by its id. */
  folder: string;
  /** Runs that count as finished though they are not in the folder, by their id. */
  known?: ReadonlyMap<string, FinishedRun>;
  /** Leaves out the runs for which it is false. */
  only?: (spec: RunSpec) => boolean;
  /** Stops all runs after their step, with checkpoints; the sweep then ends. */
  signal?: AbortSignal;
  /** Times that a run is started at most, 3 by default. */
  attempts?: number;
}

/** What a sweep came to. */
export interface SweepOutcome {
  /** In the experiment's order. */
  finished: FinishedRun[];
  failed: { spec: RunSpec; error: Error }[];
  /** The signal ended it before all was done. */
  stopped: boolean;
}

/**
 * Carries out all runs of an experiment.
 * A run that fails for good does not hold up the others: it is reported, and what others do not wait for goes on.
 */
export async function* sweep(
  experiment: Experiment,
  preset: Preset,
  options: SweepOptions,
): AsyncGenerator<SweepEvent, SweepOutcome, undefined> {
  const left = new AbortController();
  const stop = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const work = new Work(experiment, preset, options, stop);
  try {
    await work.begin();
    for (;;) {
      work.startWaiting();
      const event = work.takeEvent();
      if (event) yield event;
      else if (work.isOver) break;
      else await work.change();
    }
  } finally {
    // A caller that leaves the loop early stops the runs, too.
    left.abort();
    await work.end();
  }
  return work.outcome();
}

/** The runs of a sweep: known, waiting, running, finished and failed, and the events that report them. */
class Work {
  readonly #finished = new Map<string, FinishedRun>();
  readonly #failed = new Map<string, { spec: RunSpec; error: Error }>();
  readonly #queue: { id: string; spec: RunSpec; attempt: number }[] = [];
  readonly #seen = new Set<string>();
  readonly #events: SweepEvent[] = [];
  #running = 0;
  #isUnderWay = false;
  #wake = (): void => {};
  readonly #onStop = (): void => this.#wake();

  constructor(
    readonly experiment: Experiment,
    readonly preset: Preset,
    readonly options: SweepOptions,
    readonly stop: AbortSignal,
  ) {
    stop.addEventListener('abort', this.#onStop);
  }

  async begin(): Promise<void> {
    await this.#plan();
    this.#isUnderWay = true;
  }

  /** Starts what waits, as far as the engine has room. */
  startWaiting(): void {
    const { slots } = this.options.engine;
    while (!this.stop.aborted && this.#running < slots && this.#queue.length > 0) {
      void this.#carryOut(this.#queue.shift()!);
    }
  }

  takeEvent(): SweepEvent | undefined {
    return this.#events.shift();
  }

  get isOver(): boolean {
    return this.#running === 0 && (this.stop.aborted || this.#queue.length === 0);
  }

  /** Until there is an event, a run has ended or all is to stop. */
  async change(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Until nothing runs. */
  async end(): Promise<void> {
    while (this.#running > 0) await this.change();
    this.stop.removeEventListener('abort', this.#onStop);
  }

  outcome(): SweepOutcome {
    return {
      // A run that the experiment lists twice, for two arms, was carried out once.
      finished: this.#specs().flatMap((spec) => {
        const run = this.#finished.get(runId(spec));
        return run ? [{ ...run, ...spec }] : [];
      }),
      failed: [...this.#failed.values()],
      stopped: this.#finished.size + this.#failed.size < this.#seen.size,
    };
  }

  #specs(): RunSpec[] {
    const { only = () => true } = this.options;
    return this.experiment.runs(this.preset, [...this.#finished.values()]).filter(only);
  }

  /**
   * Queues the runs that have become known, and takes over those that are finished. The experiment's order is
   * that of the queue, whenever a run became known: what tuning adds comes before what stands after it.
   */
  async #plan(): Promise<void> {
    const places = new Map<string, number>();
    for (let isNew = true; isNew;) {
      isNew = false;
      for (const [place, spec] of this.#specs().entries()) {
        const id = runId(spec);
        places.set(id, place);
        if (this.#seen.has(id)) continue;
        this.#seen.add(id);
        isNew = (await this.#takeOver(id, spec)) || isNew;
      }
    }
    this.#queue.sort((a, b) => places.get(a.id)! - places.get(b.id)!);
  }

  /** @returns true where the run is finished, on the disk or by what is known; others are queued */
  async #takeOver(id: string, spec: RunSpec): Promise<boolean> {
    let result: RunResult | undefined;
    try {
      result = await readResult(join(this.options.folder, id));
    } catch (cause) {
      // Before anything has run it ends the sweep; from then on it is this run's fault alone.
      if (!this.#isUnderWay) throw cause;
      this.#fail(id, spec, cause);
      return false;
    }
    result ??= this.options.known?.get(id);
    if (result === undefined) {
      this.#queue.push({ id, spec, attempt: 1 });
      this.#emit({ kind: 'queued', id, spec });
      return false;
    }
    const run = { id, ...spec, ...result };
    this.#finished.set(id, run);
    this.#emit({ kind: 'finished', id, spec, run, again: true });
    return true;
  }

  async #carryOut({ id, spec, attempt }: { id: string; spec: RunSpec; attempt: number }): Promise<void> {
    const { engine, folder, attempts = 3 } = this.options;
    this.#running++;
    this.#emit({ kind: 'started', id, spec });
    try {
      const steps = engine.run({ id, spec, folder: join(folder, id) }, this.stop);
      let step = await steps.next();
      while (!step.done) {
        this.#emit({ kind: 'progress', id, spec, progress: step.value });
        step = await steps.next();
      }
      const run = { id, ...spec, ...step.value };
      this.#finished.set(id, run);
      await this.#plan();
      this.#emit({ kind: 'finished', id, spec, run, again: false });
    } catch (cause) {
      if (this.stop.aborted && isOfStopping(cause, this.stop)) return;
      if (cause instanceof RunCrash && attempt < attempts) {
        this.#queue.unshift({ id, spec, attempt: attempt + 1 });
        this.#emit({ kind: 'retrying', id, spec, error: cause });
      } else {
        this.#fail(id, spec, cause);
      }
    } finally {
      this.#running--;
      this.#wake();
    }
  }

  #fail(id: string, spec: RunSpec, cause: unknown): void {
    const error = asError(cause);
    this.#failed.set(id, { spec, error });
    this.#emit({ kind: 'failed', id, spec, error });
  }

  #emit(event: SweepEvent): void {
    this.#events.push(event);
    this.#wake();
  }
}

/** Whether a run ended as asked, or was killed: it goes on from its checkpoint another time. */
function isOfStopping(cause: unknown, { reason }: AbortSignal): boolean {
  return cause === reason || cause instanceof RunCrash || asError(cause).name === 'AbortError';
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
