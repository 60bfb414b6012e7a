/** Puts a run folder right whose metrics were damaged after they were written. */
import { readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { explainSystemError } from '../io/file-error.js';
import { goodLines, rewriteMetrics } from './metrics-file.js';
import { readCheckpointState } from './run-checkpoint.js';
import { CHECKPOINT_FOLDER, COMPLETED_FILE, METRICS_FILE } from './run-start.js';

/**
 * Cuts metrics.jsonl back to the last good point before a damaged line; the file as found is kept beside it. Where the
 * checkpoint lies later than that point it goes, too: the run then starts anew and gives the same losses again.
 * @returns what was found and done, in a sentence; undefined where nothing was damaged
 * @throws CheckpointError where the folder cannot be read or written
 */
export async function repairRun(folder: string): Promise<string | undefined> {
  const path = resolve(folder);
  const file = join(path, METRICS_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw explainSystemError('repair run', file, error);
  });
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  lines.pop();
  const good = goodLines(lines);
  if (good === lines.length) return undefined;
  await rm(join(path, COMPLETED_FILE), { force: true });
  await rename(file, `${file}.damaged`);
  await rewriteMetrics(file, lines.slice(0, good));
  const found = `line ${good + 1} of ${file} is no point of a run (the file as found is ${METRICS_FILE}.damaged)`;
  const checkpoint = await readCheckpointState(join(path, CHECKPOINT_FOLDER));
  if (checkpoint && checkpoint.points <= good) {
    return `repair run: ${found}. The run goes on from its checkpoint at step ${checkpoint.step}.`;
  }
  await rm(join(path, CHECKPOINT_FOLDER), { recursive: true, force: true });
  return `repair run: ${found}. It lies before the checkpoint, so the run starts anew.`;
}
