/**
 * Energy of a transformer's arithmetic, as the BitNet papers count it (arXiv 2310.11453, section 2.3 and Table 1; arXiv
 * 2402.17764, Figure 3; arXiv 2504.12285, Table 1). Only the matrix products of the layers count: weights times
 * activations, and attention's queries times keys and probabilities times values, over the full square without sparing
 * the future. Embedding, output matrix, softmax and norms are left out, and so is memory, where most energy goes in truth.
 */
import { linearMatrices, linearWeights, type TransformerShape } from './shapes.js';

/** Width of the chip's process that energies are known for. */
export type Process = '7nm' | '45nm';
export type NumberFormat = 'fp32' | 'fp16' | 'int8';

/** Picojoule of one operation (Horowitz, ISSCC 2014; PokeBNN, arXiv 2112.00133; as BitNet prints them, Table 2). */
const OPERATION_PICOJOULES: Readonly<
  Record<Process, Readonly<Record<NumberFormat, { add: number; multiply: number }>>>
> = {
  '45nm': {
    fp32: { add: 0.9, multiply: 3.7 },
    fp16: { add: 0.4, multiply: 1.1 },
    int8: { add: 0.03, multiply: 0.2 },
  },
  '7nm': {
    fp32: { add: 0.38, multiply: 1.31 },
    fp16: { add: 0.16, multiply: 0.34 },
    int8: { add: 0.007, multiply: 0.07 },
  },
};

/**
 * How a model's products with weights are computed. `bitnet`: additions of int8 alone, and a few multiplications by
 * scales in fp16; its attention is fp16. `int8`: the same with a multiplication of int8 for every addition, as 8-bit weights and
 * activations need it; the papers leave it out. Weights of few bits beside 16-bit activations are widened, and so `fp16`.
 */
export type Arithmetic = 'fp32' | 'fp16' | 'int8' | 'bitnet';

/** Energy of one forward pass in joules. */
export interface Energy {
  /** All additions. */
  add: number;
  /** All multiplications. */
  multiply: number;
  /** Attention's part of the sum of both. */
  attention: number;
  total: number;
}

/** Multiplications and additions of a forward pass: one of each for every weight or score and token. */
export interface OperationCount {
  /** Products with weights. */
  linear: number;
  /** Queries times keys, probabilities times values. */
  attention: number;
  /** Multiplications by the scales of rows and tokens, T·(in + out) a matrix: BitNet's formula. */
  scales: number;
}

/**
 * Operations of a pass over `tokens` tokens: T · weights, and 2 · T² · heads · headDim · layers.
 * @throws Error where tokens is no whole number from 1
 */
export function countOperations(shape: TransformerShape, tokens: number): OperationCount {
  if (!Number.isSafeInteger(tokens) || tokens < 1)
    throw new Error(`energy: tokens must be a whole number from 1, got ${tokens}.`);
  const { heads, headDim, layers } = shape;
  const scaled = linearMatrices(shape).reduce((sum, { rows, columns }) => sum + rows + columns, 0);
  return {
    linear: tokens * linearWeights(shape),
    attention: 2 * tokens ** 2 * heads * headDim * layers,
    scales: tokens * scaled * layers,
  };
}

/**
 * Energy of a pass over a sequence.
 * @param tokens length of the sequence; 512 in the papers
 */
export function modelEnergy(
  shape: TransformerShape,
  arithmetic: Arithmetic,
  { tokens = 512, process = '7nm' }: { tokens?: number; process?: Process } = {},
): Energy {
  const { linear, attention, scales } = countOperations(shape, tokens);
  const picojoules = OPERATION_PICOJOULES[process];
  const isInteger = arithmetic === 'bitnet' || arithmetic === 'int8';
  const float = picojoules[isInteger ? 'fp16' : arithmetic];
  const { int8 } = picojoules;
  const add = (linear * (isInteger ? int8 : float).add + attention * float.add) * 1e-12;
  const products = arithmetic === 'int8' ? linear * int8.multiply : 0;
  const multiply = (((isInteger ? scales : linear) + attention) * float.multiply + products) * 1e-12;
  return {
    add,
    multiply,
    attention: attention * (float.add + float.multiply) * 1e-12,
    total: add + multiply,
  };
}

/**
 * How much less energy one matrix product takes with ternary weights than in fp16, scales left out: (0.16 + 0.34) / 0.007
 * = 71.4 at 7 nm (arXiv 2402.17764, section 3). A ceiling for the model, whose attention stays in fp16.
 */
export function productEnergyRatio(process: Process = '7nm'): number {
  const { fp16, int8 } = OPERATION_PICOJOULES[process];
  return (fp16.add + fp16.multiply) / int8.add;
}
