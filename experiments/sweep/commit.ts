import { execFileSync } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiledOrSource = dirname(dirname(fileURLToPath(import.meta.url)));

/** experiments/, seen from its sources as well as from experiments/dist/. */
export const EXPERIMENTS_FOLDER: string =
  basename(compiledOrSource) === 'dist' ? dirname(compiledOrSource) : compiledOrSource;

/** The clone that this code is in. */
export const CLONE: string = dirname(EXPERIMENTS_FOLDER);

/** The commit that is checked out; `unknown` outside of git. */
export function checkedOutCommit(): string {
  return git('rev-parse', 'HEAD') ?? 'unknown';
}

let commit: string | undefined;

/** The commit of the code that runs, marked where the code differs from it. Found out once: code that is loaded stays. */
export function currentCommit(): string {
  if (commit !== undefined) return commit;
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'experiments', 'lib');
  return (commit = `${checkedOutCommit()}${changed ? ' with changes' : ''}`);
}

/** The commit that last changed a file; undefined where the file differs from it, is not committed, or there is no git. */
export function lastChange(file: string): string | undefined {
  if (git('status', '--porcelain', '--', file) !== '') return undefined;
  return git('log', '-1', '--format=%H', '--', file) || undefined;
}

/** Whether a commit is part of another one's history, or is that commit. */
export function isAncestor(commit: string, descendant: string): boolean {
  return git('merge-base', '--is-ancestor', commit, descendant) !== undefined;
}

/** Undefined where git is missing, or this is no clone. */
function git(...args: string[]): string | undefined {
  try {
    const output = execFileSync('git', args, {
      cwd: CLONE,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.trim();
  } catch {
    return undefined;
  }
}
