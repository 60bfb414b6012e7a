/** A Ray cluster on this machine, for tests and measurements: every node a process tree that can be killed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobsClient } from '../jobs-client.js';

export interface ClusterOptions {
  /** Folder of an environment that has Ray: its bin/ray is started. */
  ray: string;
  /** CPUs that each node offers. */
  cpus?: number;
  /** What the nodes, and so the jobs, find in their environment. */
  env?: Record<string, string>;
  /** Namespaces where they work, by default; loopback addresses elsewhere. */
  network?: 'namespaces' | 'loopback';
}

/** A node takes 5 s where the machine is idle. */
const START_SECONDS = 300;
const START_TRIES = 3;
/** The head notices a dead node after ten seconds; one that is only slow has as long to answer. */
const PATIENCE = {
  RAY_DASHBOARD_STARTUP_TIMEOUT_S: '120',
  RAY_health_check_initial_delay_ms: '1000',
  RAY_health_check_period_ms: '1000',
  RAY_health_check_timeout_ms: '10000',
  RAY_health_check_failure_threshold: '10',
};
const OBJECT_STORE_BYTES = 80_000_000;

/** A head and its nodes. */
export class RayCluster {
  /** Address for --address. */
  readonly address: string;
  readonly #nodes: (ChildProcess | undefined)[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'bnr-'));
  readonly #network: Network;
  readonly #onExit = (): void => this.#killAll();
  readonly #onSignal = (): void => process.exit(1);

  /** Starts a head without CPUs; `addNode` gives it machines. */
  static async start(options: ClusterOptions): Promise<RayCluster> {
    const isNamespaces = options.network === undefined ? namespacesWork() : options.network === 'namespaces';
    const network = isNamespaces ? new Namespaces() : new Loopback(await freePorts(12));
    const cluster = new RayCluster(options, network);
    try {
      const head = ['--head', `--port=${network.gcsPort}`, '--num-cpus=0', ...network.headArguments()];
      await cluster.#start(0, head, 1);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  private constructor(
    readonly options: ClusterOptions,
    network: Network,
  ) {
    this.#network = network;
    this.address = network.dashboard;
    process.once('exit', this.#onExit);
    process.once('SIGTERM', this.#onSignal).once('SIGINT', this.#onSignal);
  }

  /** @returns the node's number, from 1 */
  async addNode(env: Record<string, string> = {}): Promise<number> {
    const number = this.#nodes.length;
    const before = (await this.#alive()) ?? 1;
    const head = `${this.#network.ip(0)}:${this.#network.gcsPort}`;
    await this.#start(number, [`--address=${head}`, `--num-cpus=${this.options.cpus ?? 1}`], before + 1, env);
    return number;
  }

  ip(node: number): string {
    return this.#network.ip(node);
  }

  /** Process ids of a node, its jobs' included. */
  processes(node: number): number[] {
    const pid = this.#nodes[node]?.pid;
    return pid === undefined ? [] : [...descendants(pid), pid];
  }

  /** As a power cut would. */
  kill(node: number): void {
    for (const pid of this.processes(node)) killIfThere(pid);
    this.#nodes[node] = undefined;
  }

  async stop(): Promise<void> {
    this.#killAll();
    process.off('exit', this.#onExit).off('SIGTERM', this.#onSignal).off('SIGINT', this.#onSignal);
    // The folder is in use until the last of them is gone.
    await sleep(200);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  #killAll(): void {
    for (let node = this.#nodes.length - 1; node >= 0; node--) this.kill(node);
    this.#network.remove();
  }

  #spawn(node: number, args: string[], env: Record<string, string> = {}): void {
    const ray = join(this.options.ray, 'bin', 'ray');
    const own = [
      '--block',
      `--node-ip-address=${this.#network.ip(node)}`,
      ...this.#network.nodeArguments(node),
    ];
    const store = [`--object-store-memory=${OBJECT_STORE_BYTES}`, '--disable-usage-stats'];
    const [program, ...rest] = this.#network.wrap(node, this.#folder, [
      ray,
      'start',
      ...args,
      ...own,
      ...store,
    ]);
    const variables = {
      ...process.env,
      ...PATIENCE,
      // Nobody else can reach it, and a token in the home folder is not ours to use.
      RAY_AUTH_MODE: 'disabled',
      RAY_memory_monitor_refresh_ms: '0',
      ...this.options.env,
      ...env,
    };
    this.#nodes[node] = spawn(program, rest, {
      env: variables,
      stdio: process.env.BNRAY_LOG ? 'inherit' : 'ignore',
    });
  }

  /** Starts a node until the cluster has `count`: Ray's own limits of time are short for a busy machine. */
  async #start(node: number, args: string[], count: number, env: Record<string, string> = {}): Promise<void> {
    const end = performance.now() + START_SECONDS * 1000;
    for (let tries = 0; ((await this.#alive()) ?? 0) < count;) {
      const process = this.#nodes[node];
      const isUp = process !== undefined && process.exitCode === null && process.signalCode === null;
      if (performance.now() > end || (!isUp && tries === START_TRIES)) {
        throw new Error(
          `ray cluster: node ${node} must be up within ${START_SECONDS} s and ${START_TRIES} tries, got none at ` +
            `${this.#network.ip(node)}. Try ${join(this.options.ray, 'bin', 'ray')} start --head by hand.`,
        );
      }
      if (!isUp) {
        this.kill(node);
        this.#spawn(node, args, env);
        tries++;
      }
      await sleep(300);
    }
  }

  async #alive(): Promise<number | undefined> {
    const client = new JobsClient(this.address, 5000);
    try {
      return (await client.nodes()).length;
    } catch {
      return undefined;
    } finally {
      client.close();
    }
  }
}

/** How nodes that share a machine tell each other apart. */
interface Network {
  readonly gcsPort: number;
  readonly dashboard: string;
  ip(node: number): string;
  headArguments(): string[];
  nodeArguments(node: number): string[];
  wrap(node: number, folder: string, command: string[]): string[];
  remove(): void;
}

/** Every node has a network of its own, as on a machine of its own, and its own /tmp/ray. */
class Namespaces implements Network {
  readonly gcsPort = 6379;
  readonly dashboard: string;
  /** A cluster before this one may not be taken down completely yet. */
  static #count = 0;
  readonly #name: string;
  readonly #net: string;
  readonly #made = new Set<number>();

  constructor() {
    const count = Namespaces.#count++;
    this.#name = `bn${process.pid % 100_000}${String.fromCodePoint(97 + (count % 26))}`;
    this.#net = `198.18.${(process.pid + count) % 250}`;
    const bridge = `${this.#name}b`;
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('addr', 'add', `${this.#net}.1/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    this.dashboard = `http://${this.ip(0)}:8265`;
  }

  ip(node: number): string {
    return `${this.#net}.${10 + node}`;
  }

  headArguments(): string[] {
    return [`--dashboard-host=${this.ip(0)}`];
  }

  nodeArguments(): string[] {
    return [];
  }

  wrap(node: number, folder: string, command: string[]): string[] {
    const space = `${this.#name}n${node}`;
    if (!this.#made.has(node)) {
      this.#made.add(node);
      ip('netns', 'add', space);
      ip('link', 'add', `${space}v`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
      ip('link', 'set', `${space}v`, 'master', `${this.#name}b`, 'up');
      ip('-n', space, 'addr', 'add', `${this.ip(node)}/24`, 'dev', 'eth0');
      ip('-n', space, 'link', 'set', 'eth0', 'up');
      ip('-n', space, 'link', 'set', 'lo', 'up');
    }
    const script = 'mkdir -p "$0" /tmp/ray && mount --bind "$0" /tmp/ray && exec "$@"';
    const inside = ['unshare', '--mount', 'sh', '-c', script, join(folder, `${node}`), ...command];
    return ['ip', 'netns', 'exec', space, ...inside];
  }

  remove(): void {
    for (const node of this.#made) {
      tryIp('link', 'delete', `${this.#name}n${node}v`);
      tryIp('netns', 'delete', `${this.#name}n${node}`);
    }
    tryIp('link', 'delete', `${this.#name}b`);
  }
}

/** Nodes on 127.0.0.2 and up. Their agents need ports of their own: jobs' logs are read there. */
class Loopback implements Network {
  readonly gcsPort: number;
  readonly dashboard: string;

  constructor(readonly ports: readonly number[]) {
    this.gcsPort = ports[0];
    this.dashboard = `http://${this.ip(0)}:${ports[1]}`;
  }

  ip(node: number): string {
    return `127.0.0.${2 + node}`;
  }

  headArguments(): string[] {
    return [`--dashboard-host=${this.ip(0)}`, `--dashboard-port=${this.ports[1]}`];
  }

  nodeArguments(node: number): string[] {
    return [`--dashboard-agent-listen-port=${this.ports[2 + node]}`];
  }

  wrap(node: number, folder: string, command: string[]): string[] {
    return node === 0 ? [...command, `--temp-dir=${folder}`] : command;
  }

  remove(): void {}
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function tryIp(...args: string[]): void {
  try {
    ip(...args);
  } catch {
    // Not there, or taken along by what was deleted before.
  }
}

function namespacesWork(): boolean {
  const name = `bn${process.pid % 100_000}t`;
  try {
    ip('netns', 'add', name);
    execFileSync('ip', ['netns', 'exec', name, 'unshare', '--mount', 'true'], {
      stdio: process.env.BNRAY_LOG ? 'inherit' : 'ignore',
    });
    ip('link', 'add', name, 'type', 'bridge');
    return true;
  } catch {
    return false;
  } finally {
    tryIp('link', 'delete', name);
    tryIp('netns', 'delete', name);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  // Ray gives 10002 to 19999 to its workers.
  return ports.map((port) => (port >= 10_002 && port <= 19_999 ? port + 15_000 : port));
}

/** Processes below one, deepest first. */
function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).flatMap((child) => [...below(child), child]);
  return below(root);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone with its parent.
  }
}
