/** A run's result, beside its metrics in its folder. */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRunConfig } from '@bitnet-notebooks/lib';
import type { RunResult } from './finished-run.js';

/** Name of the file beside a run's metrics that holds its result. */
const RESULT_FILE = 'result.json';

/**
 * The result of a run that has ended; undefined where it has not. Early results have their versions in config.json alone.
 */
export async function readResult(folder: string): Promise<RunResult | undefined> {
  const path = join(folder, RESULT_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  let result: RunResult;
  try {
    result = JSON.parse(text) as RunResult;
  } catch (error) {
    throw new Error(
      `read result: the file must hold JSON, got ${text.length} characters that do not parse in ${path}. ` +
        'Delete it: the run is then evaluated again from its checkpoint.',
      { cause: error },
    );
  }
  const isEarly = result.versions === undefined && existsSync(join(folder, 'config.json'));
  return isEarly ? { ...result, versions: (await readRunConfig(folder)).versions } : result;
}

/** Puts a result beside a run's metrics, whole or not at all. */
export async function writeResult(folder: string, result: RunResult): Promise<void> {
  const path = join(folder, RESULT_FILE);
  await writeFile(`${path}.partial`, `${JSON.stringify(result, undefined, 2)}\n`, { flush: true });
  await rename(`${path}.partial`, path);
}
