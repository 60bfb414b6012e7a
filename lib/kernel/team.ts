/** Threads that compute together on one memory: the calling one, and workers. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { compiledFolder } from './compiled-folder.js';
import { MAX_CHUNKS, publish, publishQuit, RESERVED_BYTES, takeChunks, waitForChunks } from './job-board.js';
import { bindKernel, type Kernel } from './kernel.js';
import {
  MAX_ARGUMENTS,
  OPERATION_CODES,
  PARAMETERS,
  type OperationName,
  type OperationParameters,
  type Operations,
} from './operations.js';
import type { WasmMemory } from './webassembly.js';
import type { WorkerStart } from './worker.js';

/** Most threads of a team; beyond it memory, not computing, is the limit everywhere. */
export const MAX_THREADS = 64;

/** Chunks that each thread gets on average, at least: more balance uneven cores better, fewer cost less. */
const CHUNKS_PER_THREAD = 8;
/** Longest chunk, in multiples of the smallest, so that nobody waits long for the last one of a large job. */
const MAX_SMALLEST = 16;

/** What a closed team can do. */
const NO_OPERATIONS: Operations = { table: [], quantizeForShortlist: () => 0 };

/**
 * Threads that share the items of operations. Results do not depend on how many they are. Workers do not keep Node
 * alive; `close` ends them.
 */
export class Team {
  readonly threads: number;
  readonly kernel: Kernel;
  #buffer: SharedArrayBuffer;
  #operations: Operations;
  #words: Int32Array;
  readonly #args: Int32Array = new Int32Array(MAX_ARGUMENTS);
  readonly #workers: Worker[] = [];
  readonly #scratch: number;
  #closed: string | undefined;

  /**
   * @param memory shared; its first RESERVED_BYTES belong to the team
   * @param scratch address of `threads` · `scratchBytes` bytes
   */
  static async start(
    kernel: Kernel,
    memory: WasmMemory,
    threads: number,
    scratch: number,
    scratchBytes: number,
  ): Promise<Team> {
    const team = new Team(kernel, memory, threads, scratch);
    try {
      const ready: Promise<unknown>[] = [];
      for (let i = 1; i < threads; i++) {
        const start: WorkerStart = { kernel, memory, scratch: scratch + i * scratchBytes };
        // Options of the process, such as a loader of its own code, are none of the workers'.
        const worker = new Worker(workerFile(), { workerData: start, execArgv: [] });
        team.#workers.push(worker);
        ready.push(once(worker, 'message'));
      }
      await Promise.all(ready);
    } catch (error) {
      await team.close();
      throw error;
    }
    // Without a listener the error of a worker would end the process; the job that failed reports it.
    for (const worker of team.#workers) worker.on('error', () => {}).unref();
    return team;
  }

  private constructor(kernel: Kernel, memory: WasmMemory, threads: number, scratch: number) {
    this.kernel = kernel;
    this.threads = threads;
    this.#buffer = memory.buffer;
    this.#operations = bindKernel(kernel, memory);
    this.#words = new Int32Array(memory.buffer, 0, RESERVED_BYTES / 4);
    this.#scratch = scratch;
  }

  /** The memory; empty once the team is closed. */
  get buffer(): SharedArrayBuffer {
    return this.#buffer;
  }

  /**
   * Runs an operation on all of its items. Few items run on the calling thread alone.
   * @param share `items` of the operation, and the `smallest` number of them that is worth another thread: some
   *   microseconds of work
   */
  run<Name extends OperationName>(
    name: Name,
    { items, smallest }: { items: number; smallest: number },
    parameters: OperationParameters<Name>,
  ): void {
    if (this.#closed !== undefined) throw new Error(this.#closed);
    const operation = OPERATION_CODES[name];
    const args = this.#args;
    const names: readonly (keyof typeof parameters)[] = PARAMETERS[name];
    for (let i = 0; i < names.length; i++) args[i] = parameters[names[i]];
    if (this.threads === 1 || items <= smallest) {
      const compute = this.#operations.table[operation];
      // Not spread: that would make an iterator for each of hundreds of operations a token.
      compute(
        0,
        items,
        this.#scratch,
        args[0],
        args[1],
        args[2],
        args[3],
        args[4],
        args[5],
        args[6],
        args[7],
        args[8],
        args[9],
      );
      return;
    }
    const chunk = Math.max(
      smallest,
      Math.min(Math.ceil(items / (this.threads * CHUNKS_PER_THREAD)), MAX_SMALLEST * smallest),
      Math.ceil(items / MAX_CHUNKS),
    );
    publish(this.#words, operation, items, chunk, Math.ceil(items / chunk), args);
    let done = false;
    try {
      takeChunks(this.#words, this.#operations.table, this.#scratch);
      done = waitForChunks(this.#words);
    } finally {
      if (!done)
        this.#closed = 'internal: an operation of the kernel failed on a thread; load the model again.';
    }
    if (this.#closed !== undefined) throw new Error(this.#closed);
  }

  /** `count` float64 numbers in the memory. */
  doubles(address: number, count: number): Float64Array {
    return new Float64Array(this.buffer, address, count);
  }

  /** Operations.quantizeForShortlist, on the calling thread. */
  quantizeForShortlist(x: number, columns: number, quantized: number): boolean {
    return this.#operations.quantizeForShortlist(x, columns, quantized) === 1;
  }

  /** Ends all workers and lets go of the memory. Nothing runs afterwards. */
  async close(): Promise<void> {
    this.#closed ??= 'run: the team of threads is closed.';
    const workers = this.#workers.splice(0);
    if (workers.length > 0) publishQuit(this.#words, workers.length);
    this.#buffer = new SharedArrayBuffer(0);
    this.#words = new Int32Array(0);
    this.#operations = NO_OPERATIONS;
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function workerFile(): URL {
  const file = new URL('worker.js', compiledFolder());
  if (!existsSync(file)) {
    const path = fileURLToPath(file);
    throw new Error(`start threads: the compiled worker must be at ${path}, and is not. Run: npm run build`);
  }
  return file;
}
