/**
 * How threads share work without messages: a few words at the start of the shared memory. The main thread writes a job
 * there; every thread, the main one included, takes chunks of its items until none is left.
 *
 * A claim is one compare-and-swap on a word that holds the job's number and the next chunk. The number changes before
 * the first word of another job is written, and until the last one is, no chunk can be had. So a thread that was held up
 * between reading a job and claiming a chunk of it sees its claim fail, and does not run a chunk with the parameters of
 * two jobs (the number comes round after a million jobs, minutes later). All words are read and written as atomics,
 * whose order every processor keeps. A thread that the system does not run at the moment delays nobody, unless it holds
 * a chunk. Which thread computes a chunk does not matter: items are independent.
 */
import { MAX_ARGUMENTS, type Operation } from './operations.js';

/** Bytes at the start of memory that are not for numbers: constants of the kernel, then the board. */
export const RESERVED_BYTES = 65_536;
const BOARD = 32_768 / 4;

// Words that different threads write lie on cache lines of their own.
const CLAIM = BOARD;
const DONE = BOARD + 16;
const SLEEPERS = BOARD + 32;
const MAIN_WAITS = BOARD + 48;
const FAILED = BOARD + 64;
const JOB = BOARD + 80;
const JOB_OPERATION = JOB;
const JOB_ITEMS = JOB + 1;
const JOB_CHUNK = JOB + 2;
const JOB_CHUNKS = JOB + 3;
const JOB_ARGUMENTS = JOB + 4;

/** Chunks fit the lower bits of a claim, the job's number the rest. */
const CHUNK_BITS = 12;
const CHUNK_MASK = (1 << CHUNK_BITS) - 1;
/** Most chunks of a job: one fewer than the bits could count, so that no claim equals QUIT_SEEN. */
export const MAX_CHUNKS: number = CHUNK_MASK - 1;
/** Next chunk of a job that is being written: no job has it. */
const CLOSED = MAX_CHUNKS;
/** Code of the job that ends the workers. */
const QUIT = -1;

/** Loops of a waiting thread before it sleeps: some tens of microseconds. Waking up costs about as much again. */
const SPINS = 20_000;

/** Writes a job and lets the workers see it. */
export function publish(
  words: Int32Array,
  operation: number,
  items: number,
  chunk: number,
  chunks: number,
  args: Int32Array,
): void {
  const number = (Atomics.load(words, CLAIM) >>> CHUNK_BITS) + 1;
  Atomics.store(words, CLAIM, (number << CHUNK_BITS) | CLOSED);
  Atomics.store(words, JOB_OPERATION, operation);
  Atomics.store(words, JOB_ITEMS, items);
  Atomics.store(words, JOB_CHUNK, chunk);
  Atomics.store(words, JOB_CHUNKS, chunks);
  for (let i = 0; i < MAX_ARGUMENTS; i++) Atomics.store(words, JOB_ARGUMENTS + i, args[i]);
  Atomics.store(words, DONE, 0);
  Atomics.store(words, CLAIM, number << CHUNK_BITS);
  if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, CLAIM);
}

/**
 * Takes and runs chunks of the current job until none is left.
 * @returns the claim word as last seen, or QUIT_SEEN if the job ends the workers
 */
export function takeChunks(words: Int32Array, table: readonly Operation[], scratch: number): number {
  for (;;) {
    const claim = Atomics.load(words, CLAIM);
    const index = claim & CHUNK_MASK;
    const operation = Atomics.load(words, JOB_OPERATION);
    const items = Atomics.load(words, JOB_ITEMS);
    const chunk = Atomics.load(words, JOB_CHUNK);
    if (index >= Atomics.load(words, JOB_CHUNKS)) return claim;
    // Read one by one before the claim, and without an array: this loop runs hundreds of times a token.
    const a0 = Atomics.load(words, JOB_ARGUMENTS);
    const a1 = Atomics.load(words, JOB_ARGUMENTS + 1);
    const a2 = Atomics.load(words, JOB_ARGUMENTS + 2);
    const a3 = Atomics.load(words, JOB_ARGUMENTS + 3);
    const a4 = Atomics.load(words, JOB_ARGUMENTS + 4);
    const a5 = Atomics.load(words, JOB_ARGUMENTS + 5);
    const a6 = Atomics.load(words, JOB_ARGUMENTS + 6);
    const a7 = Atomics.load(words, JOB_ARGUMENTS + 7);
    const a8 = Atomics.load(words, JOB_ARGUMENTS + 8);
    const a9 = Atomics.load(words, JOB_ARGUMENTS + 9);
    if (Atomics.compareExchange(words, CLAIM, claim, claim + 1) !== claim) continue;
    if (operation === QUIT) return QUIT_SEEN;
    const from = index * chunk;
    try {
      table[operation](from, Math.min(from + chunk, items), scratch, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9);
    } catch (error) {
      Atomics.store(words, FAILED, 1);
      throw error;
    } finally {
      Atomics.add(words, DONE, 1);
      if (Atomics.load(words, MAIN_WAITS) === 1) Atomics.notify(words, DONE);
    }
  }
}

/** No claim word has this value: job numbers end before it. */
export const QUIT_SEEN = -1;

/** Waits until another job is published: spins shortly, then sleeps. */
export function waitForJob(words: Int32Array, seen: number): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(words, CLAIM) !== seen) return;
  Atomics.add(words, SLEEPERS, 1);
  Atomics.wait(words, CLAIM, seen);
  Atomics.sub(words, SLEEPERS, 1);
}

/** Waits until all chunks of the current job are done. Returns false if any thread failed. */
export function waitForChunks(words: Int32Array): boolean {
  const chunks = Atomics.load(words, JOB_CHUNKS);
  for (let i = 0; i < SPINS; i++) {
    if (Atomics.load(words, DONE) >= chunks) return Atomics.load(words, FAILED) === 0;
  }
  Atomics.store(words, MAIN_WAITS, 1);
  for (let done = Atomics.load(words, DONE); done < chunks; done = Atomics.load(words, DONE)) {
    Atomics.wait(words, DONE, done);
  }
  Atomics.store(words, MAIN_WAITS, 0);
  return Atomics.load(words, FAILED) === 0;
}

/** Lets every worker end itself. */
export function publishQuit(words: Int32Array, workers: number): void {
  publish(words, QUIT, workers, 1, workers, new Int32Array(MAX_ARGUMENTS));
}
