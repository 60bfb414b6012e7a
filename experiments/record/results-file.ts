/** The committed results in experiments/results/, one JSON file a measurement. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readTextIfThere } from '@bitnet-notebooks/lib';
import { EXPERIMENTS_FOLDER } from '../sweep/commit.js';

/** Where the results of that name are committed. */
export function resultsFile(name: string): string {
  return join(EXPERIMENTS_FOLDER, 'results', `${name}.json`);
}

/** True where there are committed results of that name. */
export function hasResults(name: string): boolean {
  return existsSync(resultsFile(name));
}

/**
 * Reads committed results.
 * @param command makes the file
 * @param problem says what is wrong with what is in the file; undefined where nothing is
 * @throws Error that names file and command, where there is no such file or it is damaged
 */
export async function readResults<T extends object>(
  file: string,
  command: string,
  problem: (found: Partial<T>) => string | undefined,
): Promise<T> {
  const text = await readTextIfThere(file, 'read results');
  if (text === undefined)
    throw new Error(`read results: ${file} must hold recorded results, got no file. Make them: ${command}`);
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  const isObject = typeof found === 'object' && found !== null;
  const said = isObject
    ? problem(found as Partial<T>)
    : `a record must be a JSON object, got ${JSON.stringify(text.slice(0, 40))}`;
  if (said === undefined) return found as T;
  throw new Error(
    `read results: ${said} in ${file}. Put the committed file back (git checkout), or make it again: ${command}`,
  );
}
