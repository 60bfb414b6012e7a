/** The committed results in experiments/results/, one JSON file a measurement. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
 * @throws Error that says so, where there is none
 */
export async function readResults<T>(file: string, command: string): Promise<T> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `read results: ${file} must hold recorded results (${error.code}). Make them: ${command}`,
      { cause: error },
    );
  });
  return JSON.parse(text) as T;
}
