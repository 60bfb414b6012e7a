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

export interface SweepOptions {
  engine: Engine;
  /** Folder that holds a folder for every run, by its id. */
  folder: string;
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
  { engine, folder, only = () => true, signal, attempts = 3 }: SweepOptions,
): AsyncGenerator<SweepEvent, SweepOutcome, undefined> {
  const finished = new Map<string, FinishedRun>();
  const failed = new Map<string, { spec: RunSpec; error: Error }>();
  const queue: { id: string; spec: RunSpec; attempt: number }[] = [];
  const seen = new Set<string>();
  const events: SweepEvent[] = [];
  const left = new AbortController();
  const stop = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  let running = 0;
  let isUnderWay = false;
  let wake = (): void => {};
  const emit = (event: SweepEvent): void => {
    events.push(event);
    wake();
  };

  const fail = (id: string, spec: RunSpec, cause: unknown): void => {
    const error = asError(cause);
    failed.set(id, { spec, error });
    emit({ kind: 'failed', id, spec, error });
  };

  const specs = (): RunSpec[] => experiment.runs(preset, [...finished.values()]).filter(only);

  /** Queues the runs that have become known, and takes over those that are finished on the disk. */
  const plan = async (): Promise<void> => {
    for (let isNew = true; isNew;) {
      isNew = false;
      for (const spec of specs()) {
        const id = runId(spec);
        if (seen.has(id)) continue;
        seen.add(id);
        let result: RunResult | undefined;
        try {
          result = await readResult(join(folder, id));
        } catch (cause) {
          // Before anything has run it ends the sweep; from then on it is this run's fault alone.
          if (!isUnderWay) throw cause;
          fail(id, spec, cause);
          continue;
        }
        if (result) {
          isNew = true;
          const run = { id, ...spec, ...result };
          finished.set(id, run);
          emit({ kind: 'finished', id, spec, run, again: true });
        } else {
          queue.push({ id, spec, attempt: 1 });
          emit({ kind: 'queued', id, spec });
        }
      }
    }
  };

  const start = async ({ id, spec, attempt }: (typeof queue)[number]): Promise<void> => {
    running++;
    emit({ kind: 'started', id, spec });
    try {
      const steps = engine.run({ id, spec, folder: join(folder, id) }, stop);
      let step = await steps.next();
      while (!step.done) {
        emit({ kind: 'progress', id, spec, progress: step.value });
        step = await steps.next();
      }
      const run = { id, ...spec, ...step.value };
      finished.set(id, run);
      await plan();
      emit({ kind: 'finished', id, spec, run, again: false });
    } catch (cause) {
      if (stop.aborted && isOfStopping(cause, stop)) return;
      if (cause instanceof RunCrash && attempt < attempts) {
        queue.unshift({ id, spec, attempt: attempt + 1 });
        emit({ kind: 'retrying', id, spec, error: cause });
      } else {
        fail(id, spec, cause);
      }
    } finally {
      running--;
      wake();
    }
  };

  const onAbort = (): void => wake();
  stop.addEventListener('abort', onAbort);
  try {
    await plan();
    isUnderWay = true;
    for (;;) {
      while (!stop.aborted && running < engine.slots && queue.length > 0) void start(queue.shift()!);
      const event = events.shift();
      if (event) {
        yield event;
      } else if (running === 0 && (stop.aborted || queue.length === 0)) {
        break;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    // Whoever leaves the loop early stops the runs, too.
    left.abort();
    while (running > 0) await new Promise<void>((resolve) => (wake = resolve));
    stop.removeEventListener('abort', onAbort);
  }
  return {
    // A run that the experiment lists twice, for two arms, was carried out once.
    finished: specs().flatMap((spec) => {
      const run = finished.get(runId(spec));
      return run ? [{ ...run, ...spec }] : [];
    }),
    failed: [...failed.values()],
    stopped: finished.size + failed.size < seen.size,
  };
}

/** Whether a run ended as asked, or was killed meanwhile: it goes on from its checkpoint another time. */
function isOfStopping(cause: unknown, { reason }: AbortSignal): boolean {
  return cause === reason || cause instanceof RunCrash || asError(cause).name === 'AbortError';
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
