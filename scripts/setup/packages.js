/**
 * npm's packages, as package-lock.json names them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.js';
import { readJson } from './written-whole.js';
import { SetupError } from './setup-error.js';

/** @type {import('./steps.js').Step} */
export const packages = {
  title: 'npm packages',
  doing: 'installing',

  async done({ root, nodeModules }) {
    const wanted = readJson(join(root, 'package-lock.json'))?.packages;
    // npm writes this file when everything else is in place.
    const installed = readJson(join(nodeModules, '.package-lock.json'))?.packages;
    return wanted && installed && isInstalled(wanted, installed) ? 'ready' : undefined;
  },

  async run({ root, setupCache, env }, report) {
    if (!existsSync(join(root, 'package-lock.json'))) {
      throw new SetupError(
        `There is no package-lock.json in ${root}.`,
        'Restore it (git checkout package-lock.json) and run the command again.',
      );
    }
    let fetched = 0;
    const npm = npmCommand(env);
    await runCommand(
      npm.file,
      [...npm.args, 'ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=http'],
      {
        cwd: root,
        env,
        log: join(setupCache, 'packages.log'),
        name: 'npm ci',
        onLine: (line) => {
          if (!/http (fetch|cache)/.test(line)) return;
          fetched += 1;
          report(`installing, ${fetched} files fetched`);
        },
      },
    );
    return 'installed';
  },
};

/**
 * Whether every package that this machine needs is installed at the locked version. Optional ones may be missing:
 * they are for other kinds of machine.
 * @param {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }>} wanted
 * @param {Record<string, { version?: string, integrity?: string }>} installed
 */
export function isInstalled(wanted, installed) {
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity;
  });
}

/**
 * How to start npm. Through Node where it is known which npm runs, since Windows cannot start npm.cmd as a program.
 * @param {NodeJS.ProcessEnv} env
 */
function npmCommand(env) {
  const script = env.npm_execpath;
  if (script !== undefined && script.endsWith('.js')) return { file: process.execPath, args: [script] };
  if (process.platform === 'win32') {
    const beside = join(process.execPath, '..', 'node_modules', 'npm', 'bin', 'npm-cli.js');
    return { file: process.execPath, args: [beside] };
  }
  return { file: 'npm', args: [] };
}
