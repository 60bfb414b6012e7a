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
  const { memory, team, head, network } = engine;
  const { batchTokens, contextLength, bytes, layers } = memory;
  // One place stays for the token that is decoded.
  const length = Math.min(contextTokens, contextLength - 1);
  const ids = Array.from({ length }, (_, i) => i % memory.config.vocab_size);
  const times = {
    read: [] as number[],
    layers: [] as number[],
    head: [] as number[],
    shortlist: [] as number[],
  };
  const prefill: number[] = [];
  const first = layers[0].queryKeyValue.matrices[0].values;
  const blocks = Math.floor((bytes.weights + bytes.embedding) / READ_BYTES);
  // The first rounds only warm up: WebAssembly is compiled again once it has proved busy.
  for (let round = -3; round < repeats; round++) {
    signal?.throwIfAborted();
    await engine.process(ids, engine.cachedPrefix(ids));
    await setImmediate();
    const note = (into: number[], work: () => void): void => {
      const start = performance.now();
      work();
      if (round >= 0) into.push(performance.now() - start);
    };
    if (blocks > 0)
      note(times.read, () =>
        team.run('readMemory', { items: blocks, smallest: 8 }, { address: first, sink: memory.status }),
      );
    note(times.layers, () => engine.step([...ids, 0]));
    network.finalNorm(0, 1, memory.headInput);
    note(times.head, () => head.all());
    if (head.hasShortlist) note(times.shortlist, () => head.best(1));
    if (round % 3 === 0) {
      const start = performance.now();
      const batch = Array.from({ length: batchTokens }, () => 0);
      await engine.process(batch, 0);
      if (round >= 0) prefill.push((performance.now() - start) / batchTokens);
    }
  }
  new Int32Array(team.buffer, memory.status, 1)[0] = 0;
  const memorySpeed = ((blocks * READ_BYTES) / median(times.read)) * 1000;
  const part = (ms: number, partBytes: number): PartSpeed => {
    const bytesPerSecond = (partBytes / ms) * 1000;
    return { ms, bytes: partBytes, bytesPerSecond, shareOfMemorySpeed: bytesPerSecond / memorySpeed };
  };
  const headBytes = memory.config.tie_word_embeddings ? bytes.embedding : bytes.embedding / 2;
  const layersPart = part(median(times.layers), bytes.weights);
  const headPart = part(median(times.head), headBytes);
  const shortlistPart = head.hasShortlist ? part(median(times.shortlist), bytes.shortlist) : undefined;
  return {
    memoryBytesPerSecond: memorySpeed,
    layers: layersPart,
    head: headPart,
    shortlist: shortlistPart,
    decodeTokensPerSecond: 1000 / (layersPart.ms + headPart.ms),
    limitTokensPerSecond: memorySpeed / (bytes.weights + headBytes),
    greedyTokensPerSecond: 1000 / (layersPart.ms + (shortlistPart ?? headPart).ms),
    prefillTokensPerSecond: 1000 / median(prefill),
  };
}

function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new Error(`measureSpeed: ${name} must be a whole number from ${least}, got ${String(value)}.`);
}
