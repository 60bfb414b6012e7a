import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ALLOCATOR_SETTINGS } from '@bitnet-notebooks/lib';
import type { FromWorker, ToWorker } from './run-worker.js';
import type { RunResult } from '../finished-run.js';
import { RunCrash, type Engine, type RunProgress, type RunTask } from './engine.js';

/** Seconds that a worker has to save a checkpoint before it is ended. */
const STOP_SECONDS = 60;

/** The compiled worker, seen from this file's sources as well as from experiments/dist/. */
const WORKER = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/sweep/engines/run-worker.js' : './run-worker.js',
    import.meta.url,
  ),
);

/** Runs in worker processes of this machine, one thread each. A worker that ends well is used again. */
export class LocalEngine implements Engine {
  readonly name = 'local';
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();

  /**
   * @param slots worker processes; as many as there are cores by default
   * @param form of training steps; what a run learns does not depend on it
   */
  constructor(
    readonly slots: number = availableParallelism(),
    private readonly form?: 'compiled' | 'eager',
  ) {
    if (!Number.isInteger(slots) || slots < 1) {
      throw new Error(`local engine: workers must be a whole number from 1, got ${slots}.`);
    }
  }

  async *run(task: RunTask, signal: AbortSignal): AsyncGenerator<RunProgress, RunResult, undefined> {
    signal.throwIfAborted();
    const worker = this.#idle.pop() ?? this.#start();
    const messages: FromWorker[] = [];
    let wake = (): void => {};
    const onMessage = (message: FromWorker): void => {
      messages.push(message);
      wake();
    };
    const tell = (message: ToWorker): void => {
      // A worker that has just died takes no message; its end is noticed below.
      if (worker.connected) worker.send(message, () => {});
    };
    let patience: NodeJS.Timeout | undefined;
    const stop = (): void => {
      tell({ stop: true });
      patience = setTimeout(() => worker.kill('SIGKILL'), STOP_SECONDS * 1000);
    };
    const onEnd = (): void => wake();
    worker.on('message', onMessage);
    worker.on('exit', onEnd);
    signal.addEventListener('abort', stop, { once: true });
    try {
      tell({ run: task, form: this.form });
      for (;;) {
        const message = messages.shift();
        if (message === undefined) {
          if (hasEnded(worker)) throw new RunCrash(crashMessage(worker, task));
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        if ('progress' in message) {
          yield message.progress;
          continue;
        }
        this.#idle.push(worker);
        if ('result' in message) return message.result;
        if ('error' in message) throw new Error(message.error);
        throw signal.reason;
      }
    } finally {
      worker.off('message', onMessage);
      worker.off('exit', onEnd);
      signal.removeEventListener('abort', stop);
      clearTimeout(patience);
      if (!this.#idle.includes(worker)) worker.kill('SIGKILL');
    }
  }

  async close(): Promise<void> {
    const ends = [...this.#all].filter((worker) => !hasEnded(worker)).map((worker) => once(worker, 'exit'));
    for (const worker of this.#all) {
      if (worker.connected) worker.disconnect();
    }
    await Promise.all(ends);
  }

  #start(): ChildProcess {
    const worker = fork(WORKER, {
      // Flags of this process, such as those of a notebook's kernel, are not meant for it.
      execArgv: [],
      env: { ...ALLOCATOR_SETTINGS, ...process.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#all.add(worker);
    worker.once('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return worker;
  }
}

function hasEnded(worker: ChildProcess): boolean {
  return worker.exitCode !== null || worker.signalCode !== null;
}

function crashMessage({ exitCode, signalCode }: ChildProcess, { spec }: RunTask): string {
  const how =
    signalCode === 'SIGKILL'
      ? 'was killed (SIGKILL), as the system does when memory runs out'
      : signalCode
        ? `was ended by ${signalCode}`
        : `ended with code ${exitCode}`;
  return `run ${spec.name}: its worker must live until the run ends, but it ${how}.`;
}
