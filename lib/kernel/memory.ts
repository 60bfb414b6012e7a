/** The one memory of a model, and what goes where in it. */
import { freemem } from 'node:os';
import { formatBytes } from '../io/format-bytes.js';
import { RESERVED_BYTES } from './job-board.js';
import { Memory, type WasmMemory } from './webassembly.js';

const PAGE_BYTES = 65_536;

/** What WebAssembly can address with 32 bits. */
export const MAX_MEMORY_BYTES: number = 2 ** 32;

/** Hands out addresses before there is a memory, so that its size is known when it is made. */
export class MemoryPlan {
  #end: number = RESERVED_BYTES;

  /** Reserves `bytes` on a cache line of their own and returns their address. */
  reserve(bytes: number): number {
    const address = this.#end;
    this.#end += Math.ceil(bytes / 64) * 64;
    return address;
  }

  /** Bytes reserved so far, all in all. */
  get bytes(): number {
    return this.#end;
  }
}

/** Thrown where a model does not fit: says what it needs and what there is. */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';
  readonly neededBytes: number;
  readonly availableBytes: number;

  constructor(message: string, neededBytes: number, availableBytes: number) {
    super(message);
    this.neededBytes = neededBytes;
    this.availableBytes = availableBytes;
  }
}

/** Bytes that this process may still use: what the system has free, or what is left of the container's share. */
export function availableMemory(): number {
  // Node 20.13 and later know of containers' limits.
  const { availableMemory: ofProcess } = process as { availableMemory?: () => number };
  const allowed = ofProcess?.call(process) ?? Infinity;
  return allowed > 0 ? Math.min(freemem(), allowed) : freemem();
}

/**
 * Checks that there is room for a memory of this size, without making it.
 * @param what the model, for the message
 * @param advice what to do if it does not fit
 * @throws MemoryError with both figures
 */
export function checkMemory(
  bytes: number,
  what: string,
  advice: string,
  available: number = availableMemory(),
): void {
  const limit = Math.min(MAX_MEMORY_BYTES, available);
  if (bytes <= limit) return;
  const reason =
    limit === MAX_MEMORY_BYTES
      ? 'WebAssembly can address'
      : 'are free on this machine, or left to this process';
  throw new MemoryError(
    `load model: ${what} needs ${formatBytes(bytes)} of memory, and ${formatBytes(limit)} ${reason}. ${advice}`,
    bytes,
    limit,
  );
}

/** Makes a shared memory. The system gives it pages only as they are written. */
export function allocateMemory(bytes: number): WasmMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    return new Memory({ initial: pages, maximum: pages, shared: true });
  } catch {
    throw new MemoryError(
      `load model: the engine refused a memory of ${formatBytes(bytes)}. Use a shorter contextLength, or close other models.`,
      bytes,
      availableMemory(),
    );
  }
}

/** Smallest memory that is worth the tenth of a second that returning it at once can take. */
const WORTH_RETURNING = 2 ** 24;

/**
 * Gives memory that nothing refers to any more back to the system, at once. JavaScript's collector does not see how
 * large a shared memory is: left to itself it lets gigabytes of them wait until the heap is full of something else.
 * @param bytes how much that is; a little is left to the collector
 */
export async function returnMemory(bytes: number): Promise<void> {
  if (bytes < WORTH_RETURNING) return;
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}
