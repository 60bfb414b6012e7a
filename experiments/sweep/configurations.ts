/** Models that several experiments, benches and notebooks train. */
import { parseModelConfig, type ModelConfig } from '@bitnet-notebooks/lib';

const TERNARY = {
  quant_method: 'bitnet',
  linear_class: 'autobitlinear',
  quantization_mode: 'online',
} as const;

/** Characters of Tiny Shakespeare. */
const VOCABULARY = 65;

/**
 * Standard deviation of the first weights, about 1/√width. transformers' 0.02 suits wider models; here it left both
 * arms behind.
 */
const INITIALIZER_RANGE = 0.06;

/** Configuration A: nanoGPT's for a CPU (4 layers, 128 wide, context 64, batch 12), with 2B4T's gated feed-forward. */
export function configurationA(ternary: boolean): ModelConfig {
  return parseModelConfig({
    vocab_size: VOCABULARY,
    hidden_size: 128,
    intermediate_size: 352,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    max_position_embeddings: 64,
    initializer_range: INITIALIZER_RANGE,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    ...(ternary && { quantization_config: TERNARY }),
  });
}

/** About 3.6 M parameters in shapes that every packed format takes: all inputs are multiples of 256. */
export function embeddedConfiguration(): ModelConfig {
  return parseModelConfig({
    vocab_size: VOCABULARY,
    hidden_size: 256,
    intermediate_size: 512,
    num_hidden_layers: 6,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 256,
    initializer_range: INITIALIZER_RANGE,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    quantization_config: TERNARY,
  });
}
