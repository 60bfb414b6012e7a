import type { FinishedRun } from './run-spec.js';

export function scalingTable(finished: readonly FinishedRun[]): string[] {
  return finished
    .filter(({ role }) => role === 'final')
    .map(({ name, validationLoss }) => `${name} ${validationLoss?.toFixed(4) ?? 'diverged'}`);
}
