/** What `npm run bench -- frontier-times` recorded: decoding at the very shapes of the frontier's text models. */
import type { ShapeSpeed } from '@bitnet-notebooks/lib';
import { readMeasured, type Measured } from '../record/measured.js';
import { tokenMs as recordedTokenMs, type ShapeTime } from '../shapes/results.js';

/** A shape in one form, on one thread. What reads from the cache says nothing of memory: those figures are left out. */
export type KernelTime = ShapeTime & Pick<ShapeSpeed, 'kernel'>;

/** experiments/results/frontier-times.json */
export type KernelTimes = Measured<KernelTime>;

/** Names the bench and its file. */
export const FRONTIER_TIMES = 'frontier-times';

/** @throws Error that says which command makes the file, where there is none */
export function readKernelTimes(file?: string): Promise<KernelTimes> {
  return readMeasured<KernelTime>(FRONTIER_TIMES, file);
}

/** Milliseconds of a token on one thread; undefined where a shape was not measured. */
export function tokenMs(times: KernelTimes, shape: string, form: 'ternary' | 'fp16'): number | undefined {
  const isMeasured = times.measurements.some((one) => one.shape === shape);
  return isMeasured ? recordedTokenMs(times, shape, form) : undefined;
}
