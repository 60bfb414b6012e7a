/**
 * pip for an environment that has none yet. Debian and Ubuntu leave Python's own copy of it (ensurepip) out of their
 * python3 package, so there are three ways.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCommand } from './command.js';
import { fetchVerified } from './fetch-verified.js';
import { pinFile, pinOf } from './pins.js';
import { SetupError, isDiskFull } from './setup-error.js';

/** Where PyPI has a release's wheel, for machines with neither ensurepip nor pip: a wheel of pip runs as it is. */
const PIP_WHEELS = 'https://files.pythonhosted.org/packages/py3/p/pip/';

/**
 * @param {import('./project.js').Project} project
 * @param {string[]} basePython command of the Python that the environment was made with
 * @param {(detail: string) => void} report
 */
export async function installPip(project, basePython, report) {
  const ways = [
    () => byEnsurepip(project),
    () => byBasePip(project, basePython),
    () => byWheel(project, report),
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
 * @param {import('./project.js').Project} project
 * @param {(detail: string) => void} report
 * @param {string} [wheels]
 */
export async function byWheel(project, report, wheels = PIP_WHEELS) {
  const { python, root, env, setupCache } = project;
  report('downloading pip');
  const { version, sha256 } = pinOf(project, 'pip');
  const url = `${wheels}pip-${version}-py3-none-any.whl`;
  const wheel = join(setupCache, basename(url));
  await fetchVerified(url, wheel, sha256, () => {});
  const install = ['install', '--no-index', '--disable-pip-version-check', '--no-input', wheel];
  await runCommand(python, [join(wheel, 'pip'), ...install], {
    cwd: root,
    env,
    log: join(setupCache, 'pip-wheel.log'),
    name: 'pip',
  });
  rmSync(wheel);
}
