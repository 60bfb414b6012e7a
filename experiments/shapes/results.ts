/** What `npm run bench -- shapes` recorded: decoding at the papers' shapes, which notebook 3b opens with. */
import type { ShapeSpeed, WeightForm } from '@bitnet-notebooks/lib';
import { readMeasured, type Measured } from '../record/measured.js';

/** experiments/results/shapes.json */
export type ShapesRecord = Measured<ShapeSpeed>;

/** Milliseconds of all layers and of the output matrix at a shape; the record of the frontier's shapes holds no more. */
export type ShapeTime = Pick<ShapeSpeed, 'shape' | 'form' | 'threads' | 'layersMs' | 'headMs'>;

/** @throws Error that says which command makes the file, where there is none */
export function readShapes(file?: string): Promise<ShapesRecord> {
  return readMeasured<ShapeSpeed>('shapes', file);
}

/** One shape in one form on a number of threads. */
export function findMeasurement<One extends ShapeTime>(
  { measurements, command }: Measured<One>,
  shape: string,
  form: WeightForm,
  threads = 1,
): One {
  const found = measurements.find(
    (one) => one.shape === shape && one.form === form && one.threads === threads,
  );
  if (found) return found;
  throw new Error(
    `find measurement: ${shape} in ${form} on ${threads} threads must be recorded, and is not. Make it: ${command}`,
  );
}

/** Milliseconds of a token: all layers, and the output matrix, which is fp16 in both forms. */
export function tokenMs(
  record: Measured<ShapeTime>,
  shape: string,
  form: 'fp16' | 'ternary',
  threads = 1,
): number {
  const { layersMs } = findMeasurement(record, shape, form, threads);
  return layersMs + findMeasurement(record, shape, 'fp16', threads).headMs;
}
