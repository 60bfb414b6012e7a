/**
 * Which results may be averaged. The version of a result is that of lib/package.json, which is raised with every
 * change that makes a run come out otherwise, beside those of Node.js and TensorFlow.js. Commits are kept and not
 * compared: most change no loss, and a sweep should outlive a new line in the README.
 */
import type { Experiment } from './experiment.js';
import { finalRuns, type FinishedRun } from './finished-run.js';
import { groupBy } from './group-by.js';

/** Runs that may be averaged with each other. */
export interface VersionGroup {
  /** As in `version 0.2.0 (Node.js v20.20.2, TensorFlow.js 4.22.0)`. */
  version: string;
  runs: FinishedRun[];
}

/**
 * Final runs by version, in the order in which the versions appear. Each group has all tuning runs as well: those choose
 * rates, and nobody averages them.
 */
export function byVersion(runs: readonly FinishedRun[]): VersionGroup[] {
  const finals = finalRuns(runs);
  const versions = [...new Set((finals.length > 0 ? finals : runs).map(versionOf))];
  return versions.map((version) => ({
    version,
    runs: runs.filter((run) => run.role === 'tune' || versionOf(run) === version),
  }));
}

/** An experiment's table; of runs of several versions one for each, marked, since they are not averaged. */
export function tableByVersion(experiment: Experiment, runs: readonly FinishedRun[]): string[] {
  const groups = byVersion(runs);
  if (groups.length < 2) return experiment.table(runs);
  return groups.flatMap((group, i) => [
    ...(i > 0 ? [''] : []),
    `Runs of ${group.version}:`,
    '',
    ...experiment.table(group.runs),
  ]);
}

/**
 * Runs of several versions may stand beside each other, in a table or a chart. They are not averaged, nor subtracted from
 * each other, nor recorded together.
 * @param operation opens the message
 * @throws Error that counts the runs of each version and names their commits
 */
export function requireOneVersion(operation: string, runs: readonly FinishedRun[]): void {
  const groups = groupBy(runs, versionOf);
  if (groups.size < 2) return;
  const found = [...groups].map(([version, { length }]) => `${length} of ${version}`);
  const commits = commitsOf(runs).map((commit) => commit.slice(0, 7));
  throw new Error(
    `${operation}: all runs must be made by one version, got ${found.join(' and ')} in one result` +
      `${commits.length > 0 ? ` (commits ${commits.join(', ')})` : ''}. ` +
      'Set them side by side (byVersion), or make all of them with one version: give --runs an empty folder, or go back to the version that made the others.',
  );
}

/** The commits that made the runs, in the runs' order; early results did not keep theirs. */
export function commitsOf(runs: readonly FinishedRun[]): string[] {
  return [...new Set(runs.flatMap(({ commit }) => commit ?? []))];
}

/** What a run was made by, in words. */
export function versionOf({ versions }: Pick<FinishedRun, 'versions'>): string {
  if (versions === undefined) return 'a version that was not kept';
  const { project, node, packages } = versions;
  if (packages.torch !== undefined) return `version ${project} (PyTorch ${packages.torch})`;
  return `version ${project} (Node.js ${node}, TensorFlow.js ${packages['@tensorflow/tfjs'] ?? 'none'})`;
}
