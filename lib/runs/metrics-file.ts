/** metrics.jsonl: the points of a run, one JSON object a line, only ever appended to. */
import { appendFile, open, truncate } from 'node:fs/promises';
import { writeFileAtomically } from '../io/atomic-write.js';
import { explainSystemError } from '../io/file-error.js';
import { readTextIfThere } from '../io/whole-file.js';
import { RunFolderError } from '../io/run-folder-error.js';
import { stableJson } from './run-config.js';

/** A string of this many bytes still fits into JavaScript: a million points and more. */
export const MAX_METRICS_BYTES: number = 2 ** 28;

/** A point of a run: what was measured after `step` updates. All further fields are the run's own, plain data. */
export interface RunPoint {
  step: number;
}

/** Points read from a file, with the text of their lines. */
export interface MetricsLines {
  points: RunPoint[];
  /** The lines as they stand in the file, without line ends. */
  lines: string[];
}

/**
 * Reads all points. A last line without line end is what a killed process left: it is skipped.
 * @returns no points where there is no file
 * @throws RunFolderError for a line that is no point, or whose step is below the one before; it names the line
 */
export async function readMetrics(path: string): Promise<MetricsLines> {
  const text = (await readTextIfThere(path, 'read metrics', MAX_METRICS_BYTES)) ?? '';
  const lines = text.split('\n');
  lines.pop();
  const points = lines.map((line, index) => parsePoint(line, `line ${index + 1} of ${path}`));
  for (let i = 1; i < points.length; i++) {
    if (points[i].step >= points[i - 1].step) continue;
    throw new RunFolderError(
      `read metrics: step must not fall, got ${points[i].step} after ${points[i - 1].step} in line ${i + 1} ` +
        `of ${path}. The file was changed by something else: restore it, or start a new run.`,
    );
  }
  return { points, lines };
}

function parsePoint(line: string, place: string): RunPoint {
  let point: unknown;
  try {
    point = JSON.parse(line);
  } catch {
    point = undefined;
  }
  if (typeof point === 'object' && point !== null && isStep((point as RunPoint).step))
    return point as RunPoint;
  throw new RunFolderError(
    `read metrics: every line must be a JSON object with a step, got ${JSON.stringify(line.slice(0, 80))} ` +
      `in ${place}. The file was damaged after it was written: restore it, or start a new run.`,
  );
}

/** Number of lines before the first one that is no point, or whose step is below the one before. */
export function goodLines(lines: readonly string[]): number {
  let before = 0;
  for (const [index, line] of lines.entries()) {
    let step: unknown;
    try {
      step = (JSON.parse(line) as { step?: unknown } | null)?.step;
    } catch {
      return index;
    }
    if (!isStep(step) || step < before) return index;
    before = step;
  }
  return lines.length;
}

/** Whether a value read from a file can be the number of a step. */
export function isStep(step: unknown): step is number {
  return typeof step === 'number' && Number.isSafeInteger(step) && step >= 0;
}

/** Puts the given lines in the place of the file, in one move. */
export async function rewriteMetrics(path: string, lines: readonly string[]): Promise<void> {
  try {
    await writeFileAtomically(path, (file) => file.writeFile(lines.map((line) => `${line}\n`).join('')));
  } catch (error) {
    throw explainSystemError('repair metrics', path, error);
  }
}

/**
 * Appends a point as one line. If the disk is full, what was written of the line is taken back.
 * @param bytes length of the file before
 * @returns length of the file after
 */
export async function appendMetrics(path: string, point: RunPoint, bytes: number): Promise<number> {
  const line = Buffer.from(`${stableJson(point)}\n`);
  try {
    await appendFile(path, line);
  } catch (error) {
    await truncate(path, bytes).catch(() => undefined);
    throw explainSystemError('append point', path, error);
  }
  return bytes + line.length;
}

/** Waits until the file is on the disk. */
export async function flushMetrics(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
