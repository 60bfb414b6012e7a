/** The learned tensors of a BitLM: their names (those of transformers), shapes and first values. */
import type { AblationOptions } from './ablation-options.js';
import type { ModelConfig } from './config.js';
import { ablationOptions } from './config.js';
import { countValues } from './shape.js';

/** One learned tensor before it exists. */
export interface ParameterSpec {
  /** transformers' name, as in model.safetensors. */
  name: string;
  shape: number[];
  /** `normal`: N(0, initializer_range²). `ones`: the gain of a norm. `step`: the elastic quantizer's learned step. */
  initial: 'normal' | 'ones' | 'step';
  /** True for the seven matrices per layer that BitLinear quantizes. */
  quantized: boolean;
}

/** Every learned tensor of the model that `config` describes, in a fixed order. */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const options = ablationOptions(config);
  const { hidden_size: hidden, intermediate_size: inner } = config;
  const specs: ParameterSpec[] = [];
  const matrix = (name: string, out: number, input: number, quantized = true): void => {
    specs.push({ name, shape: [out, input], initial: 'normal', quantized });
  };
  const gain = (name: string, size: number): void => {
    specs.push({ name, shape: [size], initial: 'ones', quantized: false });
  };
  matrix('model.embed_tokens.weight', config.vocab_size, hidden, false);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const queries = config.num_attention_heads * config.head_dim;
    const keys = config.num_key_value_heads * config.head_dim;
    matrix(`${prefix}.self_attn.q_proj.weight`, queries, hidden);
    matrix(`${prefix}.self_attn.k_proj.weight`, keys, hidden);
    matrix(`${prefix}.self_attn.v_proj.weight`, keys, hidden);
    matrix(`${prefix}.self_attn.o_proj.weight`, hidden, queries);
    if (options.body !== 'bitnet-b1') matrix(`${prefix}.mlp.gate_proj.weight`, inner, hidden);
    matrix(`${prefix}.mlp.up_proj.weight`, inner, hidden);
    matrix(`${prefix}.mlp.down_proj.weight`, hidden, inner);
    for (const [name, size] of layerNorms(options, hidden, inner, queries))
      gain(`${prefix}.${name}.weight`, size);
    if (options.activation_quantizer === 'elastic-int8') {
      for (const site of ELASTIC_SITES) {
        specs.push({ name: `${prefix}.${site}.step`, shape: [1], initial: 'step', quantized: false });
      }
    }
  }
  if (options.body !== 'bitnet-b1') gain('model.norm.weight', hidden);
  if (!config.tie_word_embeddings) matrix('lm_head.weight', config.vocab_size, hidden, false);
  return specs;
}

/** The four places in a layer where activations are quantized; q, k and v share one, gate and up share one. */
const ELASTIC_SITES = ['self_attn.input', 'self_attn.output', 'mlp.input', 'mlp.output'] as const;
export type LayerSite = (typeof ELASTIC_SITES)[number];

/** The matrices that read each of those places, and the norm in front of it, where the model has one there. */
export const LAYER_SITES: Readonly<Record<LayerSite, { readers: readonly string[]; norm: string }>> = {
  'self_attn.input': {
    readers: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
    norm: 'input_layernorm',
  },
  'self_attn.output': { readers: ['self_attn.o_proj'], norm: 'self_attn.attn_sub_norm' },
  'mlp.input': { readers: ['mlp.gate_proj', 'mlp.up_proj'], norm: 'post_attention_layernorm' },
  'mlp.output': { readers: ['mlp.down_proj'], norm: 'mlp.ffn_sub_norm' },
};

function layerNorms(
  options: AblationOptions,
  hidden: number,
  inner: number,
  queries: number,
): [string, number][] {
  // LayerNorm of the first paper has no gain.
  if (options.body === 'bitnet-b1') return [];
  const before: [string, number][] = [
    ['input_layernorm', hidden],
    ['post_attention_layernorm', hidden],
  ];
  switch (options.norm_placement) {
    case 'subln':
      return [...before, ['self_attn.attn_sub_norm', queries], ['mlp.ffn_sub_norm', inner]];
    case 'preln':
      return before;
    case 'bmt':
      return [...before, ['self_attn.output_norm', hidden], ['mlp.output_norm', hidden]];
    case 'none':
      return [];
  }
}

/** Number of learned values: all of them, and those of the quantized matrices alone. */
export function countParameters(config: ModelConfig): { total: number; quantized: number } {
  let total = 0;
  let quantized = 0;
  for (const { shape, quantized: isQuantized } of parameterSpecs(config)) {
    const size = countValues(shape);
    total += size;
    if (isQuantized) quantized += size;
  }
  return { total, quantized };
}

/** Names of the matrices that are quantized. */
export function quantizedNames(config: ModelConfig): Set<string> {
  return new Set(parameterSpecs(config).flatMap(({ name, quantized }) => (quantized ? [name] : [])));
}
