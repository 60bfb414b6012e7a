import type { FinishedRun } from './run-spec.js';

/** What the command prints at the end. */
export function fp16Table(finished: readonly FinishedRun[]): string[] {
  return [
    '| model | parameters | learning rate | seed | validation loss (nats) | in half precision |',
    '|---|---|---|---|---|---|',
    ...finished.filter(({ role }) => role === 'final').map(tableRow),
  ];
}

function tableRow({ arm, parameters, training, validationLoss, measured }: FinishedRun): string {
  const loss = (value: number | null | undefined, missing: string): string => value?.toFixed(3) ?? missing;
  return (
    `| ${arm} | ${(parameters / 1e6).toFixed(2)} M | ${training.schedule.peak} | ${training.seeds.weights} | ` +
    `**${loss(validationLoss, 'diverged')}** | ${loss(measured?.fp16, '')} |`
  );
}
