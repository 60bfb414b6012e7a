import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FinishedRun, RunResult } from './run-spec.js';

/** Results of an experiment that was really run, with what is needed to run it again. */
export interface RecordedResults {
  experiment: string;
  preset: string;
  /** The command that makes this file. */
  command: string;
  /** Commit of the code that ran. */
  commit: string;
  node: string;
  /** What computed the runs; more than one entry means that they agree to rounding only. */
  backends: RunResult['backend'][];
  cores: number;
  /** Time of all runs together, on one thread each. */
  seconds: number;
  runs: FinishedRun[];
}

/** experiments/, seen from its sources as well as from experiments/dist/. */
const here = dirname(fileURLToPath(import.meta.url));
const EXPERIMENTS = basename(here) === 'dist' ? dirname(here) : here;

/** Folder that holds the runs of an experiment and preset; git ignores it. */
export function runsFolder(experiment: string, preset: string): string {
  return join(EXPERIMENTS, 'runs', experiment, preset);
}

/** The committed results of an experiment. */
export async function readRecorded(experiment: string): Promise<RecordedResults> {
  const path = join(EXPERIMENTS, 'results', `${experiment}.json`);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `read results: ${path} must be there (${error.code}). Make it: npm run experiment -- ${experiment} --preset full --record`,
      { cause: error },
    );
  });
  return JSON.parse(text) as RecordedResults;
}

/** Writes results to be committed. */
export async function writeRecorded(results: RecordedResults): Promise<string> {
  const path = join(EXPERIMENTS, 'results', `${results.experiment}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.partial`, `${JSON.stringify(results, undefined, 1)}\n`, { flush: true });
  await rename(`${path}.partial`, path);
  return path;
}

/** What a result must say about the machine and the code it came from. */
export function circumstances(): Pick<RecordedResults, 'commit' | 'node' | 'cores'> {
  let commit = 'unknown';
  try {
    commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: EXPERIMENTS, encoding: 'utf8' }).trim();
  } catch {
    // Not a git checkout: the result says so.
  }
  return { commit, node: process.version, cores: availableParallelism() };
}
