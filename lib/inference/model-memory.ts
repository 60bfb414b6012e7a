/**
 * What lies where in a model's memory, as plan-memory.ts lays it out. Addresses are bytes; widths are in floats and
 * padded to whole cache lines.
 */
import type { TensorEntry } from '../checkpoint/checkpoint.js';
import { isTernary } from '../checkpoint/encodings.js';
import type { ModelConfig } from '../config.js';
import { FORMAT_BF16, FORMAT_F16, FORMAT_F32, FORMAT_TERNARY } from '../kernel/layout.js';
import { blockCount, type Matrix } from '../kernel/matrix.js';

/** Candidates that the shortlist may leave; beyond it all logits are computed. */
export const MAX_CANDIDATES = 8192;

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

/** Where the parts of one layer lie. */
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

/** The format in which a tensor is kept: ternary if it is stored so or made so, else that of the file. */
export function formatOf(entry: TensorEntry, ternarised: boolean): number {
  if (ternarised || isTernary(entry.encoding)) return FORMAT_TERNARY;
  return { F32: FORMAT_F32, BF16: FORMAT_BF16, F16: FORMAT_F16 }[entry.encoding];
}

/** Blocks of 64 columns of a ternary product's input. */
export function productBlocks({ columns }: Product): number {
  return blockCount(columns);
}
