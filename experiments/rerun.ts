import { abortOnInterrupt } from '@bitnet-notebooks/lib';
import { findExperiment } from './experiments.js';
import { RUNS_FOLDER } from './record/recorded.js';
import { LocalEngine } from './sweep/engines/local.js';
import type { FinishedRun } from './sweep/finished-run.js';
import type { Preset, RunSpec } from './sweep/run-spec.js';
import { ProgressLine } from './sweep/progress-line.js';
import { sweep } from './sweep/sweep.js';

/** Options of {@link rerun}. */
export interface RerunOptions {
  /** Leaves out the runs for which it is false. */
  only?: (spec: RunSpec) => boolean;
  /** Sees all runs so far each time that one has ended, to draw them. */
  onRun?: (finished: readonly FinishedRun[]) => void;
}

/**
 * Carries out an experiment's runs on the cores of this machine, as `npm run experiment` does, from a notebook: what is
 * finished already is taken over, the stop button ends it, and the next call goes on from there. A line tells how far it is;
 * failures are printed.
 * @returns the finished runs
 * @throws Error for a name that does not exist
 */
export async function rerun(
  name: string,
  preset: Preset,
  { only, onRun }: RerunOptions = {},
): Promise<FinishedRun[]> {
  const experiment = findExperiment(name);
  const engine = new LocalEngine();
  const signal = abortOnInterrupt();
  const options = { engine, folder: RUNS_FOLDER, signal, only };
  const runs: FinishedRun[] = [];
  const line = new ProgressLine();
  try {
    for await (const event of sweep(experiment, preset, options)) {
      line.show(event);
      if (event.kind === 'failed') console.log(event.error.message);
      if (event.kind !== 'finished') continue;
      runs.push(event.run);
      onRun?.(runs);
    }
    line.end(signal.aborted);
  } finally {
    await engine.close();
  }
  return runs;
}
