/**
 * Where things lie in a clone. Every step of the set-up gets its paths from here, so that a test can run a step on
 * a folder of its own.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Project
 * @property {string} root the clone's folder
 * @property {string} nodeModules npm's packages
 * @property {string} venv Python environment of the project's own
 * @property {string} python the environment's interpreter
 * @property {string} requirements what goes into the environment, every version fixed
 * @property {string} notebooks
 * @property {string} setupCache logs and notes of the set-up
 * @property {string} tensorflowCache TensorFlow's library, outside node_modules since `npm ci` empties that
 * @property {NodeJS.ProcessEnv} env environment for the programs that the set-up starts
 */

/** This clone's folder. */
export const cloneRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * The paths of the clone in `root`.
 * @param {string} [root]
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Project}
 */
export function projectAt(root = cloneRoot, env = process.env) {
  const venv = join(root, '.venv');
  return {
    root,
    nodeModules: join(root, 'node_modules'),
    venv,
    python: process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python'),
    requirements: join(root, 'scripts', 'requirements.txt'),
    notebooks: join(root, 'notebooks'),
    setupCache: join(root, '.cache', 'setup'),
    tensorflowCache: join(root, '.cache', 'tensorflow'),
    env,
  };
}
