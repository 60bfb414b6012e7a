/**
 * The forward pass of BitLM: h += o(SubLN(attention(norm(h)))), then h += down(SubLN(act(gate(y)) ∘ up(y))) with y = norm(h), layer by
 * layer (BitNet b1.58 2B4T, arXiv 2504.12285, section 2), with what an ablation changes.
 * Legend: B batch, T tokens, C hidden size, I intermediate size, V vocabulary, H query heads, D head size.
 */
import * as tf from '@tensorflow/tfjs';
import type { AblationOptions } from '../ablation-options.js';
import type { ModelConfig } from '../config.js';
import type { OwnQuantizers } from '../quantizers/own-quantizers.js';
import { gelu } from './feed-forward.js';
import { attention, type QueryBlock } from './fused/attention.js';
import { bitLinear, quantizedInput, type BitLinearOptions } from './fused/bitlinear.js';
import { embed } from './fused/embedding.js';
import { feedForward, type DownWatch } from './fused/feed-forward.js';
import { rmsNorm } from './fused/norm.js';
import { layerNorm } from './layer-norm.js';
import type { Norm } from './norm.js';
import type { RotaryTable } from './rope.js';

/** Learned tensors by transformers' names. */
export type ParameterTensors = ReadonlyMap<string, tf.Tensor>;

/**
 * What enters the products of a site, in the place of the activation quantizer: a new tensor made of norm(x) [B·T, C].
 * Sites: those of ELASTIC_SITES with the layer's name in front (`model.layers.0.mlp.input`), and `lm_head.input`.
 */
export type InputRule = (site: string, normed: tf.Tensor) => tf.Tensor;

/** What the positions of a sequence need: rotations, and masks. */
export interface Positions {
  table: RotaryTable;
  blocks: QueryBlock[];
}

/** What one forward pass reads. */
export interface Pass {
  weights: ParameterTensors;
  batch: number;
  tokens: number;
  positions: Positions;
  /** Sees what enters the down projection of every layer, before its norm, [B·T, I]. */
  watch?: DownWatch;
}

/** What the pass is a pass of. */
export interface Network {
  readonly config: ModelConfig;
  readonly options: AblationOptions;
  readonly own: OwnQuantizers;
  /** False: all quantizers are the identity. */
  readonly quantizes: boolean;
  readonly inputRule?: InputRule;
}

/** One pass, of one batch. Call it inside `tf.tidy`. */
export class ForwardPass {
  constructor(
    private readonly network: Network,
    private readonly pass: Pass,
  ) {}

  /** Logits of the next token at every position; ids [B·T] int32 → [B·T, V]. */
  logits(ids: tf.Tensor1D): tf.Tensor2D {
    const { num_hidden_layers: layers, tie_word_embeddings: tied } = this.network.config;
    let hidden = embed(this.matrix('model.embed_tokens'), ids); // (B·T, C)
    for (let layer = 0; layer < layers; layer++) hidden = this.block(hidden, `model.layers.${layer}`);
    const last = this.normed(this.standardized(hidden, 'model.layernorm'), 'model.norm');
    const output = this.matrix(tied ? 'model.embed_tokens' : 'lm_head');
    return linear(last, output, this.ruleAt('lm_head.input')); // (B·T, V)
  }

  /** One transformer layer: attention and feed-forward, each added to the residual stream. hidden [B·T, C] → same. */
  block(hidden: tf.Tensor2D, prefix: string): tf.Tensor2D {
    const middle = tf.add<tf.Tensor2D>(
      hidden,
      this.normed(this.attend(hidden, prefix), `${prefix}.self_attn.output_norm`),
    );
    return tf.add<tf.Tensor2D>(middle, this.normed(this.feed(middle, prefix), `${prefix}.mlp.output_norm`));
  }

  /** What attention adds to the residual stream, [B·T, C]. */
  private attend(hidden: tf.Tensor2D, prefix: string): tf.Tensor2D {
    const { batch, tokens, positions } = this.pass;
    const { config } = this.network;
    const shape = {
      batch,
      tokens,
      heads: config.num_attention_heads,
      keyValueHeads: config.num_key_value_heads,
      headDim: config.head_dim,
    };
    const weight = (name: string): tf.Tensor2D => this.matrix(`${prefix}.self_attn.${name}`);
    const [inputNorm, outputNorm] = [`${prefix}.input_layernorm`, `${prefix}.self_attn.attn_sub_norm`];
    const qkv = bitLinear(
      this.standardized(hidden, inputNorm),
      ['q_proj', 'k_proj', 'v_proj'].map(weight),
      this.around(inputNorm, `${prefix}.self_attn.input`),
    );
    const heads = attention(qkv, shape, positions.table, positions.blocks); // (B·T, H·D)
    return bitLinear(this.standardized(heads, outputNorm), [weight('o_proj')], {
      ...this.around(outputNorm, `${prefix}.self_attn.output`),
      activation_quantizer: this.activationsBefore('output'),
    });
  }

  /** What the feed-forward block adds to the residual stream, [B·T, C]. */
  private feed(middle: tf.Tensor2D, prefix: string): tf.Tensor2D {
    const { hidden_act: activation } = this.network.config;
    const { watch } = this.pass;
    const weight = (name: string): tf.Tensor2D => this.matrix(`${prefix}.mlp.${name}`);
    const [inputNorm, outputNorm] = [`${prefix}.post_attention_layernorm`, `${prefix}.mlp.ffn_sub_norm`];
    const input = this.around(inputNorm, `${prefix}.mlp.input`);
    const output = {
      ...this.around(outputNorm, `${prefix}.mlp.output`),
      activation_quantizer: this.activationsBefore('down'),
    };
    const [up, down] = [weight('up_proj'), weight('down_proj')];
    if (activation !== 'gelu') {
      const block = { gate: weight('gate_proj'), up, down, input, output, watch };
      return feedForward(middle, block, activation);
    }
    const inner = gelu(bitLinear(this.standardized(middle, inputNorm), [up], input)); // (B·T, I)
    const entering = this.standardized(inner, outputNorm);
    watch?.(inner, () => quantizedInput(entering, output));
    return bitLinear(entering, [down], output);
  }

  /** The norm, quantizers and learned step of a site. */
  private around(norm: string, site: string): BitLinearOptions {
    const { options, quantizes, own } = this.network;
    return {
      ...options,
      ...(quantizes ? { own } : { weight_quantizer: 'none' as const, activation_quantizer: 'none' as const }),
      norm: this.norm(norm),
      inputRule: this.ruleAt(site),
      step: this.pass.weights.get(`${site}.step`) as tf.Tensor1D | undefined,
    };
  }

  /** The activation quantizer in front of o_proj or down_proj, which may have one of its own. */
  private activationsBefore(site: 'output' | 'down'): AblationOptions['activation_quantizer'] {
    const { options, quantizes } = this.network;
    if (!quantizes) return 'none';
    return options[`${site}_activation_quantizer`] ?? options.activation_quantizer;
  }

  /** LayerNorm where the body of b1 has one; RMSNorm belongs to the product. */
  private standardized(x: tf.Tensor2D, norm: string): tf.Tensor2D {
    const { options, config } = this.network;
    const { body, norm_placement: placement } = options;
    const isHere = body === 'bitnet-b1' && (placement === 'subln' || norm.endsWith('layernorm'));
    return isHere ? layerNorm(x, config.rms_norm_eps) : x;
  }

  /** RMSNorm where the model has one of that name. */
  private normed(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const norm = this.norm(name);
    return norm ? rmsNorm(x, norm) : x;
  }

  private ruleAt(site: string): BitLinearOptions['inputRule'] {
    const { inputRule } = this.network;
    return inputRule && ((normed) => inputRule(site, normed));
  }

  private norm(name: string): Norm | undefined {
    const gain = this.pass.weights.get(`${name}.weight`) as tf.Tensor1D | undefined;
    return gain && { gain, epsilon: this.network.config.rms_norm_eps };
  }

  private matrix(name: string): tf.Tensor2D {
    return this.pass.weights.get(`${name}.weight`) as tf.Tensor2D;
  }
}

/** y = x·Wᵀ with its gradient, for the output matrix, which is never quantized. x [N, C], weight [O, C] → [N, O]. */
function linear(x: tf.Tensor2D, weight: tf.Tensor2D, inputRule: BitLinearOptions['inputRule']): tf.Tensor2D {
  return bitLinear(x, [weight], {
    inputRule,
    weight_quantizer: 'none',
    activation_quantizer: 'none',
    straight_through: 'identity',
  });
}
