import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cloneRoot } from '../../scripts/setup/project.js';

/** JupyterLab as `npm start` runs it, on copies of notebooks. */
export interface Lab {
  /** The page that `npm start` opens, token included. */
  url: string;
  /** Address of a file's page, token included, in a workspace of its own: no other tab comes back with it. */
  urlOf(name: string): string;
  /** The folder of the copies, with what was saved into them. */
  notebooks: string;
  /** Ends the kernels that pages have left. */
  endKernels(): Promise<void>;
  /** The numbers of all processes that it started, kernels included. */
  processes(): number[];
  /**
   * Ends it as Ctrl-C in the terminal does, and waits until all that it started has closed its output. Its exit code
   * says nothing: npm may end by the signal before the rest does.
   */
  interrupt(): Promise<void>;
  /** All that it printed. */
  output(): string;
}

/**
 * Starts JupyterLab by `npm start` in a folder that looks to a notebook like notebooks/ of the clone.
 * @param sources files to be copied there, the start page besides
 * @param folder for the copies, the settings and the like; emptied first
 */
export async function startLab(sources: string[], folder: string): Promise<Lab> {
  rmSync(folder, { recursive: true, force: true });
  const notebooks = join(folder, 'notebooks');
  const settings = join(folder, 'settings');
  mkdirSync(join(notebooks, 'my'), { recursive: true });
  for (const name of ['lib', 'data', 'experiments/results'])
    linkTo(join(cloneRoot, name), join(folder, name));
  // Copied, so that runs made here lie here, and each test begins without any.
  for (const name of ['dist', 'package.json'])
    cpSync(join(cloneRoot, 'experiments', name), join(folder, 'experiments', name), { recursive: true });
  // Jupyter hands out no file that lies outside of its folder.
  cpSync(join(cloneRoot, 'notebooks', 'images'), join(notebooks, 'images'), { recursive: true });
  for (const source of [...sources, join(cloneRoot, 'notebooks', 'README.md')])
    copyFileSync(source, join(notebooks, basename(source)));

  // JupyterLab otherwise leaves out of the page what is scrolled out of sight.
  const tracker = join(settings, '@jupyterlab', 'notebook-extension', 'tracker.jupyterlab-settings');
  mkdirSync(dirname(tracker), { recursive: true });
  writeFileSync(tracker, JSON.stringify({ windowingMode: 'none' }));

  const port = await freePort();
  const lab = spawn(
    'npm',
    ['start', '--', '--no-browser', '--port', String(port), `--ServerApp.root_dir=${notebooks}`],
    {
      cwd: cloneRoot,
      env: {
        ...process.env,
        BITNET_PRESET: 'smoke',
        JUPYTERLAB_SETTINGS_DIR: settings,
        JUPYTERLAB_WORKSPACES_DIR: join(folder, 'workspaces'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, as a terminal gives it: Ctrl-C goes to the group.
      detached: true,
      shell: process.platform === 'win32',
    },
  );
  let output = '';
  for (const stream of [lab.stdout, lab.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => lab.once('close', () => resolve()));

  const address = await addressFrom(() => output, lab);
  let pages = 0;
  return {
    url: address.href,
    urlOf: (name) => `${address.origin}/lab/workspaces/page-${++pages}/tree/${name}${address.search}`,
    notebooks,
    async endKernels() {
      const headers = { Authorization: `token ${address.searchParams.get('token')}` };
      const kernels = `${address.origin}/api/kernels`;
      const running = (await (await fetch(kernels, { headers })).json()) as { id: string }[];
      for (const { id } of running) await fetch(`${kernels}/${id}`, { method: 'DELETE', headers });
    },
    processes: () => descendants(lab.pid!),
    output: () => output,
    async interrupt() {
      process.kill(-lab.pid!, 'SIGINT');
      return ended;
    },
  };
}

function linkTo(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

/** Waits for the address that JupyterLab prints. */
async function addressFrom(output: () => string, lab: ChildProcess): Promise<URL> {
  for (;;) {
    const address = /http:\/\/localhost:\d+\/lab[\w./]*\?token=\w+/.exec(output())?.[0];
    if (address !== undefined) return new URL(address);
    if (lab.exitCode !== null) throw new Error(`npm start ended before JupyterLab was up:\n${output()}`);
    await sleep(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A process and all that it started, by the parents that `ps` tells. */
function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const line of execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')) {
    const [child, parent] = line.trim().split(/\s+/).map(Number) as [number, number];
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return [pid, ...below(pid)];
}
