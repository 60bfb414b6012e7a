/** The pilot's table: what half-widths of 0.012 and 0.006 nats cost at each size. */
import { formatEstimate, interval } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { divergedRuns, pilotResults, seedsFor, type PilotResult } from './results.js';

/** Half-widths that designs ask for, nats. */
const WANTED = [0.012, 0.006];

/** Lines of Markdown: a row for each size whose arms share two seeds. */
export function pilotTable(finished: readonly FinishedRun[]): string[] {
  const diverged = divergedRuns(finished);
  const costs = WANTED.map((wanted) => `seeds, and core-minutes of two arms, for ±${wanted}`).join(' | ');
  return [
    `| size | parameters | steps | seconds a run | scatter of a run, nats | b1.58 − full precision, untuned | ${costs} |`,
    `|${'---|'.repeat(6 + WANTED.length)}`,
    ...pilotResults(finished).map(row),
    ...(diverged.length > 0 ? [`Diverged, and left out: ${diverged.join(', ')}.`] : []),
  ];
}

function row({ candidate, parameters, steps, seconds, deviation, degrees, difference }: PilotResult): string {
  const costs = WANTED.map((wanted) => {
    const seeds = seedsFor(deviation, wanted);
    return `${seeds}, ${((2 * seeds * seconds) / 60).toFixed(0)} min`;
  });
  const cells = [
    candidate,
    `${(parameters / 1e6).toFixed(2)} M`,
    steps,
    seconds.toFixed(0),
    `${deviation.toFixed(4)} (${degrees} degrees of freedom)`,
    formatEstimate(interval(difference)),
    ...costs,
  ];
  return `| ${cells.join(' | ')} |`;
}
