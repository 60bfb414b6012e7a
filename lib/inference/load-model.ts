/** From a checkpoint on disk, or on the Hub, to a model that computes. */
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import {
  ATTENTION_CONTEXT,
  ATTENTION_COSINES,
  ATTENTION_HEADS,
  ATTENTION_HEAD_DIM,
  ATTENTION_HEAD_STRIDE,
  ATTENTION_KV_HEADS,
  ATTENTION_SCALE,
  ATTENTION_SCORE_STRIDE,
  ATTENTION_SINES,
} from '../kernel/layout.js';
import { loadKernel, type Kernel, type KernelChoice } from '../kernel/kernel.js';
import { formatBytes } from '../io/format-bytes.js';
import { allocateMemory, checkMemory, MAX_MEMORY_BYTES } from '../kernel/memory.js';
import { MAX_THREADS, Team } from '../kernel/team.js';
import { quote } from '../io/quote.js';
import { fillAngles } from './angles.js';
import { Engine } from './engine.js';
import { loadWeights, stagingBytesOf, type LoadProgress } from './load-weights.js';
import { Model } from './model.js';
import type { ModelMemory } from './model-memory.js';
import { planModelMemory } from './plan-memory.js';
import { checkSupported } from './supported-options.js';

/** Threads taken without being asked for: beyond these, memory is the limit on nearly every machine. */
const DEFAULT_MAX_THREADS = 8;

/** Options of {@link loadModel}. */
export interface LoadOptions {
  /** Threads that compute, the calling one included. Default: the processor's, at most 8. */
  threads?: number;
  /** Default `auto`: the fastest that this engine runs. Results are the same. */
  kernel?: KernelChoice;
  /** Most tokens of prompt and answer together. Default: what the model was made for, or as much of it as fits. */
  contextLength?: number;
  /** Ends the loading with the signal's reason. */
  signal?: AbortSignal;
  /** Receives how far the loading is. */
  onProgress?: (progress: LoadProgress) => void;
  /**
   * Whether a large head gets an int8 copy, which finds the same best tokens at half the bytes. Costs half of the
   * embedding's memory. Default true.
   */
  shortlist?: boolean;
}

/**
 * Loads a BitNet model.
 * @param source a folder in Hugging Face's layout, a `.gguf` file, or a Hub id such as `microsoft/bitnet-b1.58-2B-4T`,
 * which is downloaded unless it is in the cache
 * @throws CheckpointError for damaged or foreign files; ConfigError for a model that only the training engine runs;
 * MemoryError, before anything is loaded, if it does not fit; RangeError for options out of range
 */
export async function loadModel(source: string, options: LoadOptions = {}): Promise<Model> {
  const { signal } = options;
  checkSource(source);
  signal?.throwIfAborted();
  const threads = checkThreads(options.threads);
  const kernel = await loadKernel(options.kernel);
  const path = await localPath(source, options);
  const checkpoint = await openCheckpoint(path, { signal });
  for (const note of checkpoint.notes) console.warn(`load model: ${note}`);
  try {
    const memory = planFor(checkpoint, kernel, threads, options);
    const engine = await startEngine(kernel, memory, threads);
    try {
      await loadWeights(checkpoint, memory, engine.team, options);
      return new Model(engine, checkpoint);
    } catch (error) {
      await engine.close();
      throw error;
    }
  } finally {
    await checkpoint.close();
  }
}

/** An engine on a memory of its own, whose weights are still to come. */
async function startEngine(kernel: Kernel, memory: ModelMemory, threads: number): Promise<Engine> {
  const wasm = allocateMemory(memory.bytes.total);
  writeAttentionShape(new DataView(wasm.buffer), memory);
  const team = await Team.start(kernel, wasm, threads, memory.scratch, memory.scratchBytes);
  return new Engine(team, memory);
}

function checkSource(source: unknown): void {
  if (typeof source === 'string' && source !== '' && !source.includes('\0')) return;
  throw new RangeError(
    `load model: source must be the path of a folder or of a .gguf file, or a Hub id, got ${quote(source)}.`,
  );
}

function checkThreads(threads = Math.min(availableParallelism(), DEFAULT_MAX_THREADS)): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads;
  throw new RangeError(
    `load model: threads must be a whole number from 1 to ${MAX_THREADS}, got ${String(threads)}.`,
  );
}

/** The path itself if there is something, else where the download of this Hub id lies. */
async function localPath(source: string, { signal, onProgress }: LoadOptions): Promise<string> {
  const exists = await stat(source).then(
    () => true,
    () => false,
  );
  if (exists || !isHubId(source)) return source;
  // Loaded only now: most models are on the disk, and the Hub's client is not small.
  const { downloadModel } = await import('../hub/hub.js');
  return downloadModel(source, {
    signal,
    onProgress: ({ bytes, totalBytes, bytesPerSecond, secondsLeft }) =>
      onProgress?.({ stage: 'download', bytes, totalBytes, bytesPerSecond, secondsLeft }),
  });
}

/** `owner/name`, as the Hub spells ids; anything else is a path. */
function isHubId(source: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(source) && !source.endsWith('.gguf');
}

/** Plans the memory, with the longest context that fits if none was asked for. */
function planFor(checkpoint: Checkpoint, kernel: Kernel, threads: number, options: LoadOptions): ModelMemory {
  const { config, tensors, source } = checkpoint;
  const ternary = checkSupported(config, tensors, source);
  const longest = config.max_position_embeddings;
  const { contextLength, shortlist = true } = options;
  if (
    contextLength !== undefined &&
    !(Number.isInteger(contextLength) && contextLength >= 1 && contextLength <= longest)
  ) {
    throw new RangeError(
      `load model: contextLength must be a whole number from 1 to ${longest}, which the model was made for, got ${String(contextLength)}.`,
    );
  }
  const plan = (length: number): ModelMemory => {
    const common = { kernel: kernel.name, threads, contextLength: length, shortlist };
    const staging = stagingBytesOf(
      checkpoint,
      planModelMemory(config, tensors, ternary, { ...common, stagingBytes: 0 }),
    );
    return planModelMemory(config, tensors, ternary, { ...common, stagingBytes: staging });
  };
  let memory = plan(contextLength ?? longest);
  // A context that nobody asked for shrinks until the model fits into what WebAssembly can address.
  while (contextLength === undefined && memory.bytes.total > MAX_MEMORY_BYTES && memory.contextLength > 256) {
    memory = plan(Math.floor(memory.contextLength / 2));
  }
  const { weights, embedding, kvCache } = memory.bytes;
  const parts = `weights ${formatBytes(weights)}, embedding ${formatBytes(embedding)}, KV cache ${formatBytes(kvCache)}`;
  checkMemory(
    memory.bytes.total,
    `${source} with contextLength ${memory.contextLength} (${parts})`,
    'Use a shorter contextLength, shortlist: false, or close other models and programs.',
  );
  return memory;
}

/** Writes what attention reads of the model: its sizes and its angles. */
export function writeAttentionShape(view: DataView, memory: ModelMemory): void {
  const { config, contextLength, attentionShape: at, cosines, sines, headStride, scoreStride } = memory;
  const { head_dim: dim } = config;
  view.setInt32(at + ATTENTION_HEADS, config.num_attention_heads, true);
  view.setInt32(at + ATTENTION_KV_HEADS, config.num_key_value_heads, true);
  view.setInt32(at + ATTENTION_HEAD_DIM, dim, true);
  view.setInt32(at + ATTENTION_HEAD_STRIDE, headStride, true);
  view.setInt32(at + ATTENTION_CONTEXT, contextLength, true);
  view.setInt32(at + ATTENTION_SCORE_STRIDE, scoreStride, true);
  view.setUint32(at + ATTENTION_COSINES, cosines, true);
  view.setUint32(at + ATTENTION_SINES, sines, true);
  view.setFloat32(at + ATTENTION_SCALE, 1 / Math.sqrt(dim), true);
  const pairs = (contextLength * dim) / 2;
  fillAngles(
    config.rope_theta,
    dim,
    contextLength,
    new Float32Array(view.buffer, cosines, pairs),
    new Float32Array(view.buffer, sines, pairs),
  );
}
