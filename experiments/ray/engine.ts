import { mkdir, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALLOCATOR_SETTINGS } from '@bitnet-notebooks/lib';
import type { RunResult } from '../sweep/finished-run.js';
import { readResult } from '../sweep/result-file.js';
import { RunCrash, type Engine, type RunProgress, type RunTask } from '../sweep/engines/engine.js';
import { deliverRun } from './deliver.js';
import { FinishedJobs } from './finished-jobs.js';
import type { Identity } from './identity.js';
import { JobWatch, type JobNews, type WatchOptions } from './job-watch.js';
import { JobsClient, RayFault, RayUnreachable, type RayJob } from './jobs-client.js';
import { machineOf, readOutcome, type Outcome } from './outcome.js';
import {
  attemptId,
  attemptNumber,
  entrypoint,
  jobMetadata,
  RUN_PROGRAM,
  type RunRequest,
} from './run-request.js';
import { Machines } from './machines.js';

export interface RayOptions extends WatchOptions {
  /** Runs at once; as many as the cluster has CPUs by default, also when machines come and go. */
  slots?: number;
  /** The folder of runs, where all machines see it under this path: runs then go on from their checkpoints. */
  sharedFolder?: string;
  /** Stops the jobs when the sweep is stopped. By default they go on, and the next sweep finds them. */
  cancel?: boolean;
  /** Takes machines with another backend; their results agree to rounding only. */
  anyBackend?: boolean;
  /** How long a job waits before that is mentioned. */
  waitingMilliseconds?: number;
  /** How long a job must have ended before it is taken off Ray's list. */
  settleMilliseconds?: number;
  /** How long a machine that refused gets no runs. */
  refusalMilliseconds?: number;
  /** Before the log of a job that has ended is read again. */
  readAgainMilliseconds?: number;
  /** What jobs run, seen from the clone. */
  program?: string;
}

/** Jobs that one run gets before the sweep gets an error, where it was never the run's fault. */
const MAX_LOSSES = 10;
/** Between two mentions that jobs wait. */
const WAITING_AGAIN_MILLISECONDS = 60_000;
/** Seconds that a stopped job has to end. */
const STOP_SECONDS = 20;

/** Runs as jobs of a Ray cluster, one job a run, one CPU a job. Needs no storage that machines share. */
export class RayEngine implements Engine {
  readonly name = 'ray';
  readonly stopping: string;
  readonly #watch: JobWatch;
  readonly #machines: Machines;
  readonly #finished: FinishedJobs;
  /** Number of the last job of each run. */
  readonly #attempts = new Map<string, number>();
  #nextWaitingNote = 0;

  /** Looks for the head and its machines. @throws Error where there is none, or it lets nobody in */
  static async connect(address: string, driver: Identity, options: RayOptions = {}): Promise<RayEngine> {
    const client = new JobsClient(address);
    const engine = new RayEngine(client, driver, options);
    try {
      await client.version();
      await engine.#watch.nodes();
    } catch (error) {
      client.close();
      if (!(error instanceof RayUnreachable || error instanceof RayFault)) throw error;
      throw new Error(
        `ray engine: the head must answer at ${address}, got ${error.message}. Start it there with ` +
          '`ray start --head --dashboard-host=0.0.0.0`, and check that its port 8265 can be reached from here.',
        { cause: error },
      );
    }
    if (options.sharedFolder !== undefined) await engine.#markShared(options.sharedFolder);
    return engine;
  }

  private readonly mark = randomUUID();

  private constructor(
    readonly client: JobsClient,
    readonly driver: Identity,
    readonly options: RayOptions,
  ) {
    const { slots, cancel = false } = options;
    if (slots !== undefined && (!Number.isInteger(slots) || slots < 1)) {
      throw new Error(`ray engine: workers must be a whole number from 1, got ${slots}.`);
    }
    this.#finished = new FinishedJobs(client, options.settleMilliseconds);
    this.#watch = new JobWatch(client, { ...options, onList: (list) => this.#finished.tidy(list) });
    this.#machines = new Machines(() => this.#watch.knownNodes, options.refusalMilliseconds);
    this.stopping = cancel
      ? 'Stopping: the jobs on the cluster are stopped. The same command goes on from here.'
      : 'Leaving: the jobs on the cluster go on. The same command finds them again.';
  }

  get slots(): number {
    return this.options.slots ?? Math.max(1, this.#machines.cpus);
  }

  async *run(task: RunTask, signal: AbortSignal): AsyncGenerator<RunProgress, RunResult, undefined> {
    signal.throwIfAborted();
    let id = await this.#findJob(task);
    for (let losses = 0; ; losses++) {
      id ??= await this.#submit(task);
      const outcome = yield* this.#follow(task, id, signal);
      let isNews = true;
      switch (outcome.kind) {
        case 'done':
          return await this.#take(task, outcome.files);
        case 'crashed':
          this.#machines.avoid(task.id, outcome.nodeId);
          throw new RunCrash(`run ${task.spec.name}: ${outcome.why}`);
        case 'failed':
          throw new Error(outcome.why);
        case 'refused':
          isNews = this.#machines.refuse(outcome.nodeId, outcome.why);
          break;
        case 'lost':
          this.#machines.avoid(task.id, outcome.nodeId);
          break;
      }
      // It may have ended all the same, in a shared folder or by another driver.
      const there = await readResult(task.folder);
      if (there) return there;
      if (losses === MAX_LOSSES) throw new RunCrash(`run ${task.spec.name}: ${outcome.why}`);
      if (isNews) yield note(`${outcome.why} It is started again elsewhere.`);
      id = undefined;
    }
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.#finished.finish();
    this.client.close();
    const { sharedFolder } = this.options;
    if (sharedFolder !== undefined) await rm(this.#markPath(sharedFolder), { force: true });
  }

  /** The job that a driver before this one had started, if it can be of use. */
  async #findJob(task: RunTask): Promise<string | undefined> {
    let latest: { job: RayJob; number: number } | undefined;
    for (const job of await this.#watch.jobs()) {
      const number = attemptNumber(task.id, job.submission_id);
      if (number !== undefined && number > (latest?.number ?? 0)) latest = { job, number };
    }
    const known = this.#attempts.get(task.id) ?? 0;
    if (!latest || latest.number <= known) return undefined;
    const { job, number } = latest;
    this.#attempts.set(task.id, number);
    if (job.status === 'FAILED' || job.status === 'STOPPED') return undefined;
    if (job.metadata?.code === this.driver.code) return job.submission_id;
    // Of other code, which would refuse or, finished, not be what was asked for.
    await this.client.stop(job.submission_id).catch(() => undefined);
    return undefined;
  }

  async #submit(task: RunTask): Promise<string> {
    const attempt = (this.#attempts.get(task.id) ?? 0) + 1;
    const id = attemptId(task.id, attempt);
    const { sharedFolder, anyBackend = false, program = RUN_PROGRAM } = this.options;
    const request: RunRequest = {
      attempt: id,
      spec: task.spec,
      driver: this.driver,
      anyBackend,
      ...(sharedFolder !== undefined && {
        shared: { folder: task.folder, mark: { path: this.#markPath(sharedFolder), text: this.mark } },
      }),
    };
    const selector = this.#machines.selector(task.id);
    // Where an answer was lost the job is there already: its id is its own.
    await this.#watch.patiently(() =>
      this.client.submit({
        entrypoint: entrypoint(program),
        submission_id: id,
        entrypoint_num_cpus: 1,
        metadata: jobMetadata(task, this.driver),
        runtime_env: { env_vars: { ...ALLOCATOR_SETTINGS, BITNET_RUN: JSON.stringify(request) } },
        ...(selector && { entrypoint_label_selector: selector }),
      }),
    );
    this.#attempts.set(task.id, attempt);
    return id;
  }

  /** Shows a job until it ends. */
  async *#follow(
    task: RunTask,
    id: string,
    signal: AbortSignal,
  ): AsyncGenerator<RunProgress, Outcome, undefined> {
    const news: JobNews[] = [];
    let wake = (): void => {};
    const unfollow = this.#watch.follow(id, (item) => {
      news.push(item);
      wake();
    });
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    const { waitingMilliseconds: waiting = 15_000, cancel } = this.options;
    const started = performance.now();
    let where: string | undefined;
    try {
      for (;;) {
        if (signal.aborted) {
          if (cancel) await this.#cancel(id);
          throw signal.reason;
        }
        const item = news.shift();
        if (!item) {
          await new Promise<void>((resolve) => (wake = resolve));
        } else if ('lost' in item) {
          throw item.lost;
        } else if ('note' in item) {
          yield note(item.note);
        } else if ('gone' in item) {
          return {
            kind: 'lost',
            why: 'its job must stay in the cluster until it is read, got none: the head was started again, or somebody deleted it.',
          };
        } else if ('point' in item) {
          const { step, trainLoss, validationLoss, seconds } = item.point;
          yield { step, trainLoss, validationLoss, seconds, where };
        } else if (item.job.status === 'PENDING') {
          if (performance.now() - started > waiting) yield* this.#sayWaiting();
        } else {
          where = machineOf(item.job);
          if (item.job.status !== 'RUNNING') return await this.#readOutcome(item.job, task);
        }
      }
    } finally {
      unfollow();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #readOutcome(job: RayJob, task: RunTask): Promise<Outcome> {
    const awaitHead = (): Promise<string> => this.#watch.patiently(() => this.client.version());
    const { readAgainMilliseconds } = this.options;
    return readOutcome(this.client, job, task, { awaitHead, readAgainMilliseconds });
  }

  *#sayWaiting(): Generator<RunProgress> {
    const now = performance.now();
    if (now < this.#nextWaitingNote) return;
    this.#nextWaitingNote = now + WAITING_AGAIN_MILLISECONDS;
    yield note(`waits for a free CPU: ${this.#machines.describe()}. Ray starts it as soon as one is free.`);
  }

  /** Brings the files home, then takes the run's jobs off the cluster. */
  async #take(task: RunTask, files: Extract<Outcome, { kind: 'done' }>['files']): Promise<RunResult> {
    const result = await deliverRun(task.folder, files);
    for (let attempt = this.#attempts.get(task.id) ?? 1; attempt >= 1; attempt--) {
      this.#finished.add(attemptId(task.id, attempt));
    }
    this.#machines.forget(task.id);
    return result;
  }

  async #cancel(id: string): Promise<void> {
    const end = performance.now() + STOP_SECONDS * 1000;
    await this.client.stop(id).catch(() => undefined);
    while (performance.now() < end) {
      const job = await this.client.get(id).catch(() => undefined);
      if (!job || (job.status !== 'RUNNING' && job.status !== 'PENDING')) break;
      await sleep(500);
    }
    this.#finished.add(id);
  }

  async #markShared(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(this.#markPath(folder), this.mark);
  }

  #markPath(folder: string): string {
    return join(folder, `.driver-${this.mark}`);
  }
}

function note(text: string): RunProgress {
  return { note: text, step: 0, trainLoss: 0, seconds: 0 };
}
