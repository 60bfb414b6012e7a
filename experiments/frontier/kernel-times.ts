/** What `npm run bench -- frontier-times` recorded: decoding at the very shapes of the frontier's text models. */
import type { ShapeSpeed } from '@bitnet-notebooks/lib';
import { measurementsProblem, readResults, resultsFile } from '../record/results-file.js';

/** A shape in one form, on one thread. What reads from the cache says nothing of memory: those figures are left out. */
export type KernelTime = Pick<ShapeSpeed, 'shape' | 'form' | 'kernel' | 'threads' | 'layersMs' | 'headMs'>;

/** experiments/results/frontier-times.json */
export interface KernelTimes {
  /** The command that makes this file. */
  command: string;
  machine: string;
  measurements: KernelTime[];
}

/** Where the record is committed. */
export const TIMES_RESULTS: string = resultsFile('frontier-times');

/** The command that makes it. */
export const TIMES_COMMAND = 'npm run bench -- frontier-times --record';

/** @throws Error that says which command makes the file, where there is none */
export function readKernelTimes(file: string = TIMES_RESULTS): Promise<KernelTimes> {
  return readResults<KernelTimes>(file, TIMES_COMMAND, measurementsProblem);
}

/** Milliseconds of a token: all layers, and the output matrix, which is fp16 in both forms. Undefined where a shape was not measured. */
export function tokenMs(
  { measurements }: KernelTimes,
  shape: string,
  form: 'ternary' | 'fp16',
): number | undefined {
  const find = (wanted: 'ternary' | 'fp16') =>
    measurements.find((one) => one.shape === shape && one.form === wanted && one.threads === 1);
  const [layers, head] = [find(form), find('fp16')];
  return layers && head && layers.layersMs + head.headMs;
}
