/**
 * A model at work: its memory, its threads and the ids whose keys and values are in the cache. A call says which ids it
 * needs in the cache; those that are there already are not computed again. Since nothing depends on how ids come in
 * batches, the results are the same either way.
 */
import { setImmediate } from 'node:timers/promises';
import { returnMemory } from '../kernel/memory.js';
import type { Team } from '../kernel/team.js';
import { Head } from './head.js';
import type { ModelMemory } from './model-memory.js';
import { Network, type Observer } from './network.js';

/** Longest time that a call keeps other work of the process waiting, where it can stop between layers. */
const MAX_BLOCKING_MS = 20;

/** Called after each batch of a run. `first` is the index of its first token. */
export type BatchVisitor = (first: number, tokens: number) => void;

/** What `Engine.process` does besides filling the cache. */
export interface ProcessOptions {
  signal?: AbortSignal;
  /** Called when a batch has left the last layer: its residual stream is still there. */
  onBatch?: BatchVisitor;
  /** Watches the layers named. */
  observe?: (layer: number, first: number, tokens: number) => Observer | undefined;
}

/** One model, its threads and its cache. */
export class Engine {
  readonly team: Team;
  readonly memory: ModelMemory;
  readonly head: Head;
  readonly network: Network;
  readonly #cached: Int32Array;
  #cachedCount = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(team: Team, memory: ModelMemory) {
    this.team = team;
    this.memory = memory;
    this.network = new Network(team, memory);
    this.head = new Head(team, memory);
    this.#cached = new Int32Array(memory.contextLength);
  }

  /** Lets calls run one after the other: they share the cache and the activations. */
  exclusively<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(call, call);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Ends the threads and gives the memory back. A call that is under way ends with an error. */
  async close(): Promise<void> {
    await this.team.close();
    await this.#queue;
    await returnMemory(this.memory.bytes.total);
  }

  /** Number of ids at the start of `ids` that are in the cache. */
  cachedPrefix(ids: ArrayLike<number>): number {
    const most = Math.min(ids.length, this.#cachedCount);
    let same = 0;
    while (same < most && this.#cached[same] === ids[same]) same++;
    return same;
  }

  /**
   * Brings ids `from` on into the cache, batch by batch; those before it must be there. Between layers other work of
   * the process gets its turn, and an abort is noticed.
   */
  async process(
    ids: ArrayLike<number>,
    from: number,
    { signal, onBatch, observe }: ProcessOptions = {},
  ): Promise<void> {
    const { layers, batchTokens } = this.memory;
    for (let first = from; first < ids.length; first += batchTokens) {
      const tokens = Math.min(batchTokens, ids.length - first);
      this.#begin(ids, first, tokens);
      let since = performance.now();
      for (let layer = 0; layer < layers.length; layer++) {
        this.network.layer(layer, tokens, first, observe?.(layer, first, tokens));
        if (performance.now() - since < MAX_BLOCKING_MS) continue;
        await setImmediate();
        signal?.throwIfAborted();
        since = performance.now();
      }
      this.#cachedCount = first + tokens;
      onBatch?.(first, tokens);
      signal?.throwIfAborted();
    }
  }

  /** Brings one more id, the last of `ids`, into the cache, at once. Those before it must be there. */
  step(ids: ArrayLike<number>): void {
    const position = ids.length - 1;
    this.#begin(ids, position, 1);
    for (let layer = 0; layer < this.memory.layers.length; layer++) this.network.layer(layer, 1, position);
    this.#cachedCount = position + 1;
  }

  /** From here on the cache holds the ids before `first` and no others. */
  #begin(ids: ArrayLike<number>, first: number, tokens: number): void {
    const { contextLength, ids: idsAt } = this.memory;
    // The kernel would write past the cache.
    if (first + tokens > contextLength)
      throw new Error(`internal: ${first + tokens} tokens in a context of ${contextLength}.`);
    this.#cachedCount = first;
    const batch = new Int32Array(this.team.buffer, idsAt, tokens);
    for (let t = 0; t < tokens; t++) batch[t] = this.#cached[first + t] = ids[first + t];
    this.network.embed(tokens);
  }
}
