import { formatEstimate } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { onFrontier } from './compare.js';
import { frontierOf } from './results.js';

/** What the command prints at the end: every form at every size, those that nothing beats in bytes marked. */
export function frontierTable(finished: readonly FinishedRun[]): string[] {
  return frontierOf(finished).flatMap(({ corpus, points }) => {
    const best = new Set(onFrontier(points, ({ bytes }) => bytes));
    return [
      `| ${corpus} | shape | parameters | bytes | test loss (nats) | on the frontier |`,
      '|---|---|---|---|---|---|',
      ...points.map((point) => {
        const { form, shape, parameters, bytes, loss } = point;
        return (
          `| ${form.label} | ${shape} | ${(parameters / 1e6).toFixed(3)} M | ${Math.round(bytes)} | ` +
          `${formatEstimate(loss)} | ${best.has(point) ? 'yes' : ''} |`
        );
      }),
      '',
    ];
  });
}
