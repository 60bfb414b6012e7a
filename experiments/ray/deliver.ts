/** A run that another machine carried out, put where a local one would stand. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@bitnet-notebooks/lib';
import type { RunResult } from '../sweep/finished-run.js';
import { readResult } from '../sweep/result-file.js';
import { RUN_FILES, type RunFile } from './run-log.js';

/**
 * Writes the files of a run's folder, its result last: without that the run is unfinished, and will be carried out. What
 * was there of an unfinished run gives way, its checkpoint as `checkpoint.unfinished-TIME`; a finished one stays as it is.
 * @returns the run's result
 */
export async function deliverRun(folder: string, files: ReadonlyMap<RunFile, string>): Promise<RunResult> {
  const there = await readResult(folder);
  if (there) return there;
  const checkpoint = join(folder, 'checkpoint');
  await rename(checkpoint, `${checkpoint}.unfinished-${Date.now()}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  for (const name of RUN_FILES) {
    const text = files.get(name);
    if (text !== undefined) await writeFileAtomically(join(folder, name), (file) => file.writeFile(text));
  }
  return (await readResult(folder))!;
}
