/**
 * What goes where in a model's memory. Everything that a token needs is laid out before the first one: weights, KV
 * cache, activations, logits. Addresses are bytes; widths are in floats and padded to whole cache lines.
 */
import type { TensorEntry } from '../checkpoint/checkpoint.js';
import { isTernary } from '../checkpoint/encodings.js';
import type { ModelConfig } from '../config.js';
import type { KernelName } from '../kernel/kernel.js';
import {
  ATTENTION_BYTES,
  FORMAT_BF16,
  FORMAT_F16,
  FORMAT_F32,
  FORMAT_TERNARY,
  LOGIT_BLOCK,
  MATRIX_BYTES,
} from '../kernel/layout.js';
import {
  blockCount,
  groupCount,
  matrixBytes,
  paddedRow,
  quantizedBytes,
  type Matrix,
} from '../kernel/matrix.js';
import { MemoryPlan } from '../kernel/memory.js';

/** Tokens that go through the network together while a prompt is read. */
export const MAX_BATCH_TOKENS = 32;
/** Bytes of logits computed together. */
const LOGITS_BYTES = 8 * 2 ** 20;
/** Candidates that the shortlist may leave; beyond it all logits are computed. */
export const MAX_CANDIDATES = 8192;
/** Smallest vocabulary whose head gets a shortlist: below, the whole head takes microseconds. */
const MIN_SHORTLIST_ROWS = 16_384;

/** The seven matrices of a layer, by the part of their name that is theirs. */
export const LAYER_MATRICES = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const;
export type LayerMatrix = (typeof LAYER_MATRICES)[number];

/** Matrices with the same input, computed as one product. */
export interface Product {
  /** Address of the matrices' records. */
  records: number;
  matrices: readonly Matrix[];
  /** First float of each matrix's results. */
  outOffsets: readonly number[];
  /** Groups of all matrices together. */
  groups: number;
  columns: number;
  format: number;
}

/** Gains of a layer's norms: an address each, or 0 where the model has no such norm. */
export interface LayerGains {
  input: number;
  attention: number;
  postAttention: number;
  feedForward: number;
}

export interface LayerMemory {
  queryKeyValue: Product;
  output: Product;
  gateUp: Product;
  down: Product;
  gains: LayerGains;
  /** `[kv heads][context][head stride]`. */
  keys: number;
  values: number;
}

export interface ModelMemory {
  config: ModelConfig;
  contextLength: number;
  batchTokens: number;
  layers: LayerMemory[];
  finalGain: number;
  embedding: Matrix;
  /** Record of the embedding matrix. */
  embeddingRecord: number;
  head: Product;
  /** 0 where the head has none. */
  shortlist: number;
  attentionShape: number;
  /** Floats from one head of the KV cache, and of the scores, to the next. */
  headStride: number;
  scoreStride: number;
  /** `[context][head_dim / 2]`. */
  cosines: number;
  sines: number;
  /** Start and length of the KV cache, which the bytes of files pass through while the model is loaded. */
  cache: number;
  cacheBytes: number;
  /** i32, `[batch]`. */
  ids: number;
  /** `[batch][hidden width]`: the residual stream. */
  residual: number;
  hiddenWidth: number;
  /** `[batch][inputWidth]`: what a norm gave, and the same in paired order. */
  normed: number;
  paired: number;
  inputWidth: number;
  /** Quantized vectors of `batch` tokens. */
  quantized: number;
  quantizedBytesOf(columns: number): number;
  /** `[batch][qkvWidth]`: queries, keys, values. */
  queryKeyValue: number;
  qkvWidth: number;
  /** `[batch][heads][head stride]`. */
  queries: number;
  /** `[batch][attendedWidth]`: the heads' outputs side by side. */
  attended: number;
  attendedWidth: number;
  /** `[batch][gateUpWidth]`. */
  gateUp: number;
  gateUpWidth: number;
  /** `[heads][score stride]`. */
  scores: number;
  /** `[logitRows][vocabWidth]`. */
  logits: number;
  logitRows: number;
  vocabWidth: number;
  /** `[blocks][2]` f64. */
  logitSums: number;
  /** The head's inputs: `[logitRows][hiddenWidth]`, and the same in paired order. */
  headInput: number;
  headPaired: number;
  shortlistVector: number;
  lower: number;
  upper: number;
  candidateIds: number;
  candidateLogits: number;
  /** A word that layers of weights report faults in, and room for a sum a row (f64). */
  status: number;
  rowSums: number;
  scratch: number;
  scratchBytes: number;
  bytes: ModelBytes;
}

/** Bytes of a model in memory, by kind. */
export interface ModelBytes {
  /** All matrices and gains of the layers. */
  weights: number;
  /** The embedding matrix, and the head where it is not the same. */
  embedding: number;
  /** Keys and values of every position. */
  kvCache: number;
  /** The head's int8 copy, which finds the best tokens at half the bytes; 0 without it. */
  shortlist: number;
  /** Activations, logits, rotary angles and the threads' scratch. */
  activations: number;
  /** All of the above. */
  total: number;
}

export interface MemoryOptions {
  kernel: KernelName;
  threads: number;
  contextLength: number;
  /** Whether a head that is large enough gets an int8 copy. */
  shortlist: boolean;
  /** Bytes of a file that have to lie in memory at once while it is loaded. */
  stagingBytes: number;
}

/** The format in which a tensor is kept: ternary if it is stored so or made so, else that of the file. */
export function formatOf(entry: TensorEntry, ternarised: boolean): number {
  if (ternarised || isTernary(entry.encoding)) return FORMAT_TERNARY;
  return { F32: FORMAT_F32, BF16: FORMAT_BF16, F16: FORMAT_F16 }[entry.encoding];
}

/**
 * Plans a model's memory without making it.
 * @param ternary whether the matrices of the layers are ternary, as they are or once they are loaded
 */
export function planModelMemory(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorEntry>,
  ternary: boolean,
  { kernel, threads, contextLength, shortlist, stagingBytes }: MemoryOptions,
): ModelMemory {
  const plan = new MemoryPlan();
  const { hidden_size: hidden, intermediate_size: inner, num_attention_heads: heads } = config;
  const {
    num_key_value_heads: kvHeads,
    head_dim: dim,
    vocab_size: vocab,
    num_hidden_layers: layerCount,
  } = config;
  const queryWidth = paddedRow(heads * dim);
  const keyWidth = paddedRow(kvHeads * dim);
  const innerWidth = paddedRow(inner);
  const hiddenWidth = paddedRow(hidden);
  // Tracing puts what is added to the residual stream there too.
  const qkvWidth = Math.max(queryWidth + 2 * keyWidth, hiddenWidth);
  const headStride = Math.ceil(dim / 16) * 16;
  const scoreStride = Math.ceil(contextLength / 16) * 16;
  const batchTokens = Math.min(MAX_BATCH_TOKENS, contextLength);
  const mark = (): number => plan.bytes;

  const matrix = (name: string, ternarised: boolean): Matrix => {
    const entry = tensors.get(name)!;
    const [rows, columns] = entry.shape;
    const format = formatOf(entry, ternarised);
    const order = entry.encoding === 'packed' ? 'quarters' : 'neighbours';
    return {
      rows,
      columns,
      format,
      order,
      scale: 1,
      values: plan.reserve(matrixBytes(rows, columns, format)),
    };
  };
  const product = (names: readonly string[], ternarised: boolean): Product => {
    const matrices = names.map((name) => matrix(name, ternarised));
    const outOffsets = matrices.map((_, i) =>
      matrices.slice(0, i).reduce((sum, { rows }) => sum + paddedRow(rows), 0),
    );
    return {
      matrices,
      outOffsets,
      records: plan.reserve(MATRIX_BYTES * matrices.length),
      groups: matrices.reduce((sum, { rows }) => sum + groupCount(rows), 0),
      columns: matrices[0].columns,
      format: matrices[0].format,
    };
  };
  const gain = (name: string): number =>
    tensors.has(name) ? plan.reserve(4 * paddedRow(tensors.get(name)!.shape[0])) : 0;

  const start = mark();
  const layers = Array.from({ length: layerCount }, (_, layer): LayerMemory => {
    const prefix = `model.layers.${layer}`;
    const named = (...parts: LayerMatrix[]): Product =>
      product(
        parts.map((part) => `${prefix}.${part}.weight`),
        ternary,
      );
    return {
      queryKeyValue: named('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'),
      output: named('self_attn.o_proj'),
      gateUp: named('mlp.gate_proj', 'mlp.up_proj'),
      down: named('mlp.down_proj'),
      gains: {
        input: gain(`${prefix}.input_layernorm.weight`),
        attention: gain(`${prefix}.self_attn.attn_sub_norm.weight`),
        postAttention: gain(`${prefix}.post_attention_layernorm.weight`),
        feedForward: gain(`${prefix}.mlp.ffn_sub_norm.weight`),
      },
      keys: 0,
      values: 0,
    };
  });
  const finalGain = gain('model.norm.weight');
  const weights = mark() - start;

  const embedding = matrix('model.embed_tokens.weight', false);
  const embeddingRecord = plan.reserve(MATRIX_BYTES);
  const head: Product = config.tie_word_embeddings
    ? {
        matrices: [embedding],
        outOffsets: [0],
        records: embeddingRecord,
        groups: groupCount(vocab),
        columns: hidden,
        format: embedding.format,
      }
    : product(['lm_head.weight'], false);
  const embeddingBytes = mark() - start - weights;

  const hasShortlist = shortlist && vocab >= MIN_SHORTLIST_ROWS && hidden % 16 === 0;
  const shortlistAt = hasShortlist ? plan.reserve(groupCount(vocab) * (hidden * 4 + 64)) : 0;
  const shortlistBytes = mark() - start - weights - embeddingBytes;

  const cache = plan.bytes;
  for (const layer of layers) {
    layer.keys = plan.reserve(4 * kvHeads * contextLength * headStride);
    layer.values = plan.reserve(4 * kvHeads * contextLength * headStride);
  }
  const kvCache = plan.bytes - cache;
  plan.reserve(Math.max(0, stagingBytes - kvCache));
  const cacheBytes = plan.bytes - cache;

  const inputWidth = Math.max(hiddenWidth, queryWidth, innerWidth);
  const vocabWidth = paddedRow(vocab);
  const logitRows = Math.max(1, Math.min(batchTokens, Math.floor(LOGITS_BYTES / (4 * vocabWidth))));
  const rows = (count: number, width: number): number => plan.reserve(4 * count * width);
  const quantizedBytesOf = (columns: number): number => quantizedBytes(kernel, columns);
  const tileBytes = 4 * inputWidth * (kernel === 'simd' ? 2 : 1) + 64;
  const scratchBytes = Math.ceil(Math.max(tileBytes, (4 * heads * scoreStride) / kvHeads, 4096) / 64) * 64;
  const activations = {
    attentionShape: plan.reserve(ATTENTION_BYTES),
    cosines: rows(contextLength, dim / 2),
    sines: rows(contextLength, dim / 2),
    ids: rows(batchTokens, 1),
    residual: rows(batchTokens, hiddenWidth),
    normed: rows(batchTokens, inputWidth),
    paired: rows(batchTokens, inputWidth),
    quantized: plan.reserve(batchTokens * quantizedBytesOf(inputWidth)),
    queryKeyValue: rows(batchTokens, qkvWidth),
    queries: rows(batchTokens, heads * headStride),
    attended: rows(batchTokens, queryWidth),
    gateUp: rows(batchTokens, 2 * innerWidth),
    scores: rows(heads, scoreStride),
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
  return {
    config,
    contextLength,
    batchTokens,
    layers,
    finalGain,
    embedding,
    embeddingRecord,
    head,
    shortlist: shortlistAt,
    headStride,
    scoreStride,
    cache,
    cacheBytes,
    hiddenWidth,
    inputWidth,
    quantizedBytesOf,
    qkvWidth,
    attendedWidth: queryWidth,
    gateUpWidth: 2 * innerWidth,
    logitRows,
    vocabWidth,
    scratchBytes,
    ...activations,
    bytes: {
      weights,
      embedding: embeddingBytes,
      kvCache,
      shortlist: shortlistBytes,
      activations: plan.bytes - cache - kvCache,
      total: plan.bytes,
    },
  };
}

/** Blocks of 64 columns of a ternary product's input. */
export function productBlocks({ columns }: Product): number {
  return blockCount(columns);
}
