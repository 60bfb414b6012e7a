/** Puts a run folder right that was damaged after it was written. For the holder of its lock alone. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError } from '../io/file-error.js';
import { readTextIfThere } from '../io/whole-file.js';
import { RunFolderError } from '../io/run-folder-error.js';
import { goodLines, MAX_METRICS_BYTES, rewriteMetrics } from './metrics-file.js';
import { readCheckpointState, removeCheckpoint, type CheckpointState } from './run-checkpoint.js';
import { CHECKPOINT_FOLDER, COMPLETED_FILE, lostEnd, METRICS_FILE, readCompleted } from './run-start.js';

/**
 * Cuts metrics.jsonl back to the last good point before a damaged line, takes away a checkpoint that is damaged or lies
 * later than that point, and lets a run go on whose last checkpoint is gone. It then gives the same losses again. What
 * was damaged is kept beside its place, as `.damaged`.
 * @returns what was found and done; empty where nothing was damaged
 * @throws FileError where the folder cannot be read or written
 */
export async function repairRun(folder: string): Promise<string> {
  const completed = join(folder, COMPLETED_FILE);
  const notes: string[] = [];
  const points = await repairMetrics(folder, notes);
  let checkpoint = await readOrRemove(folder, notes);
  if (points !== undefined) {
    await rm(completed, { force: true });
    if (checkpoint && checkpoint.points > points) {
      await removeCheckpoint(join(folder, CHECKPOINT_FOLDER));
      notes.push('repair run: the damaged line lies before the checkpoint, which is of no use then.');
      checkpoint = undefined;
    }
  }
  const end = await readCompleted(completed).catch((error: unknown) => {
    if (!(error instanceof RunFolderError)) throw error;
    notes.push(error.message);
    return null;
  });
  const problem = end === null ? '' : lostEnd(end, checkpoint);
  if (problem !== undefined) {
    if (problem !== '') notes.push(`repair run: ${problem} in ${folder}.`);
    await rm(completed, { force: true });
  }
  if (notes.length > 0) {
    const from = checkpoint ? `goes on from its checkpoint at step ${checkpoint.step}` : 'starts again';
    notes.push(`The run ${from}.`);
  }
  return notes.join(' ');
}

/** @returns the number of points that are left where the file was damaged */
async function repairMetrics(folder: string, notes: string[]): Promise<number | undefined> {
  const file = join(folder, METRICS_FILE);
  const text = (await readTextIfThere(file, 'repair run', MAX_METRICS_BYTES)) ?? '';
  const lines = text.split('\n');
  lines.pop();
  const good = goodLines(lines);
  if (good === lines.length) return undefined;
  await rename(file, `${file}.damaged`);
  await rewriteMetrics(file, lines.slice(0, good));
  notes.push(
    `repair run: line ${good + 1} of ${file} is no point of a run (the file as found is ${METRICS_FILE}.damaged).`,
  );
  return good;
}

async function readOrRemove(folder: string, notes: string[]): Promise<CheckpointState | undefined> {
  const place = join(folder, CHECKPOINT_FOLDER);
  try {
    return await readCheckpointState(place);
  } catch (error) {
    const isDamage =
      error instanceof RunFolderError || (error instanceof FileError && error.found === 'ENOENT');
    if (!isDamage) throw error;
    notes.push(error.message);
    await removeCheckpoint(place);
    return undefined;
  }
}
