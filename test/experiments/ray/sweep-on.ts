/** A sweep on a stand-in for Ray. */
import { RayEngine, type RayOptions } from '../../../experiments/ray/engine.js';
import { runId } from '../../../experiments/sweep/run-spec.js';
import { sweep, type SweepEvent, type SweepOutcome } from '../../../experiments/sweep/sweep.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyExperiment, toyRun } from '../toy-experiment.js';
import { driver, type StandIn } from './stand-in.js';

/** The run of most tests. */
export const spec = toyRun('only', 10, 4e-3, 1);
export const id = runId(spec);
/** A cluster's seconds in milliseconds. */
export const QUICK = {
  pollMilliseconds: 5,
  patienceMilliseconds: 500,
  faultMilliseconds: 50,
  settleMilliseconds: 30,
  readAgainMilliseconds: 5,
};

export interface Swept extends SweepOutcome {
  notes: string[];
  events: SweepEvent[];
  folder: string;
}

/** Sweeps on a stand-in for Ray, and says what was seen. */
export async function sweepOn(
  standIn: StandIn,
  {
    specs = [spec],
    folder,
    see = () => {},
    signal,
    ...options
  }: RayOptions & {
    specs?: (typeof spec)[];
    folder?: string;
    see?: (event: SweepEvent) => void;
    signal?: AbortSignal;
  } = {},
): Promise<Swept> {
  const engine = await RayEngine.connect(standIn.url, driver, { ...QUICK, ...options });
  const into = folder ?? (await temporaryFolder());
  const all: SweepEvent[] = [];
  try {
    const events = sweep({ ...toyExperiment, runs: () => specs }, 'smoke', { engine, folder: into, signal });
    for (;;) {
      const next = await events.next();
      if (next.done) {
        const notes = all.flatMap((event) => (event.kind === 'progress' && event.progress.note) || []);
        return { ...next.value, notes, events: all, folder: into };
      }
      all.push(next.value);
      see(next.value);
    }
  } finally {
    await engine.close();
  }
}
