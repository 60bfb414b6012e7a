/**
 * The project's own Python environment, .venv: JupyterLab and nbconvert.
 * Made again whenever the list of requirements changes; what was downloaded before comes from pip's cache.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from './base-python.js';
import { runCommand } from './command.js';
import { pinFile } from './pins.js';
import { installPip } from './pip.js';
import { readJson, writeJson } from './written-whole.js';

/**
 * The step, with what installs the requirements and the modules that prove it.
 * @param {typeof installRequirements} [install]
 * @param {string[]} [modules]
 * @returns {import('./steps.js').Step}
 */
export function pythonStep(install = installRequirements, modules = ['jupyterlab', 'nbconvert']) {
  return {
    title: 'Python environment with JupyterLab',
    doing: 'making .venv',

    async done(project) {
      const stamp = readJson(stampFile(project));
      if (stamp?.requirements !== requirementsHash(project)) return undefined;
      // A Python that was uninstalled leaves a dangling link.
      return existsSync(project.python) ? 'ready' : undefined;
    },

    async run(project, report) {
      const { root, venv, setupCache, env } = project;
      const log = (/** @type {string} */ name) => join(setupCache, `${name}.log`);
      const { command, version } = await findPython(env);
      rmSync(venv, { recursive: true, force: true });

      report(`making .venv with Python ${version}`);
      const [file, ...args] = command;
      await runCommand(file, [...args, '-m', 'venv', '--without-pip', venv], {
        cwd: root,
        env,
        log: log('venv'),
        name: 'python -m venv',
      });
      await install(project, command, report);
      await runCommand(project.python, ['-c', `import ${modules.join(', ')}`], {
        cwd: root,
        env,
        name: 'python',
      });
      // JupyterLab carries scripts of Node's older kind; the project's own package.json would make them modules.
      writeJson(join(venv, 'package.json'), { type: 'commonjs' });
      writeJson(stampFile(project), { requirements: requirementsHash(project), python: version });
      return `ready, Python ${version}`;
    },
  };
}

/**
 * By uv, which takes a fifth of the time; by pip where uv cannot be had, or knows less than pip's configuration does
 * of how packages are reached from here.
 * @param {import('./project.js').Project} project
 * @param {string[]} basePython command of the Python that the environment was made with
 * @param {(detail: string) => void} report
 */
async function installRequirements(project, basePython, report) {
  await installPip(project, basePython, report);
  const { python, root, requirements, setupCache, env } = project;
  const pip = ['-m', 'pip', 'install', ...PIP_QUIET, '--progress-bar=off'];
  const onLine = (/** @type {string} */ line) => {
    const [, what] = /^\s*(?:Collecting|Downloading|Downloaded)\s+(\S+)/.exec(line) ?? [];
    if (what !== undefined) report(`downloading ${what.split('/').pop()}`);
    else if (/^\s*Installing collected/.test(line)) report('installing JupyterLab');
  };
  const options = { cwd: root, env, onLine };
  try {
    await runCommand(python, [...pip, '--require-hashes', '--requirement', pinFile(project, 'uv')], {
      ...options,
      log: join(setupCache, 'pip-uv.log'),
      name: 'pip install uv',
    });
    report('installing JupyterLab');
    await runCommand(
      python,
      ['-m', 'uv', 'pip', 'install', '--python', python, '--require-hashes', '--requirements', requirements],
      {
        ...options,
        log: join(setupCache, 'uv.log'),
        name: 'uv pip install',
      },
    );
  } catch {
    report('installing JupyterLab by pip');
    const log = join(setupCache, 'pip.log');
    await runCommand(python, [...pip, '--require-hashes', '--requirement', requirements], {
      ...options,
      log,
      name: 'pip install',
    });
  }
}

/** What keeps pip from asking and from advising. */
const PIP_QUIET = ['--disable-pip-version-check', '--no-input', '--no-warn-script-location'];

/** Written last: an environment without it was never finished. @param {import('./project.js').Project} project */
function stampFile({ venv }) {
  return join(venv, 'set-up.json');
}

/** @param {import('./project.js').Project} project */
function requirementsHash({ requirements }) {
  return createHash('sha256').update(readFileSync(requirements)).digest('hex');
}
