/** What the pictures of the scaling law share. */
import { meanBySize, meanInterval, type MeasuredLoss } from '@bitnet-notebooks/lib';

export const PARAMETERS = { title: 'Parameters N', unit: 'values', scale: 'log', format: '~s' } as const;

/** Means over the seeds, with Student's intervals where there are several seeds everywhere. */
export function meansWithBars(
  points: readonly MeasuredLoss[],
  floor: number,
): { x: number[]; y: number[]; low?: number[]; high?: number[] } {
  const means = meanBySize(points);
  const x = means.map(({ parameters }) => parameters);
  const y = means.map(({ loss }) => loss - floor);
  const losses = x.map((size) => points.filter((one) => one.parameters === size).map(({ loss }) => loss));
  if (losses.some(({ length }) => length < 2)) return { x, y };
  const intervals = losses.map((values) => meanInterval(values.map((loss) => loss - floor)));
  // A logarithmic axis has no place for what reaches zero.
  const low = intervals.map((one, i) => (floor > 0 ? Math.max(one.low, y[i] / 3) : one.low));
  return { x, y, low, high: intervals.map(({ high }) => high) };
}

/** `5.2 k`, `4.1 M`. */
export function count(parameters: number): string {
  return parameters < 1e6 ? `${(parameters / 1e3).toFixed(1)} k` : `${(parameters / 1e6).toFixed(1)} M`;
}
