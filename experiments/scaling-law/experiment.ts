/**
 * BitNet's scaling law (arXiv 2310.11453, section 3.2) over size and tokens together: on three languages whose entropy is known, and on
 * the State of the Union.
 */
import type { Experiment } from '../sweep/experiment.js';
import { scalingClaims } from './claims.js';
import { gridRuns } from './grid.js';
import { gridsOf } from './grids.js';
import { scalingTable } from './table.js';

/** What notebook 2 shows. */
export const scalingLaw: Experiment = {
  name: 'scaling-law',
  title: 'L(N, D): loss against size and tokens, ternary and binary beside full precision',
  runs: (preset, finished) => {
    const { grids, tuning } = gridsOf(preset);
    return gridRuns(grids, tuning, finished);
  },
  table: scalingTable,
  claims: scalingClaims,
};
