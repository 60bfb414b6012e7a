/** How fast a model runs, part by part, against what the memory allows: measured in one go, so that noise hits both. */
import { setImmediate } from 'node:timers/promises';
import { READ_BYTES } from '../kernel/layout.js';
import type { Engine } from './engine.js';
import { median } from '../analysis/statistics.js';

export interface SpeedOptions {
  /** Tokens in the cache while decoding is measured, fewer where the context holds no more. Default 64. */
  contextTokens?: number;
  /** Rounds; each figure is the median of as many, prefill's of every third. Default 9. */
  repeats?: number;
  signal?: AbortSignal;
}

/** One part of the work for a token. */
export interface PartSpeed {
  /** Median milliseconds. */
  ms: number;
  /** Bytes of weights that it reads. */
  bytes: number;
  bytesPerSecond: number;
  /** `bytesPerSecond` over what plain reading reached in the same rounds. */
  shareOfMemorySpeed: number;
}

/** What `Model.measureSpeed` found. */
export interface Speed {
  /** Reading the model's memory and doing nothing else, on the same threads. */
  memoryBytesPerSecond: number;
  /** All layers for one token. */
  layers: PartSpeed;
  /** The exact head: all logits of one token. */
  head: PartSpeed;
  /** The best token through the int8 copy of the head; absent without it. */
  shortlist?: PartSpeed;
  /** Decoding with the exact head, and its limit: all weights and the head read at memory speed. */
  decodeTokensPerSecond: number;
  limitTokensPerSecond: number;
  /** Greedy decoding as `generate` does it: with the shortlist where there is one. */
  greedyTokensPerSecond: number;
  /** Tokens of a full batch through all layers. */
  prefillTokensPerSecond: number;
}

/** Milliseconds of each round. */
interface Times {
  read: number[];
  layers: number[];
  head: number[];
  shortlist: number[];
  /** Of one token of a full batch. */
  prefill: number[];
}

/**
 * Measures a model; what is in its cache is lost.
 * @throws Error when a number in the options is not whole or too small
 */
export async function measureSpeed(
  engine: Engine,
  { contextTokens = 64, repeats = 9, signal }: SpeedOptions = {},
): Promise<Speed> {
  checkWhole('contextTokens', contextTokens, 0);
  checkWhole('repeats', repeats, 1);
  const { vocab_size: vocab } = engine.memory.config;
  // One place stays for the token that is decoded.
  const length = Math.min(contextTokens, engine.memory.contextLength - 1);
  const ids = Array.from({ length }, (_, i) => i % vocab);
  const times: Times = { read: [], layers: [], head: [], shortlist: [], prefill: [] };
  // The first rounds only warm up: WebAssembly is compiled again once it has proved busy.
  for (let round = -3; round < repeats; round++) {
    signal?.throwIfAborted();
    await engine.process(ids, engine.cachedPrefix(ids));
    await setImmediate();
    await timeRound(engine, ids, round % 3 === 0, (of, milliseconds) => {
      if (round >= 0) times[of].push(milliseconds);
    });
  }
  new Int32Array(engine.team.buffer, engine.memory.status, 1)[0] = 0;
  return speedOf(engine, times);
}

function blocksToRead({ memory: { bytes } }: Engine): number {
  return Math.floor((bytes.weights + bytes.embedding) / READ_BYTES);
}

/** Times each part of a token behind `ids`, and where asked for a full batch. */
async function timeRound(
  engine: Engine,
  ids: readonly number[],
  withBatch: boolean,
  note: (of: keyof Times, milliseconds: number) => void,
): Promise<void> {
  const { memory, team, head, network } = engine;
  const time = (of: keyof Times, work: () => void): void => {
    const start = performance.now();
    work();
    note(of, performance.now() - start);
  };
  const address = memory.layers[0].queryKeyValue.matrices[0].values;
  const share = { items: blocksToRead(engine), smallest: 8 };
  if (share.items > 0) time('read', () => team.run('readMemory', share, { address, sink: memory.status }));
  time('layers', () => engine.step([...ids, 0]));
  network.finalNorm(0, 1, memory.headInput);
  time('head', () => head.all());
  if (head.hasShortlist) time('shortlist', () => head.best(1));
  if (!withBatch) return;
  const start = performance.now();
  const batch = Array.from({ length: memory.batchTokens }, () => 0);
  await engine.process(batch, 0);
  note('prefill', (performance.now() - start) / memory.batchTokens);
}

function speedOf(engine: Engine, times: Times): Speed {
  const { memory, head: modelHead } = engine;
  const { bytes, config } = memory;
  // Nothing was read of a model smaller than a block.
  const reading = times.read.length > 0 ? median(times.read) : NaN;
  const memorySpeed = ((blocksToRead(engine) * READ_BYTES) / reading) * 1000;
  const part = (ms: number, partBytes: number): PartSpeed => {
    const bytesPerSecond = (partBytes / ms) * 1000;
    return { ms, bytes: partBytes, bytesPerSecond, shareOfMemorySpeed: bytesPerSecond / memorySpeed };
  };
  const headBytes = config.tie_word_embeddings ? bytes.embedding : bytes.embedding / 2;
  const layers = part(median(times.layers), bytes.weights);
  const head = part(median(times.head), headBytes);
  const shortlist = modelHead.hasShortlist ? part(median(times.shortlist), bytes.shortlist) : undefined;
  return {
    memoryBytesPerSecond: memorySpeed,
    layers,
    head,
    shortlist,
    decodeTokensPerSecond: 1000 / (layers.ms + head.ms),
    limitTokensPerSecond: memorySpeed / (bytes.weights + headBytes),
    greedyTokensPerSecond: 1000 / (layers.ms + (shortlist ?? head).ms),
    prefillTokensPerSecond: 1000 / median(times.prefill),
  };
}

function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new Error(`measureSpeed: ${name} must be a whole number from ${least}, got ${String(value)}.`);
}
