/**
 * Finds the machine's Python, from which the project's own environment is made.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SetupError } from './setup-error.js';

const run = promisify(execFile);

/** JupyterLab's own floor. */
const OLDEST_PYTHON = [3, 10];
const NEWEST_TRIED_MINOR = 15;

/**
 * The commands that may be a Python, most usual first.
 * @returns {string[][]}
 */
function candidates() {
  const versioned = [];
  for (let minor = NEWEST_TRIED_MINOR; minor >= OLDEST_PYTHON[1]; minor--)
    versioned.push([`python3.${minor}`]);
  if (process.platform === 'win32') return [['py', '-3'], ['python'], ['python3']];
  return [['python3'], ['python'], ...versioned];
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ command: string[], version: string }>} the first Python that is new enough
 * @throws {SetupError} where there is none
 */
export async function findPython(env) {
  /** @type {string[]} */
  const tooOld = [];
  for (const command of candidates()) {
    const version = await versionOf(command, env);
    if (version === undefined) continue;
    const [major, minor] = version.split('.').map(Number);
    if (major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1])) {
      return { command, version };
    }
    tooOld.push(`${command.join(' ')} is ${version}`);
  }
  const found =
    tooOld.length === 0 ? 'none was found on the PATH' : `found only older ones (${tooOld.join(', ')})`;
  throw new SetupError(
    `JupyterLab needs Python ${OLDEST_PYTHON.join('.')} or later; ${found}.`,
    "Install Python (python.org, or your system's packages: python3 and python3-venv) and run the command again.",
  );
}

/**
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | undefined>}
 */
async function versionOf([file, ...args], env) {
  try {
    const code = 'import platform; print(platform.python_version())';
    const { stdout } = await run(file, [...args, '-c', code], { env, timeout: 20_000, windowsHide: true });
    return /^\d+\.\d+/.test(stdout) ? stdout.trim() : undefined;
  } catch {
    return undefined;
  }
}
