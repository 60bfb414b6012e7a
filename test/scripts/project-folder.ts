import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectAt, type Project } from '../../scripts/setup/project.js';
import { runSteps, type Step } from '../../scripts/setup/steps.js';

/**
 * A folder like a clone, with a space in its path and `files` (path to content) in it, on which steps of the set-up
 * run for real. Deleted at the end of the test.
 */
export function projectFolder(
  files: Record<string, string> = {},
  env: NodeJS.ProcessEnv = process.env,
): Project {
  const parent = mkdtempSync(join(tmpdir(), 'bitnet-set-up-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  return projectIn(join(parent, 'a clone'), files, env);
}

/** The same in a folder that the test itself made. */
export function projectIn(
  root: string,
  files: Record<string, string>,
  env: NodeJS.ProcessEnv = process.env,
): Project {
  mkdirSync(root, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return projectAt(root, env);
}

/** Runs steps and returns whether they came to their end, with all that they printed. */
export async function runAndRead(
  steps: Step[],
  project: Project,
): Promise<{ ready: boolean; printed: string }> {
  let printed = '';
  const out = { write: (text: string) => ((printed += text), true) } as NodeJS.WritableStream;
  const ready = await runSteps(steps, project, out);
  return { ready, printed };
}
