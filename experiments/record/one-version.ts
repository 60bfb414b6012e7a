/**
 * Which results may stand in one table. The version of a result is that of lib/package.json, which is raised with every
 * change that makes a run come out otherwise, beside those of Node.js and TensorFlow.js. Commits are kept and not
 * compared: most change no loss, and a sweep should outlive a new line in the README.
 */
import type { FinishedRun } from '../sweep/finished-run.js';

/**
 * @param operation opens the message
 * @throws Error that counts the runs of each version and names their commits
 */
export function requireOneVersion(operation: string, runs: readonly FinishedRun[]): void {
  const groups = new Map<string, FinishedRun[]>();
  for (const run of runs) {
    const version = versionOf(run);
    groups.set(version, [...(groups.get(version) ?? []), run]);
  }
  if (groups.size < 2) return;
  const found = [...groups].map(([version, { length }]) => `${length} of ${version}`);
  const commits = commitsOf(runs).map((commit) => commit.slice(0, 7));
  throw new Error(
    `${operation}: all runs must be made by one version, got ${found.join(' and ')} in one result` +
      `${commits.length > 0 ? ` (commits ${commits.join(', ')})` : ''}. ` +
      'Make all of them with one version: give --runs an empty folder, or go back to the version that made the others.',
  );
}

/** The commits that made the runs, in the runs' order; early results did not keep theirs. */
export function commitsOf(runs: readonly FinishedRun[]): string[] {
  return [...new Set(runs.flatMap(({ commit }) => commit ?? []))];
}

function versionOf({ versions }: FinishedRun): string {
  if (versions === undefined) return 'a version that was not kept';
  const { project, node, packages } = versions;
  return `version ${project} (Node.js ${node}, TensorFlow.js ${packages['@tensorflow/tfjs'] ?? 'none'})`;
}
