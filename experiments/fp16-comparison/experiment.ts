/**
 * The comparison with full precision: pairs of equal shape up to 4 million parameters, and one shape whose full-precision
 * model is quantized after training. Every arm's rate is tuned; arms share seeds and the order of the data.
 */
import type { Experiment } from '../sweep/experiment.js';
import { fp16Claims } from './claims.js';
import { fp16Table } from './table.js';
import { pairRuns } from './pairs.js';
import { postTrainingRuns } from './post-training-runs.js';

/** What notebook 3 shows of models that were trained. */
export const fp16Comparison: Experiment = {
  name: 'fp16-comparison',
  title: 'What 1.58 bits cost: b1.58 beside full precision, and weights quantized after training',
  runs: (preset, finished) => [
    ...postTrainingRuns(preset, finished),
    // Half of the pairs are enough to see that all works.
    ...pairRuns(preset, finished).filter(
      ({ corpus }) => preset !== 'smoke' || corpus.name === 'tiny-shakespeare',
    ),
  ],
  table: fp16Table,
  claims: fp16Claims,
};
