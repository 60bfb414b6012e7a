/** A kernel as Jupyter starts it, and the little of Jupyter's protocol that speaks to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer, Subscriber } from 'zeromq';
import { projectAt } from '../../../scripts/setup/project.js';

const DELIMITER = '<IDS|MSG>';
const KEY = 'key';
const ANSWER_TIMEOUT_MS = 20_000;

/** Of the contents of Jupyter's messages, what the tests look at. */
export interface Content {
  status: 'ok' | 'error' | 'aborted';
  execution_count: number;
  execution_state: string;
  text?: string;
  data: Record<string, string>;
  traceback: string[];
  matches: string[];
  history: unknown[];
  comms: object;
  language_info: object;
}

export interface Message {
  type: string;
  parent: string;
  content: Content;
}

/** What a request brought: the reply, and what was published for it. */
export interface Answer {
  reply: Content;
  published: Message[];
  /** Text of all streams. */
  text: string;
}

export class KernelClient {
  /** All that was published, in order. */
  readonly published: Message[] = [];
  readonly #replies = new Map<string, Content>();
  readonly #session = randomUUID();
  #terminal = '';

  private constructor(
    readonly kernel: ChildProcess,
    readonly folder: string,
    readonly shell: Dealer,
    readonly iopub: Subscriber,
    private readonly answerTimeoutMs: number,
  ) {
    for (const stream of [kernel.stdout!, kernel.stderr!])
      stream.on('data', (chunk: Buffer) => (this.#terminal += chunk.toString()));
    void this.#listen();
  }

  /** Starts a kernel in notebooks/ and waits until it answers. */
  static async start(answerTimeoutMs = ANSWER_TIMEOUT_MS): Promise<KernelClient> {
    const project = projectAt();
    const folder = mkdtempSync(join(tmpdir(), 'bitnet-kernel-'));
    const ports = await freePorts(5);
    const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
    const connection = { shell_port, iopub_port, stdin_port, control_port, hb_port };
    const file = join(folder, 'kernel.json');
    writeFileSync(file, JSON.stringify({ ...connection, ip: '127.0.0.1', transport: 'tcp', key: KEY }));
    const kernel = spawn(
      process.execPath,
      [join(project.root, 'scripts', 'kernel.js'), 'kernel', '--config-path', file],
      { cwd: project.notebooks, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const iopub = new Subscriber();
    iopub.connect(`tcp://127.0.0.1:${iopub_port}`);
    iopub.subscribe();
    const shell = new Dealer({ routingId: randomUUID() });
    shell.connect(`tcp://127.0.0.1:${shell_port}`);
    const client = new KernelClient(kernel, folder, shell, iopub, answerTimeoutMs);
    // The subscription reaches the kernel a moment after the connection; what it publishes before is lost.
    for (;;) {
      const id = await client.send('kernel_info_request', {});
      await sleep(200);
      if (client.published.some(({ parent }) => parent === id)) return client;
      if (kernel.exitCode !== null) throw new Error(`The kernel ended: ${client.#terminal}`);
    }
  }

  /** What the kernel wrote to the terminal that Jupyter was started in. */
  get terminal(): string {
    return this.#terminal;
  }

  /** Sends a request without waiting; returns its id. */
  async send(type: string, content: object): Promise<string> {
    const id = randomUUID();
    const header = { msg_id: id, session: this.#session, username: 'test', msg_type: type, version: '5.3' };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    const hash = createHmac('sha256', KEY);
    for (const part of parts) hash.update(part);
    await this.shell.send([DELIMITER, hash.digest('hex'), ...parts]);
    return id;
  }

  /** Waits until a request is answered and the kernel has said that it is done with it. */
  async answered(id: string): Promise<Answer> {
    const deadline = Date.now() + this.answerTimeoutMs;
    while (Date.now() < deadline) {
      const published = this.published.filter(({ parent }) => parent === id);
      const reply = this.#replies.get(id);
      const done = published.some(
        ({ type, content }) => type === 'status' && content.execution_state === 'idle',
      );
      if (reply && done) {
        const text = published.filter(({ type }) => type === 'stream').map(({ content }) => content.text);
        return { reply, published, text: text.join('') };
      }
      await sleep(10);
    }
    throw new Error(
      `The kernel (exit code ${this.kernel.exitCode}, ${this.kernel.signalCode}) did not answer. ${this.#terminal} It published ${JSON.stringify(this.published).slice(-2000)}`,
    );
  }

  async request(type: string, content: object): Promise<Answer> {
    return this.answered(await this.send(type, content));
  }

  /** Runs a cell to its end. */
  async run(code: string): Promise<Answer> {
    return this.request('execute_request', { code });
  }

  /** Waits until something that `found` accepts has been published. */
  async until(found: (message: Message) => boolean): Promise<void> {
    const deadline = Date.now() + this.answerTimeoutMs;
    while (!this.published.some(found)) {
      if (Date.now() > deadline) throw new Error('The kernel did not publish it.');
      await sleep(10);
    }
  }

  /** What ■ does. */
  interrupt(): void {
    this.kernel.kill('SIGINT');
  }

  async end(): Promise<void> {
    this.shell.close();
    this.iopub.close();
    if (this.kernel.exitCode === null) {
      this.kernel.kill('SIGKILL');
      await once(this.kernel, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    const read = async (socket: Dealer | Subscriber, take: (message: Message) => void): Promise<void> => {
      for await (const parts of socket) {
        const start = parts.findIndex((part) => part.toString() === DELIMITER) + 2;
        const [header, parent, , content] = parts.slice(start).map((part) => JSON.parse(part.toString()));
        take({ type: header.msg_type, parent: parent.msg_id, content });
      }
    };
    await Promise.all([
      read(this.iopub, (message) => this.published.push(message)),
      read(this.shell, ({ parent, content }) => this.#replies.set(parent, content)),
    ]);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
