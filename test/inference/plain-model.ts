/**
 * BitNetForCausalLM in double precision, written from the papers' formulas alone: an oracle for shapes that the golden
 * files do not have. Shapes: T tokens, D hidden, V vocabulary.
 */
import { ablationOptions, type ModelConfig } from '../../lib/config.js';
import type { ModelTensor } from '../../lib/checkpoint/model-folder.js';
import { quantizeActivations } from '../../lib/quantizers/activations.js';
import { quantizeWeights } from '../../lib/quantizers/weights.js';

type Row = number[];

function roundedRow(row: Row): Float32Array {
  return Float32Array.from(row);
}

/** Logits `[T × V]` of ids. */
export function plainLogits(
  config: ModelConfig,
  tensors: readonly ModelTensor[],
  ids: readonly number[],
): number[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const data = (name: string): Float32Array => byName.get(`${name}.weight`)!.data;
  const { hidden_size: hidden, rms_norm_eps: epsilon, head_dim: dim } = config;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const { weight_quantizer: quantizer, norm_placement: placement } = ablationOptions(config);

  const norm = (name: string, row: Row): Row => {
    if (!byName.has(`${name}.weight`)) return row;
    const gain = data(name);
    const mean = row.reduce((sum, x) => sum + x * x, 0) / row.length;
    return row.map((x, i) => (x / Math.sqrt(mean + epsilon)) * gain[i]);
  };
  const multiply = (weights: ArrayLike<number>, row: ArrayLike<number>): Row =>
    Array.from({ length: weights.length / row.length }, (_, out) => {
      let sum = 0;
      for (let i = 0; i < row.length; i++) sum += weights[out * row.length + i] * row[i];
      return sum;
    });
  const linear = (name: string, row: Row): Row => {
    const weights = data(name);
    if (quantizer === 'none') return multiply(weights, row);
    const { values, scale } = quantizeWeights('absmean-ternary', weights);
    const x = roundedRow(row);
    const quantized = quantizeActivations('absmax-int8-token', x, x.length);
    return multiply(values, quantized.values).map((sum) => (sum * scale) / quantized.scales[0]);
  };
  const rotate = (row: Row, position: number): Row =>
    row.map((x, i) => {
      const at = i % dim;
      const pair = at % (dim / 2);
      const angle = position * config.rope_theta ** ((-2 * pair) / dim);
      const other = at < dim / 2 ? -row[i + dim / 2] : row[i - dim / 2];
      return x * Math.cos(angle) + other * Math.sin(angle);
    });

  const embedding = data('model.embed_tokens');
  let stream = ids.map((id) => [...embedding.subarray(id * hidden, (id + 1) * hidden)]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const inputs = stream.map((row) => norm(`${prefix}.input_layernorm`, row));
    const queries = inputs.map((row, p) => rotate(linear(`${prefix}.self_attn.q_proj`, row), p));
    const keys = inputs.map((row, p) => rotate(linear(`${prefix}.self_attn.k_proj`, row), p));
    const values = inputs.map((row) => linear(`${prefix}.self_attn.v_proj`, row));
    stream = stream.map((row, p) => {
      const attended = Array.from({ length: heads }, (_, head) => {
        const kvHead = Math.floor(head / (heads / kvHeads));
        const part = (from: Row, h: number): Row => from.slice(h * dim, (h + 1) * dim);
        const weights = keys.slice(0, p + 1).map((key) => {
          const score = part(queries[p], head).reduce((sum, q, i) => sum + q * part(key, kvHead)[i], 0);
          return Math.exp(score / Math.sqrt(dim));
        });
        const total = weights.reduce((a, b) => a + b, 0);
        return Array.from({ length: dim }, (_, i) =>
          weights.reduce((sum, weight, k) => sum + (weight / total) * values[k][kvHead * dim + i], 0),
        );
      }).flat();
      const output = linear(
        `${prefix}.self_attn.o_proj`,
        norm(`${prefix}.self_attn.attn_sub_norm`, attended),
      );
      return row.map((x, i) => x + output[i]);
    });
    stream = stream.map((row) => {
      const input = norm(`${prefix}.post_attention_layernorm`, row);
      const up = linear(`${prefix}.mlp.up_proj`, input);
      const gated = linear(`${prefix}.mlp.gate_proj`, input).map((g, i) =>
        config.hidden_act === 'relu2' ? Math.max(g, 0) ** 2 * up[i] : (g / (1 + Math.exp(-g))) * up[i],
      );
      const output = linear(`${prefix}.mlp.down_proj`, norm(`${prefix}.mlp.ffn_sub_norm`, gated));
      return row.map((x, i) => x + output[i]);
    });
  }
  if (placement === 'bmt') throw new Error('The plain model has no norm on the outputs of blocks.');
  const head = config.tie_word_embeddings ? embedding : data('lm_head');
  return stream.flatMap((row) => multiply(head, norm('model.norm', row)));
}
