/** A sweep as a process of its own, for tests that kill it: driver.ts ENGINE FOLDER RESULTS [shared] */
import { writeFile } from 'node:fs/promises';
import { LocalEngine } from '../../../experiments/sweep/engines/local.js';
import { driverIdentity } from '../../../experiments/commands/open-engine.js';
import { RayEngine } from '../../../experiments/ray/engine.js';
import type { Experiment } from '../../../experiments/sweep/experiment.js';
import { resultsText } from '../../../experiments/record/recorded.js';
import { sweep } from '../../../experiments/sweep/sweep.js';
import { toyExperiment, toyRun } from '../toy-experiment.js';

/** One run that is long enough to be caught between two checkpoints. */
export const LONG_STEPS = 400;
const longExperiment: Experiment = {
  ...toyExperiment,
  name: 'long',
  runs: () => [toyRun('long', LONG_STEPS, 4e-3, 1)],
};

// Elsewhere than in a process of its own this module only names the run above.
const [, , where, folder, results, shared] = process.argv;
if (where === 'local' || where?.startsWith('http')) {
  const experiment = shared === 'shared' ? longExperiment : toyExperiment;
  const engine =
    where === 'local'
      ? new LocalEngine(2)
      : await RayEngine.connect(where, await driverIdentity(), {
          ...(shared === 'shared' && { sharedFolder: folder }),
        });
  const events = sweep(experiment, 'smoke', { engine, folder });
  let next = await events.next();
  for (; !next.done; next = await events.next()) {
    const event = next.value;
    if (event.kind === 'progress' && event.progress.note === undefined) continue;
    const more =
      event.kind === 'progress' ? event.progress.note : 'error' in event ? event.error.message : '';
    console.log(event.spec.name, event.kind, more);
  }
  await engine.close();
  await writeFile(results, resultsText(experiment, 'smoke', next.value.finished));
  process.exitCode = next.value.failed.length > 0 ? 1 : 0;
}
