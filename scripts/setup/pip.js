/**
 * pip for an environment that has none yet. Debian and Ubuntu leave Python's own copy of it (ensurepip) out of their
 * python3 package, so there are three ways.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.js';
import { pinFile } from './pins.js';
import { SetupError, isDiskFull } from './setup-error.js';
import { writeWhole } from './written-whole.js';

/** The Python packaging authority's own installer, for machines with neither ensurepip nor pip. */
const GET_PIP_URL = 'https://bootstrap.pypa.io/get-pip.py';
const GET_PIP_LIMIT_MS = 60_000;

/**
 * @param {import('./project.js').Project} project
 * @param {string[]} basePython command of the Python that the environment was made with
 * @param {(detail: string) => void} report
 */
export async function installPip(project, basePython, report) {
  const ways = [
    () => byEnsurepip(project),
    () => byBasePip(project, basePython),
    () => byGetPip(project, report),
  ];
  for (const way of ways) {
    try {
      await way();
      return;
    } catch (error) {
      // A full disk stops every way; the next ones would only hide it.
      if (isDiskFull(error)) throw error;
    }
  }
  throw new SetupError(
    'This Python has no pip and no ensurepip, and pip could not be downloaded.',
    "Install your system's package for it (Debian and Ubuntu: sudo apt install python3-venv) and run the command again.",
  );
}

/** @param {import('./project.js').Project} project */
async function byEnsurepip({ python, root, env, setupCache }) {
  const log = join(setupCache, 'ensurepip.log');
  await runCommand(python, ['-m', 'ensurepip', '--default-pip'], { cwd: root, env, log, name: 'ensurepip' });
}

/**
 * @param {import('./project.js').Project} project
 * @param {string[]} basePython
 */
async function byBasePip(project, [file, ...args]) {
  const { python, root, env, setupCache } = project;
  const log = join(setupCache, 'base-pip.log');
  const install = [
    '-m',
    'pip',
    '--python',
    python,
    'install',
    '--disable-pip-version-check',
    '--no-input',
    '--require-hashes',
    '--requirement',
    pinFile(project, 'pip'),
  ];
  await runCommand(file, [...args, ...install], { cwd: root, env, log, name: 'pip' });
}

/**
 * The installer brings the newest pip, which then puts the pinned one in its place.
 * @param {import('./project.js').Project} project
 * @param {(detail: string) => void} report
 */
async function byGetPip(project, report) {
  const { python, root, env, setupCache } = project;
  report('downloading pip');
  const response = await fetch(GET_PIP_URL, { signal: AbortSignal.timeout(GET_PIP_LIMIT_MS) });
  if (!response.ok) throw new Error(`${GET_PIP_URL} answered ${response.status}`);
  const script = join(setupCache, 'get-pip.py');
  writeWhole(script, await response.text());
  const log = join(setupCache, 'get-pip.log');
  await runCommand(python, [script, '--no-input'], { cwd: root, env, log, name: 'get-pip.py' });
  rmSync(script);
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--require-hashes'];
  const pinned = [...install, '--requirement', pinFile(project, 'pip')];
  await runCommand(python, pinned, { cwd: root, env, log: join(setupCache, 'pip.log'), name: 'pip' });
}
