/**
 * JupyterLab from start to end. Leaves neither server nor kernel behind.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KERNEL_NAME } from './setup/kernelspec.js';
import { networkWarning } from './network.js';
import { processesNaming } from './processes.js';

/** How long the server may take to end its kernels and itself before it is killed. */
const SERVER_GRACE_MS = 10_000;
/** A second Ctrl-C kills the server at once; npm passes the first one on twice. */
const IMPATIENT_MS = 1_000;
/** How long kernels may outlive their server; they look for it once a second. */
const KERNEL_GRACE_MS = 4_000;
const POLL_MS = 100;

/**
 * Runs JupyterLab in the project's notebooks/ until it ends or the user ends it.
 * @param {import('./setup/project.js').Project} project
 * @param {string[]} args what goes to `jupyter lab`
 * @returns {Promise<number>} the exit code
 */
export async function runJupyter(project, args) {
  console.log('\nOpening JupyterLab; Ctrl-C here ends it.');
  const warning = networkWarning(args);
  if (warning !== undefined) console.warn(`Warning: ${warning}`);
  // For the user's own work; git does not look into it.
  mkdirSync(join(project.notebooks, 'my'), { recursive: true });
  // A folder of its own for the addresses of this server and its kernels: by it they are found again at the end.
  const runtime = mkdtempSync(join(tmpdir(), 'bitnet-jupyter-'));
  const server = spawn(project.python, ['-m', 'jupyterlab', ...settings(project, args), ...args], {
    // The folder that JupyterLab shows.
    cwd: project.notebooks,
    env: jupyterEnvironment(project, runtime),
    stdio: ['ignore', 'inherit', 'inherit'],
    // A process group of its own, so that Ctrl-C in the terminal reaches this process alone, which ends the server
    // in order. Windows knows no such groups.
    detached: process.platform !== 'win32',
  });
  const ended = new Promise((resolve) => {
    server.once('error', (error) => resolve({ code: 1, error }));
    server.once('exit', (code, signal) => resolve({ code: code ?? 1, signal }));
  });

  let askedMs = 0;
  const end = () => {
    if (askedMs === 0) {
      askedMs = Date.now();
      console.log('\nEnding JupyterLab and its kernels …');
      server.kill('SIGTERM');
      setTimeout(() => killTree(server), SERVER_GRACE_MS).unref();
    } else if (Date.now() - askedMs > IMPATIENT_MS) {
      killTree(server);
    }
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, end);

  const { code, error } = await ended;
  await endKernels(runtime);
  rmSync(runtime, { recursive: true, force: true });
  if (error)
    console.error(`JupyterLab did not start: ${error.message}. Delete .venv and run npm start again.`);
  return askedMs > 0 ? 0 : code;
}

/** What the browser shows first. */
const START_PAGE = 'README.md';
const ROOT_OPTION = '--ServerApp.root_dir=';

/**
 * How this project runs JupyterLab, save what the user says otherwise: Jupyter takes no option twice.
 * @param {import('./setup/project.js').Project} project
 * @param {string[]} args the user's
 */
function settings({ notebooks }, args) {
  const own = [
    `--MultiKernelManager.default_kernel_name=${KERNEL_NAME}`,
    // Jupyter's warnings are of its own making: of each notebook that is saved, that it is not trusted.
    '--log-level=ERROR',
    '--LabApp.log_level=ERROR',
    // A page that is closed while a cell prints would be a stack of the server's web library.
    "--ServerApp.logging_config={'loggers': {'asyncio': {'level': 'CRITICAL'}}}",
    // A cell may print much at once; the kernel cuts what is beyond reason.
    '--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=10000000',
    // A kernel that is deep in a cell does not answer; it need not be waited for at the end.
    '--KernelManager.shutdown_wait_time=2',
  ];
  const names = args.map((arg) => arg.split('=', 1)[0]);
  // Jupyter would take another port than the one asked for without a word.
  if (names.includes('--port') || names.includes('--ServerApp.port')) own.push('--ServerApp.port_retries=0');
  // Jupyter refuses root, which is who people are in a container. It listens to this machine alone, with a token, unless
  // the user says otherwise and has been warned.
  if (process.getuid?.() === 0) own.push('--allow-root');
  const root = args.find((arg) => arg.startsWith(ROOT_OPTION))?.slice(ROOT_OPTION.length) ?? notebooks;
  if (existsSync(join(root, START_PAGE))) own.push(`--LabApp.default_url=/lab/tree/${START_PAGE}`);
  return own.filter((arg) => !names.includes(arg.split('=', 1)[0]));
}

/**
 * What Jupyter's programs need to find this project's kernel before any other of the same name.
 * @param {import('./setup/project.js').Project} project
 * @param {string} runtime folder for the addresses of running servers and kernels
 * @returns {NodeJS.ProcessEnv}
 */
export function jupyterEnvironment({ venv, env }, runtime) {
  const own = join(venv, 'share', 'jupyter');
  return {
    ...env,
    JUPYTER_RUNTIME_DIR: runtime,
    JUPYTER_PATH: env.JUPYTER_PATH ? `${own}${delimiter}${env.JUPYTER_PATH}` : own,
    JUPYTER_PREFER_ENV_PATH: '1',
  };
}

/** @param {import('node:child_process').ChildProcess} server */
function killTree(server) {
  if (server.pid === undefined || server.exitCode !== null) return;
  if (process.platform === 'win32') {
    execFileSync('taskkill', ['/pid', String(server.pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-server.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * Waits until no kernel of this server is left, and kills what stays.
 * @param {string} runtime
 */
async function endKernels(runtime) {
  const deadline = Date.now() + KERNEL_GRACE_MS;
  while (kernelsOf(runtime).length > 0 && Date.now() < deadline) await sleep(POLL_MS);
  for (const pid of kernelsOf(runtime)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/**
 * Processes with an address file of this server among their arguments. On Windows the kernels' own watch does alone.
 * @param {string} runtime
 * @returns {number[]}
 */
function kernelsOf(runtime) {
  return process.platform === 'win32' ? [] : processesNaming(`${runtime}/kernel-`);
}
