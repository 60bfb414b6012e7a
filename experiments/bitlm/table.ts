/** The table of the first experiment, one line a model. */
import { finalRuns, type FinishedRun } from '../sweep/finished-run.js';
import { FIRST_README, passed } from './results.js';

/** Lines of Markdown. */
export function bitlmTable(finished: readonly FinishedRun[]): string[] {
  return [
    `| model | parameters | steps | learning rate | validation loss (nats per character) | seconds | below ${FIRST_README} |`,
    '|---|---|---|---|---|---|---|',
    ...finalRuns(finished).map(row),
  ];
}

function row(run: FinishedRun): string {
  const { arm, parameters, training, validationLoss, seconds } = run;
  const point = passed(run);
  const when = point ? `step ${point.step}, ${point.seconds.toFixed(0)} s` : 'not reached';
  return (
    `| ${arm} | ${(parameters / 1e6).toFixed(2)} M | ${training.steps} | ${training.schedule.peak} | ` +
    `**${validationLoss?.toFixed(3) ?? 'diverged'}** | ${seconds.toFixed(0)} | ${when} |`
  );
}
