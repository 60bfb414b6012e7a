/** What `npm run bench -- shapes` recorded: decoding at the papers' shapes, which notebook 3 opens with. */
import { access, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ShapeSpeed, WeightForm } from '@bitnet-notebooks/lib';

/** experiments/results/shapes.json */
export interface ShapesRecord {
  /** The command that makes this file. */
  command: string;
  machine: string;
  measurements: ShapeSpeed[];
}

const folder = fileURLToPath(new URL('.', import.meta.url)).replace(/dist[\\/]$/, '');

/** Where the record is committed. */
export const SHAPES_RESULTS: string = `${folder}results/shapes.json`;

/** True where the speeds are recorded. */
export function hasShapes(): Promise<boolean> {
  return access(SHAPES_RESULTS).then(
    () => true,
    () => false,
  );
}

/** @throws Error that says which command makes the file, where there is none */
export async function readShapes(file: string = SHAPES_RESULTS): Promise<ShapesRecord> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `read shapes: the recorded speeds must be at ${file} (${error.code}). Make them: npm run bench -- shapes --record`,
      { cause: error },
    );
  });
  return JSON.parse(text) as ShapesRecord;
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
