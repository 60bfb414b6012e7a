import { BITNET_B158, parseModelConfig, type ModelConfig } from '@bitnet-notebooks/lib';
import { ablationModel } from '../quantization-ablation/blocks.js';
import { findArm } from '../quantization-ablation/arms.js';
import { sizedModel } from '../sweep/sized-model.js';
import { configurationA } from '../sweep/configurations.js';

/** A model and the batch that it is trained with. */
export interface BenchSize {
  name: string;
  model: ModelConfig;
  batch: number;
  context: number;
}

/** A model of Zipf facts, two layers deep, in batches of 480 windows of two triples. */
function zipf(width: number): BenchSize {
  const batch = { batch: 480, context: 6 };
  const models = { vocabulary: 129, headSize: 64, context: batch.context };
  const model = sizedModel(models, { width, layers: 2 }, { options: BITNET_B158 });
  return { name: `Zipf, 2 × ${width}`, model, ...batch };
}

/** The sizes that the recorded runs have, and B, which is larger: 6 layers, 192 wide, 2.7 M parameters. */
export const BENCH_SIZES: readonly BenchSize[] = [
  { name: 'ablation, 2 × 64', model: ablationModel(findArm('b1.58')), batch: 12, context: 64 },
  zipf(12),
  zipf(40),
  zipf(104),
  { name: 'A, 4 × 128', model: configurationA(true), batch: 12, context: 64 },
  {
    name: 'B, 6 × 192',
    model: parseModelConfig({
      vocab_size: 65,
      hidden_size: 192,
      intermediate_size: 512,
      num_hidden_layers: 6,
      num_attention_heads: 6,
      max_position_embeddings: 128,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      bitlm: { ...BITNET_B158 },
    }),
    batch: 16,
    context: 128,
  },
];

/**
 * Floating-point operations of one step: forward and backward (three products for each one forward) of the linear
 * layers, the output matrix and full-square attention. Norms, quantizers and the optimizer are not counted: that they
 * cost time is what the ratio shows.
 */
export function flopsPerStep({ model, batch, context }: Omit<BenchSize, 'name'>): number {
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headDim } = model;
  const queries = model.num_attention_heads * headDim;
  const keys = model.num_key_value_heads * headDim;
  const layer = 2 * hidden * queries + 2 * hidden * keys + 3 * hidden * inner;
  const attention = 2 * context * queries;
  const perToken = model.num_hidden_layers * (layer + attention) + model.vocab_size * hidden;
  return 6 * batch * context * perToken;
}
