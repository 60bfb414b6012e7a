/** The model of a shape, the same in all experiments over sizes. */
import { parseModelConfig, type AblationOptions, type ModelConfig } from '@bitnet-notebooks/lib';
import type { RunSpec } from './run-spec.js';

/** A model's size; all else follows from it. */
export interface Shape {
  width: number;
  layers: number;
}

/** What models of all sizes have in common. */
export interface SizedModels {
  vocabulary: number;
  /** Width of an attention head at most; there are two heads at least. */
  headSize: number;
  context: number;
}

/** What makes an arm's model another one. */
export interface ModelChange {
  options: AblationOptions;
  /** Gate of the feed-forward; 2B4T's squared ReLU by default. */
  activation?: ModelConfig['hidden_act'];
}

/** 2B4T's proportions: the feed-forward is 2.75 times as wide as the model (arXiv 2504.12285). */
const FEED_FORWARD = 2.75;

/**
 * The model of a shape: tied embeddings, first weights of standard deviation 0.64/√width as in configuration A.
 * @param inner width of the feed-forward; 2B4T's proportions by default
 */
export function sizedModel(
  { vocabulary, headSize, context }: SizedModels,
  { width, layers, inner = Math.round(FEED_FORWARD * width) }: Shape & { inner?: number },
  { options, activation }: ModelChange,
): ModelConfig {
  return parseModelConfig({
    vocab_size: vocabulary,
    hidden_size: width,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: Math.max(2, Math.floor(width / headSize)),
    ...(activation && { hidden_act: activation }),
    max_position_embeddings: context,
    initializer_range: Number((0.64 / Math.sqrt(width)).toPrecision(2)),
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bitlm: { ...options },
  });
}

/** `2×64`: layers and width, as tables have them. */
export function shapeOf({ model }: Pick<RunSpec, 'model'>): string {
  return `${model.num_hidden_layers}×${model.hidden_size}`;
}
