/**
 * BitNet's scaling law (arXiv 2310.11453, section 3.2) rerun at toy scale: loss against parameters at equal tokens, on a
 * language whose entropy is known and on Tiny Shakespeare, and loss against tokens at a few sizes.
 */
import type { Experiment } from '../sweep/experiment.js';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { scalingClaims } from './claims.js';
import { scalingTable } from './table.js';
import { shakespeareSweep, zipfSweep } from '../sizes/sweeps.js';
import { sizeSweepRuns } from '../sizes/size-sweep.js';

/** Laptop has no time for the text, of which four small sizes decide nothing. */
function runs(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  const sweeps = preset === 'laptop' ? [zipfSweep] : [zipfSweep, shakespeareSweep];
  return sweeps.flatMap((sweepOf) => sizeSweepRuns(sweepOf(preset), finished));
}

/** What notebook 2 shows. */
export const scalingLaw: Experiment = {
  name: 'scaling-law',
  title: 'The scaling law L(N) = aN^b + c, on a language whose entropy is known and on Tiny Shakespeare',
  runs,
  table: scalingTable,
  claims: scalingClaims,
};
