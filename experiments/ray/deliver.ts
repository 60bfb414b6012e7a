/** A run that another machine carried out, put where a local one would stand. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RunResult } from '../sweep/finished-run.js';
import { readResult } from '../sweep/result-file.js';
import { RUN_FILES, type RunFile } from './run-log.js';

/**
 * Writes the run's folder, whole or not at all. What was left there of an unfinished run gives way; a finished one
 * stays as it is.
 * @returns the run's result
 */
export async function deliverRun(folder: string, files: ReadonlyMap<RunFile, string>): Promise<RunResult> {
  const there = await readResult(folder);
  if (there) return there;
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  await removeBeside(folder);
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial);
  for (const name of RUN_FILES) {
    const text = files.get(name);
    if (text !== undefined) await writeFile(join(partial, name), text, { flush: true });
  }
  // A folder cannot be renamed over one that has files.
  await rename(folder, `${folder}.replaced-${process.pid}`).catch(ifMissing);
  await rename(partial, folder);
  await removeBeside(folder);
  return (await readResult(folder))!;
}

/** What a driver left that was killed here. */
async function removeBeside(folder: string): Promise<void> {
  const left = new RegExp(`^${basename(folder)}\\.(partial|replaced)-\\d+$`);
  for (const name of await readdir(dirname(folder))) {
    if (left.test(name)) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function ifMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
