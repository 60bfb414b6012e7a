import { roundingOf } from '../sizes/pairs.js';
import type { FinishedRun } from '../sweep/finished-run.js';

/** What the command prints at the end. */
export function fp16Table(finished: readonly FinishedRun[]): string[] {
  return [
    '| model | parameters | learning rate | seed | validation loss (nats) | change in half precision |',
    '|---|---|---|---|---|---|',
    ...finished.filter(({ role }) => role === 'final').map(tableRow),
  ];
}

function tableRow(run: FinishedRun): string {
  const { arm, parameters, training, validationLoss } = run;
  return (
    `| ${arm} | ${(parameters / 1e6).toFixed(3)} M | ${training.schedule.peak} | ${training.seeds.weights} | ` +
    `**${validationLoss?.toFixed(3) ?? 'diverged'}** | ${roundingOf(run)?.toFixed(6) ?? ''} |`
  );
}
