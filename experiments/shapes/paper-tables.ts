/** What the papers print of memory, time, quality and throughput: the columns that stand beside ours. */
import { BITNET_B158_SHAPES, LLAMA_SHAPES, type TransformerShape } from '@bitnet-notebooks/lib';
import { findNamed } from '../sweep/find-named.js';

/** BitNet b1.58 (arXiv 2402.17764), Table 1. The 3.9B model is compared with the 3B LLaMA. */
export interface B158Row {
  shape: string;
  /** GB, and milliseconds a token, on a GPU. */
  memory: { llama: number; b158: number };
  latency: { llama: number; b158: number };
  /** Perplexity on the validation set after 100 B tokens. */
  perplexity: { llama: number; b158: number };
}

export const B158_TABLE_1: readonly B158Row[] = [
  row('700M', [2.08, 0.8], [1.18, 0.96], [12.33, 12.87]),
  row('1.3B', [3.34, 1.14], [1.62, 0.97], [11.25, 11.29]),
  row('3B', [7.89, 2.22], [5.07, 1.87], [10.04, 9.91]),
  row('3.9B', [7.89, 2.38], [5.07, 2.11], [10.04, 9.62]),
];

type Pair = readonly [llama: number, b158: number];

function row(shape: string, memory: Pair, latency: Pair, perplexity: Pair): B158Row {
  const of = ([llama, b158]: Pair) => ({ llama, b158 });
  return { shape, memory: of(memory), latency: of(latency), perplexity: of(perplexity) };
}

/** BitNet b1.58, Table 3: 70B on two A100 of 80 GB, sequences of 512 tokens. */
export const B158_THROUGHPUT = {
  llama: { batch: 16, tokensPerSecond: 333 },
  b158: { batch: 176, tokensPerSecond: 2977 },
} as const;

/** BitNet (arXiv 2310.11453), Table 3: perplexity of 6.7B models, quantized after training or during it. */
export const B1_TABLE_3: readonly { bits: number; method: string; perplexity: number }[] = [
  { bits: 16, method: 'Transformer', perplexity: 15.19 },
  { bits: 8, method: 'Absmax', perplexity: 21.43 },
  { bits: 8, method: 'SmoothQuant', perplexity: 15.67 },
  { bits: 4, method: 'GPTQ', perplexity: 16.05 },
  { bits: 4, method: 'Absmax', perplexity: 4.8e4 },
  { bits: 4, method: 'SmoothQuant', perplexity: 1.6e6 },
  { bits: 2, method: 'GPTQ', perplexity: 1032 },
  { bits: 2, method: 'QuIP', perplexity: 70.43 },
  { bits: 1, method: 'Absmax', perplexity: 3.5e23 },
  { bits: 1, method: 'SmoothQuant', perplexity: 3.3e21 },
  { bits: 1, method: 'BitNet (trained)', perplexity: 17.07 },
];

/** Energy of a model in fp16 over that of b1.58, 512 tokens (BitNet b1.58, Figure 3, right). */
export const B158_ENERGY: readonly (readonly [shape: string, ratio: number])[] = [
  ['1.3B', 18.6],
  ['3B', 21.7],
  ['7B', 29.1],
  ['13B', 32.9],
  ['70B', 41.2],
];

/** The pairs that b1.58 names in section 3: a ternary model, and the smaller one in fp16 that it is said to beat. */
export const LARGER_THAN: readonly (readonly [large: string, small: TransformerShape])[] = [
  ['13B', named(BITNET_B158_SHAPES, '3B')],
  ['30B', named(LLAMA_SHAPES, '7B')],
  ['70B', named(LLAMA_SHAPES, '13B')],
];

/** @throws Error that names the shapes there are */
export function named(shapes: readonly TransformerShape[], name: string): TransformerShape {
  return findNamed('shape: the name', shapes, name);
}
