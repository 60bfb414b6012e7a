/** A worker thread of a team: binds the kernel to the shared memory and takes chunks until a job ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { QUIT_SEEN, takeChunks, waitForJob } from './job-board.js';
import { bindKernel, type Kernel } from './kernel.js';
import type { WasmMemory } from './webassembly.js';

/** What a team gives each of its workers. */
export interface WorkerStart {
  kernel: Kernel;
  memory: WasmMemory;
  /** Address of memory for this thread alone. */
  scratch: number;
}

const { kernel, memory, scratch } = workerData as WorkerStart;
const { table } = bindKernel(kernel, memory);
const words = new Int32Array(memory.buffer, 0, 65_536 / 4);
parentPort?.postMessage('ready'); // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread, not a window
for (let seen = 0; seen !== QUIT_SEEN;) {
  seen = takeChunks(words, table, scratch);
  if (seen !== QUIT_SEEN) waitForJob(words, seen);
}
