/** Names of tensors: ggml's in a GGUF file, transformers' everywhere else. */

const OUTSIDE_LAYERS: readonly (readonly [ggml: string, transformers: string])[] = [
  ['token_embd.weight', 'model.embed_tokens.weight'],
  ['output_norm.weight', 'model.norm.weight'],
  ['output.weight', 'lm_head.weight'],
];

/** The part between the layer's number and `.weight`. */
const INSIDE_LAYER: readonly (readonly [ggml: string, transformers: string])[] = [
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_sub_norm', 'self_attn.attn_sub_norm'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_norm', 'post_attention_layernorm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_sub_norm', 'mlp.ffn_sub_norm'],
  ['ffn_down', 'mlp.down_proj'],
];

const RE_GGML_LAYER = /^blk\.(0|[1-9]\d{0,8})\.(.+)\.weight$/;
const RE_TRANSFORMERS_LAYER = /^model\.layers\.(0|[1-9]\d{0,8})\.(.+)\.weight$/;

const toTransformers = new Map(INSIDE_LAYER);
const toGgml = new Map(INSIDE_LAYER.map(([ggml, transformers]) => [transformers, ggml]));
const outsideToTransformers = new Map(OUTSIDE_LAYERS);
const outsideToGgml = new Map(OUTSIDE_LAYERS.map(([ggml, transformers]) => [transformers, ggml]));

/** transformers' name of a tensor that a GGUF file names; undefined if no BitNet model has such a tensor. */
export function transformersName(ggml: string): string | undefined {
  const [, layer, part] = RE_GGML_LAYER.exec(ggml) ?? [];
  if (part === undefined) return outsideToTransformers.get(ggml);
  const known = toTransformers.get(part);
  return known === undefined ? undefined : `model.layers.${layer}.${known}.weight`;
}

/** ggml's name of a tensor that transformers names; undefined if ggml has none for it. */
export function ggmlName(transformers: string): string | undefined {
  const [, layer, part] = RE_TRANSFORMERS_LAYER.exec(transformers) ?? [];
  if (part === undefined) return outsideToGgml.get(transformers);
  const known = toGgml.get(part);
  return known === undefined ? undefined : `blk.${layer}.${known}.weight`;
}
