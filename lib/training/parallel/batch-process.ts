import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_SETTINGS } from '../../backend/allocator.js';
import type { FromBatchWorker, ToBatchWorker } from './batch-worker.js';

type Answer = Exclude<FromBatchWorker, { error: string }>;

/** Processes that no run uses now. To start one takes a second, so they are kept; they end with this process. */
const idle: BatchProcess[] = [];

/** A process of batch-worker.ts, seen from the training loop: it is asked one thing after the other. */
export class BatchProcess {
  private readonly child: ChildProcess = fork(program(), {
    // Flags of this process, such as those of a notebook's kernel, are not meant for it.
    execArgv: [],
    // A group of its own: a terminal or Jupyter interrupts every process of theirs, and this one before it can say no.
    detached: platform() !== 'win32',
    env: { ...ALLOCATOR_SETTINGS, ...process.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  private ended: string | undefined;
  private waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  /** One that waits, or a new one. */
  static take(): BatchProcess {
    return idle.pop() ?? new BatchProcess();
  }

  private constructor() {
    const { child } = this;
    child.on('message', (message: FromBatchWorker) => {
      const { waiting } = this;
      this.waiting = undefined;
      this.keepAlive(false);
      if ('error' in message) waiting?.reject(new Error(`train: a worker failed: ${message.error}`));
      else waiting?.resolve(message);
    });
    child.on('error', (error) => this.end(error.message));
    child.on('exit', (code, signal) =>
      this.end(signal ? `was ended by ${signal}` : `ended with code ${code}`),
    );
    this.keepAlive(false);
  }

  /** @throws Error when the process fails or ends before it answers */
  ask(question: ToBatchWorker): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      this.waiting = { resolve, reject };
      if (this.ended !== undefined) return this.end(this.ended);
      this.keepAlive(true);
      // That it could not be sent shows in the process's end.
      this.child.send(question, () => {});
    });
  }

  /** Lets the process wait for another run, once it has closed its files. Nothing may be asked afterwards. */
  async giveBack(): Promise<void> {
    if (this.ended !== undefined) return;
    try {
      await this.ask({ close: true });
      idle.push(this);
    } catch {
      this.child.kill('SIGKILL');
    }
  }

  /** Whether Node waits for this process before it ends. */
  private keepAlive(yes: boolean): void {
    const { child } = this;
    for (const one of [child, child.channel]) {
      if (yes) one?.ref();
      else one?.unref();
    }
  }

  private end(why: string): void {
    this.ended ??= why;
    const at = idle.indexOf(this);
    if (at >= 0) idle.splice(at, 1);
    this.waiting?.reject(
      new Error(
        `train: a worker must live until the run ends, but it ${why}. Train again: a run goes on from its checkpoint.`,
      ),
    );
    this.waiting = undefined;
  }
}

/** The compiled program: beside this file's compiled form, whether that or its source is running. */
function program(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(
    new URL(isSource ? '../../dist/training/parallel/batch-worker.js' : './batch-worker.js', import.meta.url),
  );
  if (existsSync(file)) return file;
  throw new Error(`train: the compiled worker must be at ${file}, and is not. Run: npm run build`);
}
