/**
 * The fair frontier: for so many bytes, joules or milliseconds, which form of weights gives the lowest loss? Every arm is
 * trained at every shape at a rate of its own; full-precision models are quantized afterwards as well; every model is
 * written to a file and judged by what is read back, on text that nothing was chosen by.
 */
import type { Experiment } from '../sweep/experiment.js';
import type { Preset } from '../sweep/run-spec.js';
import { FRONTIER_ARMS } from './arms.js';
import { frontierClaims } from './claims.js';
import { frontierPlans } from './plan.js';
import { runsOfArm } from './runs.js';
import { frontierTable } from './table.js';

export const frontier: Experiment = {
  name: 'frontier',
  title: 'Close to 8-bit, or not? Loss against bytes, joules and time, for every form of weights',
  runs: (preset: Preset, finished) =>
    frontierPlans(preset).flatMap((plan) =>
      FRONTIER_ARMS.filter(({ name }) => plan.arms.includes(name)).flatMap((arm) =>
        runsOfArm(plan, arm, finished),
      ),
    ),
  table: frontierTable,
  claims: frontierClaims,
};
