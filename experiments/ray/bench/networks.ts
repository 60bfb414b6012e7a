/** How the nodes of a cluster on one machine find each other: in network namespaces of their own, or on loopback addresses. */
import { execFileSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

/** How nodes that share a machine tell each other apart. */
export interface Network {
  readonly gcsPort: number;
  readonly dashboard: string;
  ip(node: number): string;
  headArguments(): string[];
  nodeArguments(node: number): string[];
  wrap(node: number, folder: string, command: string[]): string[];
  remove(): void;
}

/** @param kind namespaces where they work, by default; loopback addresses elsewhere */
export async function openNetwork(kind?: 'namespaces' | 'loopback'): Promise<Network> {
  const isNamespaces = kind === undefined ? namespacesWork() : kind === 'namespaces';
  return isNamespaces ? new Namespaces() : new Loopback(await freePorts(12));
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
