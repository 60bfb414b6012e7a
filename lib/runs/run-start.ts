/** Where a run stands when it is opened, after everything that a kill can leave was put right. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextIfThere } from '../io/whole-file.js';
import { isStep, readMetrics, rewriteMetrics, type RunPoint } from './metrics-file.js';
import { readCheckpointState, type CheckpointState } from './run-checkpoint.js';
import { RunFolderError } from '../io/run-folder-error.js';

/** Names inside a run folder. */
export const METRICS_FILE = 'metrics.jsonl';
export const COMPLETED_FILE = 'completed.json';
export const CHECKPOINT_FOLDER = 'checkpoint';

/** Where a run stands. */
export interface RunStart {
  checkpoint: CheckpointState | undefined;
  points: RunPoint[];
  /** Length of metrics.jsonl. */
  bytes: number;
  completed: boolean;
}

/** What completed.json says of a complete run. */
export interface RunEnd {
  /** In metrics.jsonl. */
  points: number;
  /** Of the last checkpoint; null where there was none, undefined where an early version did not say. */
  step?: number | null;
}

/** Points of a run and how it ended, if it has, read without changing anything. */
export async function readProgress(
  folder: string,
): Promise<{ points: RunPoint[]; lines: string[]; end: RunEnd | undefined }> {
  const file = join(folder, METRICS_FILE);
  // First, since its writer writes it last: the points that it counts are there then.
  const end = await readCompleted(join(folder, COMPLETED_FILE));
  const { points, lines } = await readMetrics(file);
  if (end !== undefined) requirePoints(end.points, points.length, 'as the run was completed', file);
  return { points, lines, end };
}

/**
 * Brings metrics.jsonl to the checkpoint's step, and says where the run stands.
 * @param earlier identities that the run had when it was shorter
 */
export async function settleRun(
  folder: string,
  identity: string,
  earlier: readonly string[] = [],
): Promise<RunStart> {
  const checkpoint = await readCheckpointState(join(folder, CHECKPOINT_FOLDER));
  if (checkpoint && ![identity, ...earlier].includes(checkpoint.identity)) {
    throw new RunFolderError(
      `open run: checkpoint must belong to this run (${identity.slice(0, 12)}), ` +
        `got one of run ${checkpoint.identity.slice(0, 12)} in ${folder}. Put the run's own checkpoint back.`,
    );
  }
  const file = join(folder, METRICS_FILE);
  const { points, lines, end } = await readProgress(folder);
  const problem = lostEnd(end, checkpoint);
  if (problem !== undefined) {
    throw new RunFolderError(
      `open run: ${problem} in ${folder}. Put that checkpoint back, or delete ${COMPLETED_FILE}: the run then goes ` +
        'on from the checkpoint that it has, or starts again.',
    );
  }
  const last = end ? Infinity : (checkpoint?.step ?? -1);
  const kept = points.filter(({ step }) => step <= last);
  if (checkpoint) {
    requirePoints(checkpoint.points, kept.length, `up to the checkpoint's step ${checkpoint.step}`, file);
  }
  const keptLines = lines.slice(0, kept.length);
  const bytes = keptLines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  const size = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  if (size !== bytes) await rewriteMetrics(file, keptLines);
  return { checkpoint, points: kept, bytes, completed: end !== undefined };
}

/** Says that a complete run has lost its last checkpoint, and the trained model with it. */
export function lostEnd(
  end: RunEnd | undefined,
  checkpoint: CheckpointState | undefined,
): string | undefined {
  const found = checkpoint?.step ?? null;
  if (end?.step === undefined || end.step === found) return undefined;
  const said = found === null ? 'none' : `that of step ${found}`;
  return `a complete run must have its checkpoint of step ${end.step}, got ${said}`;
}

function requirePoints(wanted: number, found: number, where: string, file: string): void {
  if (found >= wanted) return;
  throw new RunFolderError(
    `read metrics: the file must hold ${wanted} points ${where}, got ${found} in ${file}. ` +
      'It was cut after it was written: restore it, or start a new run.',
  );
}

/** What completed.json says; undefined where the run is not complete. */
export async function readCompleted(path: string): Promise<RunEnd | undefined> {
  const text = await readTextIfThere(path, 'read run');
  if (text === undefined) return undefined;
  try {
    const { points, step } = JSON.parse(text) as { points?: unknown; step?: unknown };
    if (isStep(points) && (step === undefined || step === null || isStep(step))) return { points, step };
  } catch {
    // Reported below, as for any other content.
  }
  throw new RunFolderError(
    `read run: the file must hold the number of points, got ${JSON.stringify(text.slice(0, 80))} in ${path}. ` +
      'It was damaged after it was written: delete it to go on from the last checkpoint.',
  );
}
