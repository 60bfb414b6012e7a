/** Takes finished jobs off Ray's list. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobsClient, RayJob } from './jobs-client.js';

/**
 * Milliseconds that a job must have ended before. Ray looks after each job once a second: one that is gone by then comes
 * back to its list as failed, since its process is gone, too.
 */
const SETTLE_MILLISECONDS = 3000;
/** Lists that are looked through at the end. */
const LAST_LOOKS = 10;

/** The jobs of one sweep that are done with. */
export class FinishedJobs {
  /** From when on a job may go, by its id. Stays, in case the job comes back. */
  readonly #due = new Map<string, number>();
  #settled = 0;

  constructor(
    readonly client: JobsClient,
    readonly settleMilliseconds: number = SETTLE_MILLISECONDS,
  ) {}

  add(id: string): void {
    this.#settled = performance.now() + this.settleMilliseconds;
    this.#due.set(id, this.#settled);
  }

  /** @param list Ray's, of now */
  async tidy(list: readonly RayJob[]): Promise<void> {
    for (const { submission_id: id } of list) {
      const due = this.#due.get(id);
      if (due === undefined || performance.now() < due) continue;
      this.#due.set(id, performance.now() + this.settleMilliseconds);
      // What stays there does no harm: its run is done.
      await this.client.delete(id).catch(() => undefined);
    }
  }

  /** Waits until all are gone, for some seconds at most. */
  async finish(): Promise<void> {
    if (this.#due.size === 0) return;
    for (let look = 0; look < LAST_LOOKS; look++) {
      const list = await this.client.list().catch(() => []);
      const left = list.filter(({ submission_id: id }) => this.#due.has(id));
      if (left.length === 0 && performance.now() >= this.#settled) return;
      await this.tidy(left);
      await sleep(this.settleMilliseconds / 3);
    }
  }
}
