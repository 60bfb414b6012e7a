/** What `npm run bench -- shapes` recorded: decoding at the papers' shapes, which notebook 3b opens with. */
import type { ShapeSpeed, WeightForm } from '@bitnet-notebooks/lib';
import { measurementsProblem, readResults, resultsFile } from '../record/results-file.js';

/** experiments/results/shapes.json */
export interface ShapesRecord {
  /** The command that makes this file. */
  command: string;
  machine: string;
  measurements: ShapeSpeed[];
}

/** Where the record is committed. */
export const SHAPES_RESULTS: string = resultsFile('shapes');

/** The command that makes it. */
export const SHAPES_COMMAND = 'npm run bench -- shapes --record';

/** @throws Error that says which command makes the file, where there is none */
export function readShapes(file: string = SHAPES_RESULTS): Promise<ShapesRecord> {
  return readResults<ShapesRecord>(file, SHAPES_COMMAND, measurementsProblem);
}

/** One shape in one form on a number of threads. */
export function findMeasurement(
  { measurements, command }: ShapesRecord,
  shape: string,
  form: WeightForm,
  threads = 1,
): ShapeSpeed {
  const found = measurements.find(
    (one) => one.shape === shape && one.form === form && one.threads === threads,
  );
  if (found) return found;
  throw new Error(
    `find measurement: ${shape} in ${form} on ${threads} threads must be recorded, and is not. Make it: ${command}`,
  );
}
