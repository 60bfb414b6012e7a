import { countParameters } from '@bitnet-notebooks/lib';
import type { RunSpec } from './run-spec.js';
import type { SweepEvent } from './sweep.js';

/** Counts the runs of a sweep and estimates how long the rest takes. */
export class SweepClock {
  readonly #runs = new Map<string, { spec: RunSpec; state: 'waiting' | 'running' | 'done'; share: number }>();
  /** Seconds that runs took here, and the work that they did in them. */
  readonly #pace = new Map<string, { seconds: number; work: number }>();

  see(event: SweepEvent): void {
    const { id, spec } = event;
    const run = this.#runs.get(id) ?? { spec, state: 'waiting', share: 0 };
    this.#runs.set(id, run);
    switch (event.kind) {
      case 'started':
        run.state = 'running';
        break;
      case 'progress':
        if (event.progress.note !== undefined) break;
        run.share = event.progress.step / spec.training.steps;
        this.#pace.set(id, { seconds: event.progress.seconds, work: run.share * work(spec) });
        break;
      case 'finished':
        run.state = 'done';
        this.#pace.set(id, { seconds: event.run.seconds, work: work(spec) });
        break;
      case 'failed':
        run.state = 'done';
        break;
      case 'queued':
      case 'retrying':
        run.state = 'waiting';
        break;
    }
  }

  /** `left`: seconds, as far as runs are known and at the pace so far; undefined before the first progress. */
  state(): { done: number; running: number; waiting: number; left: number | undefined } {
    const runs = [...this.#runs.values()];
    const count = (state: string): number => runs.filter((run) => run.state === state).length;
    const running = count('running');
    let seconds = 0;
    let done = 0;
    for (const pace of this.#pace.values()) {
      seconds += pace.seconds;
      done += pace.work;
    }
    const rest = runs
      .filter(({ state }) => state !== 'done')
      .reduce((sum, { spec, share }) => sum + (1 - share) * work(spec), 0);
    const left = done > 0 ? ((seconds / done) * rest) / Math.max(1, running) : undefined;
    return { done: count('done'), running, waiting: count('waiting'), left };
  }
}

/** Operations that a step costs beside its products, expressed in multiply-adds: small models are mostly this. */
const STEP_OVERHEAD = 3e8;

/** The work of a run, in multiply-adds; only ratios count. */
export function work({ model, training }: RunSpec): number {
  const { steps, batch, context } = training;
  return steps * (3 * countParameters(model).total * batch * context + STEP_OVERHEAD);
}
