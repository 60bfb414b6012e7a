import type { FinishedRun } from './run-spec.js';

export function ablationTable(finished: readonly FinishedRun[]): string[] {
  return finished.map(({ name, validationLoss }) => `${name} ${validationLoss?.toFixed(4) ?? 'diverged'}`);
}
