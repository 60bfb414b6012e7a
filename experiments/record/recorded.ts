import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomically } from '@bitnet-notebooks/lib';
import { currentCommit, EXPERIMENTS_FOLDER } from '../sweep/commit.js';
import type { Experiment } from '../sweep/experiment.js';
import { commitsOf, requireOneVersion } from '../sweep/versions.js';
import type { Design, Designs } from './design.js';
import { readResults, resultsFile } from './results-file.js';
import { requireNotSmaller } from './smaller-record.js';
import type { Preset } from '../sweep/run-spec.js';
import type { FinishedRun, RunResult } from '../sweep/finished-run.js';
import { resultProblem } from '../sweep/result-file.js';

/** Results of an experiment that was really run, with what is needed to run it again. */
export interface RecordedResults extends Designs {
  experiment: string;
  preset: string;
  /** The command that makes this file. */
  command: string;
  /** Commit of the code that wrote this file. */
  commit: string;
  /** Commits that finished the runs, all of one version; runs of before this was kept add none. */
  commits?: string[];
  node: string;
  /** What computed the runs; more than one entry means that they agree to rounding only. */
  backends: RunResult['backend'][];
  cores: number;
  /** Time of all runs together, on one thread each. */
  seconds: number;
  /** Runs of the preset that were known when this was written and had not ended; absent of a whole record. */
  missing?: number;
  runs: FinishedRun[];
}

/** Folder that holds a folder for every run, by its id; git ignores it. */
export const RUNS_FOLDER: string = join(EXPERIMENTS_FOLDER, 'runs');

/** The command that records an experiment's results. */
export function recordCommand(experiment: string, preset: Preset = 'full'): string {
  return `npm run experiment -- ${experiment} --preset ${preset} --record`;
}

/** The committed results of an experiment. @throws Error that says which command makes them, where there are none */
export function readRecorded(
  experiment: string,
  file: string = resultsFile(experiment),
): Promise<RecordedResults> {
  return readResults<RecordedResults>(file, recordCommand(experiment), recordProblem);
}

/** What is wrong with a record, or with one of its runs; undefined where nothing is. */
function recordProblem({
  runs,
  backends,
  commit,
  design,
  earlierDesigns,
}: Partial<RecordedResults>): string | undefined {
  if (!Array.isArray(runs) || !Array.isArray(backends) || typeof commit !== 'string')
    return 'a record must hold runs, backends and a commit';
  for (const run of runs as Partial<FinishedRun>[]) {
    if (typeof run?.id !== 'string' || typeof run.name !== 'string' || typeof run.arm !== 'string')
      return `a run must have id, name and arm, got ${JSON.stringify(run).slice(0, 80)}`;
    const problem = resultProblem(run);
    if (problem !== undefined) return `run ${run.name}: ${problem}`;
  }
  return designsProblem(design, earlierDesigns);
}

/** What is wrong with the designs of a record; undefined where nothing is, or where it has none. */
function designsProblem(design: unknown, earlier: unknown = []): string | undefined {
  if (!Array.isArray(earlier))
    return `earlierDesigns must be a list, got ${JSON.stringify(earlier).slice(0, 80)}`;
  const all = [
    ...(design === undefined ? [] : [design]),
    ...(earlier as unknown[]),
  ] as (Partial<Design> | null)[];
  const wrong = all.find((one) => typeof one?.text !== 'string' || typeof one.sha256 !== 'string');
  return wrong === undefined
    ? undefined
    : `a design must have text and sha256, got ${JSON.stringify(wrong).slice(0, 80)}`;
}

/** The committed results, or undefined where there are none. */
export async function findRecorded(
  experiment: string,
  file: string = resultsFile(experiment),
): Promise<RecordedResults | undefined> {
  return existsSync(file) ? readRecorded(experiment, file) : undefined;
}

/** Where results are written, by which design, and whether they may take the place of more. */
export interface RecordOptions extends Designs {
  /** Runs that are still to come. */
  missing?: number;
  /** Takes the place of a larger record. */
  replace?: boolean;
  file?: string;
}

/**
 * Writes results to be committed.
 * @returns the file's path
 * @throws Error where the runs were made by several versions, or the record that is there is larger; it stays then
 */
export async function recordResults(
  experiment: Experiment,
  preset: Preset,
  runs: readonly FinishedRun[],
  { missing, replace = false, file: path = resultsFile(experiment.name), ...designs }: RecordOptions = {},
): Promise<string> {
  const recorded = await findRecorded(experiment.name, path);
  if (recorded && !replace) requireNotSmaller(experiment.name, recorded.runs, runs);
  const text = resultsText(experiment, preset, runs, designs, missing);
  await writeFileAtomically(path, (file) => file.writeFile(text));
  return path;
}

/**
 * The text of a results file: one line a run, so that a diff can be read.
 * @throws Error where the runs were made by several versions
 */
export function resultsText(
  experiment: Experiment,
  preset: Preset,
  runs: readonly FinishedRun[],
  { design, earlierDesigns = [] }: Designs = {},
  missing = 0,
): string {
  requireOneVersion(`record ${experiment.name}`, runs);
  const backends = new Map(runs.map(({ backend }) => [JSON.stringify(backend), backend]));
  const head: Omit<RecordedResults, 'runs'> = {
    experiment: experiment.name,
    preset,
    command: recordCommand(experiment.name, preset),
    commit: currentCommit(),
    commits: commitsOf(runs),
    ...(design && { design }),
    ...(earlierDesigns.length > 0 && { earlierDesigns }),
    node: process.version,
    cores: availableParallelism(),
    backends: [...backends.values()],
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    ...(missing > 0 && { missing }),
  };
  const lines = runs.map((run) => `  ${JSON.stringify(shortened(run))}`);
  const opening = JSON.stringify(head, undefined, 1).slice(0, -2);
  return `${opening},\n "runs": [\n${lines.join(',\n')}\n ]\n}\n`;
}

/**
 * Curves are drawn, not computed with: six digits are enough there, three for shares. Of a tuning run the end is enough, of
 * the histograms of latent weights the first and the last. Results keep all of their digits.
 */
function shortened(run: FinishedRun): FinishedRun {
  const last = run.curve.length - 1;
  const kept = run.role === 'tune' ? run.curve.slice(-1) : run.curve;
  const curve = kept.map(({ diagnostics, ...point }, i) => {
    const { latent, ...shares } = diagnostics ?? {};
    return {
      ...rounded(point, 6),
      ...(latent && {
        diagnostics: {
          ...rounded(shares, 3),
          ...((i === 0 || i === last) && { latent: rounded(latent, 3) }),
        },
      }),
    } as FinishedRun['curve'][number];
  });
  return { ...run, curve, seconds: rounded(run.seconds, 6) };
}

/** A value with all numbers in it rounded to some significant digits. */
function rounded<T>(value: T, digits: number): T {
  return JSON.parse(JSON.stringify(value), (_, item: unknown) =>
    typeof item === 'number' ? Number(item.toPrecision(digits)) : item,
  ) as T;
}
