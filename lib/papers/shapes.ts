/**
 * The shapes of the models that the papers measure, in one place. Sizes of BitNet: arXiv 2310.11453, section 3; of BitNet
 * b1.58: the Training Tips beside arXiv 2402.17764; of 2B4T: its config.json; of LLaMA and of the models that 2B4T is
 * compared with: their public config.json.
 */

/** What memory, time and energy of a transformer follow from. */
export interface TransformerShape {
  /** As the papers print it. */
  name: string;
  hidden: number;
  layers: number;
  heads: number;
  /** Heads of keys and values; as many as `heads` unless queries share them. */
  keyValueHeads: number;
  headDim: number;
  intermediate: number;
  /** Three matrices in the feed-forward (gate, up, down), or two. */
  gated: boolean;
  vocabulary: number;
  /** The output matrix is the embedding. */
  tied: boolean;
}

/** One weight matrix of a layer. */
export interface LinearMatrix {
  name: 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';
  /** Output features. */
  rows: number;
  /** Input features. */
  columns: number;
}

/**
 * Checks a shape, so that no figure is drawn from sizes that no model can have.
 * @throws Error that names the size
 */
export function checkShape(shape: TransformerShape): TransformerShape {
  const { name, heads, keyValueHeads } = shape;
  for (const key of [
    'hidden',
    'layers',
    'heads',
    'keyValueHeads',
    'headDim',
    'intermediate',
    'vocabulary',
  ] as const) {
    if (!Number.isSafeInteger(shape[key]) || shape[key] < 1)
      throw new Error(`shape: ${key} must be a whole number from 1, got ${shape[key]} in ${name}.`);
  }
  if (heads % keyValueHeads !== 0)
    throw new Error(
      `shape: heads must be a multiple of keyValueHeads, got ${heads} and ${keyValueHeads} in ${name}.`,
    );
  return shape;
}

/** A shape from its main sizes; head size is hidden / heads and everything else LLaMA's unless it is said. */
function shape(
  name: string,
  hidden: number,
  intermediate: number,
  layers: number,
  heads: number,
  rest: Partial<TransformerShape> = {},
): TransformerShape {
  return checkShape({
    name,
    hidden,
    intermediate,
    layers,
    heads,
    keyValueHeads: heads,
    headDim: hidden / heads,
    gated: true,
    vocabulary: 32_000,
    tied: false,
    ...rest,
  });
}

const B1 = { gated: false, vocabulary: 16_000 };

/** The sizes of BitNet's energy table (arXiv 2310.11453, Table 1): feed-forward of 4 · hidden, two matrices. */
export const BITNET_B1_SHAPES: readonly TransformerShape[] = [
  shape('6.7B', 4096, 16_384, 32, 32, B1),
  shape('13B', 5120, 20_480, 40, 40, B1),
  shape('30B', 7168, 28_672, 48, 56, B1),
];

/** The sizes of BitNet b1.58's Table 1 (arXiv 2402.17764), LLaMA's and its own alike. */
export const BITNET_B158_SHAPES: readonly TransformerShape[] = [
  shape('700M', 1536, 4096, 24, 24),
  shape('1.3B', 2048, 5460, 24, 32),
  shape('3B', 3200, 8640, 26, 32),
  shape('3.9B', 3200, 12_800, 26, 32),
];

/** BitNet b1.58 2B4T (arXiv 2504.12285). */
export const BITNET_2B4T_SHAPE: TransformerShape = shape('BitNet 2B4T', 2560, 6912, 30, 20, {
  keyValueHeads: 5,
  vocabulary: 128_256,
  tied: true,
});

/** Whom the 2B4T report compares with, in its order. */
export const PEER_SHAPES: readonly TransformerShape[] = [
  shape('LLaMA 3.2 1B', 2048, 8192, 16, 32, { keyValueHeads: 8, vocabulary: 128_256, tied: true }),
  shape('Gemma 3 1B', 1152, 6912, 26, 4, {
    keyValueHeads: 1,
    headDim: 256,
    vocabulary: 262_144,
    tied: true,
  }),
  shape('Qwen2.5 1.5B', 1536, 8960, 28, 12, { keyValueHeads: 2, vocabulary: 151_936, tied: true }),
  shape('SmolLM2 1.7B', 2048, 8192, 24, 32, { vocabulary: 49_152, tied: true }),
  shape('MiniCPM 2B', 2304, 5760, 40, 36, { vocabulary: 122_753, tied: true }),
];

/** LLaMA's larger sizes, for the claims on 7B to 70B; b1.58 prints no shapes there. */
export const LLAMA_SHAPES: readonly TransformerShape[] = [
  shape('7B', 4096, 11_008, 32, 32),
  shape('13B', 5120, 13_824, 40, 40),
  shape('30B', 6656, 17_920, 60, 52),
  shape('65B', 8192, 22_016, 80, 64),
  shape('70B', 8192, 28_672, 80, 64, { keyValueHeads: 8 }),
];

/** The weight matrices of one layer. */
export function linearMatrices(shape: TransformerShape): LinearMatrix[] {
  const { hidden, heads, keyValueHeads, headDim, intermediate, gated } = shape;
  const queries = heads * headDim;
  const keys = keyValueHeads * headDim;
  return [
    { name: 'q', rows: queries, columns: hidden },
    { name: 'k', rows: keys, columns: hidden },
    { name: 'v', rows: keys, columns: hidden },
    { name: 'o', rows: hidden, columns: queries },
    ...(gated ? [{ name: 'gate', rows: intermediate, columns: hidden } as const] : []),
    { name: 'up', rows: intermediate, columns: hidden },
    { name: 'down', rows: hidden, columns: intermediate },
  ];
}

/** Weights of the matrices of all layers: what BitNet quantizes. */
export function linearWeights(shape: TransformerShape): number {
  const perLayer = linearMatrices(shape).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  return perLayer * shape.layers;
}

/** Weights of embedding and output matrix, which stay in 16 bits. */
export function embeddingWeights({ vocabulary, hidden, tied }: TransformerShape): number {
  return vocabulary * hidden * (tied ? 1 : 2);
}
