/** Follows jobs: one list of all of them at a time, however many there are, and progress from a few logs each time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RayFault, RayUnreachable, type JobsClient, type RayJob, type RayNode } from './jobs-client.js';
import { newestPoint, type ProgressPoint } from './run-log.js';

/** What is new of a job. */
export type JobNews =
  | { job: RayJob }
  | { point: ProgressPoint }
  /** The cluster knows no such job any more. */
  | { gone: true }
  /** For people to read. */
  | { note: string }
  /** The head cannot be asked any more. */
  | { lost: Error };

export interface WatchOptions {
  /** Between two lists of jobs, at least. */
  pollMilliseconds?: number;
  /** How long the head may be silent before runs are given up. */
  patienceMilliseconds?: number;
  /** How long it may answer with faults. Shorter: a head that starts is done soon, and other faults stay. */
  faultMilliseconds?: number;
  /** Sees every list of jobs that was fetched. */
  onList?: (list: RayJob[]) => Promise<void>;
}

/** Logs that are looked into at once: the head serves others, too. */
const LOGS_AT_ONCE = 8;
/** Lines that are fetched of a log: the newest point, and what a program may have said after it. */
const LAST_LINES = 4;
/** The share of its time that the head may spend on answering us is one in this many. */
const HEAD_SHARE = 10;
/** But people want to see something: as many polls' time at most. */
const LONGEST_PAUSE = 20;
/** Lists in a row that must lack a job before it counts as gone. */
const MISSING_TIMES = 2;
const NODES_MILLISECONDS = 10_000;

interface Followed {
  tell: (news: JobNews) => void;
  missing: number;
  running?: RayJob;
  step?: number;
}

/** Watches the jobs of one sweep. */
export class JobWatch {
  readonly #followed = new Map<string, Followed>();
  readonly #poll: number;
  readonly #patience: number;
  readonly #faultPatience: number;
  readonly #onList: (list: RayJob[]) => Promise<void>;
  #nodes: { at: number; list: RayNode[] } = { at: -Infinity, list: [] };
  #jobs: { at: number; list: Promise<RayJob[]> } | undefined;
  #silentSince: number | undefined;
  #isLooking = false;
  #turn = 0;
  #closed = false;

  constructor(
    readonly client: JobsClient,
    {
      pollMilliseconds = 1000,
      patienceMilliseconds = 600_000,
      faultMilliseconds = 60_000,
      onList = async () => {},
    }: WatchOptions = {},
  ) {
    this.#poll = pollMilliseconds;
    this.#patience = patienceMilliseconds;
    this.#faultPatience = faultMilliseconds;
    this.#onList = onList;
  }

  /** Reports everything that is new of a job. @returns ends that */
  follow(id: string, tell: (news: JobNews) => void): () => void {
    this.#followed.set(id, { tell, missing: 0 });
    if (!this.#isLooking) void this.#run();
    return () => this.#followed.delete(id);
  }

  /** The cluster's machines, as of some seconds ago. */
  async nodes(): Promise<RayNode[]> {
    const now = performance.now();
    if (now - this.#nodes.at > NODES_MILLISECONDS) {
      this.#nodes.at = now;
      this.#nodes.list = await this.client.nodes();
    }
    return this.#nodes.list;
  }

  /** Machines that were there last time, without asking. */
  get knownNodes(): readonly RayNode[] {
    return this.#nodes.list;
  }

  /** All jobs, as of a moment ago: runs that start together share one list. */
  jobs(): Promise<RayJob[]> {
    const now = performance.now();
    if (!this.#jobs || now - this.#jobs.at > this.#poll) {
      const list = this.patiently(() => this.client.list());
      this.#jobs = { at: now, list };
      list.catch(() => (this.#jobs = undefined));
    }
    return this.#jobs.list;
  }

  /** Asks the head again while it is away or still starts. @throws Error once that took too long */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (let pause = this.#poll; ; pause = Math.min(2 * pause, 30_000)) {
      try {
        const answer = await work();
        this.#silentSince = undefined;
        return answer;
      } catch (error) {
        if (error instanceof RayUnreachable) this.#missed(error);
        else if (!(error instanceof RayFault) || performance.now() - started > this.#faultPatience)
          throw error;
      }
      await sleep(pause);
    }
  }

  close(): void {
    this.#closed = true;
    this.#followed.clear();
  }

  async #run(): Promise<void> {
    this.#isLooking = true;
    while (this.#followed.size > 0 && !this.#closed) {
      const started = performance.now();
      try {
        await this.#round();
      } catch (error) {
        try {
          // A fault of the head, such as one that is still starting, is waited for as its silence is.
          if (!(error instanceof RayUnreachable || error instanceof RayFault)) throw error;
          this.#missed(error);
        } catch (final) {
          for (const { tell } of this.#followed.values()) tell({ lost: final as Error });
        }
      }
      const fair = (HEAD_SHARE - 1) * (performance.now() - started);
      await sleep(Math.min(Math.max(this.#poll, fair), LONGEST_PAUSE * this.#poll));
    }
    this.#isLooking = false;
  }

  async #round(): Promise<void> {
    const asked = new Set(this.#followed.keys());
    const list = await this.client.list();
    if (this.#silentSince !== undefined) this.#tellOne(`${this.client.address} answers again`);
    this.#silentSince = undefined;
    const jobs = new Map(list.map((job) => [job.submission_id, job]));
    for (const id of asked) {
      const followed = this.#followed.get(id);
      if (!followed) continue;
      const job = jobs.get(id);
      followed.running = job?.status === 'RUNNING' ? job : undefined;
      followed.missing = job ? 0 : followed.missing + 1;
      if (job) followed.tell({ job });
      else if (followed.missing >= MISSING_TIMES && (await this.client.get(id)) === undefined)
        followed.tell({ gone: true });
    }
    await this.nodes().catch(() => undefined);
    await this.#progress();
    await this.#onList(list);
  }

  /** Looks into the logs whose turn it is. What cannot be read is only not shown. */
  async #progress(): Promise<void> {
    const running = [...this.#followed].filter(([, { running }]) => running?.driver_node_id);
    const count = Math.min(LOGS_AT_ONCE, running.length);
    const chosen = Array.from({ length: count }, (_, i) => running[(this.#turn + i) % running.length]);
    this.#turn = running.length === 0 ? 0 : (this.#turn + count) % running.length;
    await Promise.all(
      chosen.map(async ([id, followed]) => {
        const nodeId = followed.running!.driver_node_id!;
        const lines = await this.client.lastLines(id, nodeId, LAST_LINES).catch(() => '');
        const point = newestPoint(lines);
        if (!point || point.step === followed.step) return;
        followed.step = point.step;
        followed.tell({ point });
      }),
    );
  }

  #missed(error: Error): void {
    const now = performance.now();
    if (this.#silentSince === undefined) {
      this.#silentSince = now;
      this.#tellOne(`${error.message}; jobs go on meanwhile, and it is asked again`);
    }
    if (now - this.#silentSince < this.#patience) return;
    throw new Error(
      `ray engine: ${this.client.address} must answer within ${this.#patience / 1000} s, got nothing but: ${error.message}. ` +
        'What runs there goes on. Give the same command once the head is back: it finds its jobs.',
      { cause: error },
    );
  }

  /** What concerns all is said once. */
  #tellOne(note: string): void {
    const [first] = this.#followed.values();
    first?.tell({ note });
  }
}
