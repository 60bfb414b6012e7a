/** A Ray cluster on this machine, for tests and measurements: every node a process tree that can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobsClient } from '../jobs-client.js';
import { openNetwork, type Network } from './networks.js';
import { descendants, killIfThere } from './process-tree.js';

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
    const network = await openNetwork(options.network);
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
