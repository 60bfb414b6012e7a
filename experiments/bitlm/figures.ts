/** The picture of the first experiment. */
import { lossCurves, type Figure } from '@bitnet-notebooks/lib';
import { finalRuns, type FinishedRun } from '../sweep/finished-run.js';

/** Loss curves of the reported runs. */
export function bitlmCurves(finished: readonly FinishedRun[], title: string = 'Recorded runs'): Figure {
  return lossCurves(
    finalRuns(finished).map(({ arm, curve }) => ({ name: arm, points: curve })),
    { title },
  );
}
