/**
 * Plans what goes where in a model's memory. Everything that a token needs is laid out before the first one: weights, KV
 * cache, activations, logits.
 */
import type { TensorEntry } from '../checkpoint/checkpoint.js';
import type { ModelConfig } from '../config.js';
import type { KernelName } from '../kernel/kernel.js';
import { ATTENTION_BYTES, LOGIT_BLOCK } from '../kernel/layout.js';
import { groupCount, paddedRow, quantizedBytes } from '../kernel/matrix.js';
import { MemoryPlan } from '../kernel/memory.js';
import { MAX_CANDIDATES, type LayerMemory, type ModelMemory } from './model-memory.js';
import { WeightPlan } from './weight-plan.js';

/** Tokens that go through the network together while a prompt is read. */
const MAX_BATCH_TOKENS = 32;
/** Bytes of logits computed together. */
const LOGITS_BYTES = 8 * 2 ** 20;
/** Smallest vocabulary whose head gets a shortlist: below, the whole head takes microseconds. */
const MIN_SHORTLIST_ROWS = 16_384;

export interface MemoryOptions {
  kernel: KernelName;
  threads: number;
  contextLength: number;
  /** Whether a head that is large enough gets an int8 copy. */
  shortlist: boolean;
  /** Bytes of a file that have to lie in memory at once while it is loaded. */
  stagingBytes: number;
}

/**
 * Plans a model's memory without making it.
 * @param ternary whether the matrices of the layers are ternary, as they are or once they are loaded
 */
export function planModelMemory(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorEntry>,
  ternary: boolean,
  options: MemoryOptions,
): ModelMemory {
  const widths = widthsOf(config, options.contextLength);
  const plan = new MemoryPlan();
  const weights = new WeightPlan(plan, tensors);
  /** Runs a step of the plan and says how many bytes it took. */
  const measured = <T>(step: () => T): [T, number] => {
    const start = plan.bytes;
    return [step(), plan.bytes - start];
  };
  const [layers, layerBytes] = measured(() => weights.layers(config, ternary));
  const [finalGain, gainBytes] = measured(() => weights.gain('model.norm.weight'));
  const [head, embeddingBytes] = measured(() => weights.head(config));
  const { vocab_size: vocab, hidden_size: hidden } = config;
  const hasShortlist = options.shortlist && vocab >= MIN_SHORTLIST_ROWS && hidden % 16 === 0;
  const [shortlist, shortlistBytes] = measured(() =>
    hasShortlist ? plan.reserve(groupCount(vocab) * (hidden * 4 + 64)) : 0,
  );
  const cache = plan.bytes;
  const [, kvCache] = measured(() => planCache(plan, layers, config, options.contextLength, widths));
  plan.reserve(Math.max(0, options.stagingBytes - kvCache));
  const cacheBytes = plan.bytes - cache;
  const activations = planActivations(plan, config, widths, options, hasShortlist);
  return {
    config,
    contextLength: options.contextLength,
    layers,
    finalGain,
    ...head,
    shortlist,
    cache,
    cacheBytes,
    ...widths,
    ...activations,
    bytes: {
      weights: layerBytes + gainBytes,
      embedding: embeddingBytes,
      kvCache,
      shortlist: shortlistBytes,
      activations: plan.bytes - cache - kvCache,
      total: plan.bytes,
    },
  };
}

/** Numbers of tokens, and floats from one row to the next. */
type Widths = Pick<
  ModelMemory,
  | 'batchTokens'
  | 'headStride'
  | 'scoreStride'
  | 'hiddenWidth'
  | 'inputWidth'
  | 'qkvWidth'
  | 'attendedWidth'
  | 'gateUpWidth'
  | 'vocabWidth'
  | 'logitRows'
>;

function widthsOf(config: ModelConfig, contextLength: number): Widths {
  const { head_dim: dim } = config;
  const queryWidth = paddedRow(config.num_attention_heads * dim);
  const keyWidth = paddedRow(config.num_key_value_heads * dim);
  const innerWidth = paddedRow(config.intermediate_size);
  const hiddenWidth = paddedRow(config.hidden_size);
  const vocabWidth = paddedRow(config.vocab_size);
  const batchTokens = Math.min(MAX_BATCH_TOKENS, contextLength);
  return {
    batchTokens,
    headStride: Math.ceil(dim / 16) * 16,
    scoreStride: Math.ceil(contextLength / 16) * 16,
    hiddenWidth,
    inputWidth: Math.max(hiddenWidth, queryWidth, innerWidth),
    // Tracing puts what is added to the residual stream there too.
    qkvWidth: Math.max(queryWidth + 2 * keyWidth, hiddenWidth),
    attendedWidth: queryWidth,
    gateUpWidth: 2 * innerWidth,
    vocabWidth,
    logitRows: Math.max(1, Math.min(batchTokens, Math.floor(LOGITS_BYTES / (4 * vocabWidth)))),
  };
}

function planCache(
  plan: MemoryPlan,
  layers: readonly LayerMemory[],
  config: ModelConfig,
  contextLength: number,
  { headStride }: Widths,
): void {
  const bytes = 4 * config.num_key_value_heads * contextLength * headStride;
  for (const layer of layers) {
    layer.keys = plan.reserve(bytes);
    layer.values = plan.reserve(bytes);
  }
}

type Activations = Omit<
  ModelMemory,
  | keyof Widths
  | 'config'
  | 'contextLength'
  | 'layers'
  | 'finalGain'
  | 'embedding'
  | 'embeddingRecord'
  | 'head'
  | 'shortlist'
  | 'cache'
  | 'cacheBytes'
  | 'bytes'
>;

function planActivations(
  plan: MemoryPlan,
  config: ModelConfig,
  widths: Widths,
  { kernel, threads, contextLength }: MemoryOptions,
  hasShortlist: boolean,
): Activations {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocab, head_dim: dim } = config;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const { batchTokens, hiddenWidth, inputWidth, vocabWidth, logitRows } = widths;
  const rows = (count: number, width: number): number => plan.reserve(4 * count * width);
  const quantizedBytesOf = (columns: number): number => quantizedBytes(kernel, columns);
  const tileBytes = 4 * inputWidth * (kernel === 'simd' ? 2 : 1) + 64;
  const scoreBytes = (4 * heads * widths.scoreStride) / kvHeads;
  const scratchBytes = Math.ceil(Math.max(tileBytes, scoreBytes, 4096) / 64) * 64;
  return {
    quantizedBytesOf,
    scratchBytes,
    attentionShape: plan.reserve(ATTENTION_BYTES),
    cosines: rows(contextLength, dim / 2),
    sines: rows(contextLength, dim / 2),
    ids: rows(batchTokens, 1),
    residual: rows(batchTokens, hiddenWidth),
    normed: rows(batchTokens, inputWidth),
    paired: rows(batchTokens, inputWidth),
    quantized: plan.reserve(batchTokens * quantizedBytesOf(inputWidth)),
    queryKeyValue: rows(batchTokens, widths.qkvWidth),
    queries: rows(batchTokens, heads * widths.headStride),
    attended: rows(batchTokens, widths.attendedWidth),
    gateUp: rows(batchTokens, widths.gateUpWidth),
    scores: rows(heads, widths.scoreStride),
    logits: rows(logitRows, vocabWidth),
    logitSums: plan.reserve(16 * Math.ceil(vocab / LOGIT_BLOCK)),
    headInput: rows(logitRows, hiddenWidth),
    headPaired: rows(logitRows, hiddenWidth),
    shortlistVector: plan.reserve(2 * hiddenWidth + 64),
    lower: rows(hasShortlist ? 1 : 0, vocabWidth),
    upper: rows(hasShortlist ? 1 : 0, vocabWidth),
    candidateIds: rows(MAX_CANDIDATES, 1),
    candidateLogits: rows(MAX_CANDIDATES, 1),
    status: plan.reserve(4),
    rowSums: plan.reserve(8 * Math.max(hidden, inner, heads * dim)),
    scratch: plan.reserve(threads * scratchBytes),
  };
}
