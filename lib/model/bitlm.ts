/**
 * BitLM: a trainable transformer of the architecture of BitNet b1.58 2B4T, as transformers' BitNetForCausalLM defines
 * it (arXiv 2504.12285, section 2). Ablations and full precision are options of this class, never another class.
 * Legend: B batch, T tokens, C hidden size, I intermediate size, V vocabulary, H query heads, K key heads, D head size.
 */
import * as tf from '@tensorflow/tfjs';
import type { ModelTensor } from '../checkpoint/model-folder.js';
import type { AblationOptions } from '../ablation-options.js';
import { ablationOptions, checkModelConfig, type ModelConfig } from '../config.js';
import { crossEntropyPerPosition } from './cross-entropy.js';
import { attention, queryBlocks, type QueryBlock } from './fused/attention.js';
import { bitLinear, quantizedInput, type BitLinearOptions } from './fused/bitlinear.js';
import { crossEntropy } from './fused/cross-entropy.js';
import { embed } from './fused/embedding.js';
import { gelu } from './feed-forward.js';
import { feedForward, type DownWatch } from './fused/feed-forward.js';
import { rmsNorm } from './fused/norm.js';
import { initialValues } from './initial-values.js';
import { layerNorm } from './layer-norm.js';
import type { Norm } from './norm.js';
import { parameterSpecs, type ParameterSpec } from '../parameters.js';
import { checkOwnQuantizers, type OwnQuantizers } from '../quantizers/own-quantizer.js';
import { rotaryTable, type RotaryTable } from './rope.js';
import { countValues } from '../shape.js';

/** Learned tensors by transformers' names. */
export type ParameterTensors = ReadonlyMap<string, tf.Tensor>;

/**
 * What enters the products of a site, in the place of the activation quantizer: a new tensor made of norm(x) [B·T, C].
 * Sites: those of ELASTIC_SITES with the layer's name in front (`model.layers.0.mlp.input`), and `lm_head.input`.
 */
export type InputRule = (site: string, normed: tf.Tensor) => tf.Tensor;

interface Positions {
  table: RotaryTable;
  blocks: QueryBlock[];
}

/** What one forward pass reads. */
interface Pass {
  weights: ParameterTensors;
  batch: number;
  tokens: number;
  positions: Positions;
  /** Sees what enters the down projection of every layer, before its norm, [B·T, I]. */
  watch?: DownWatch;
}

/** The model: its tensors by transformers' names, and what is computed from them. */
export class BitLM {
  readonly config: ModelConfig;
  readonly options: AblationOptions;
  private readonly latent: ReadonlyMap<string, tf.Variable>;
  /** Runs before the latent weights are read: while a graph trains them, it brings the newest ones here. */
  beforeReading?: () => void;
  /** For evaluations of a trained model; training leaves it unset. */
  inputRule?: InputRule;
  /** False while a run trains in full precision before it quantizes: all quantizers are then the identity. */
  quantizes = true;
  /** Rotations and masks for each length of sequence seen so far. */
  private readonly positions = new Map<number, Positions>();

  /**
   * A model with fresh weights, or with given ones.
   * @param start `seed` draws the weights; `values` gives them by name, row-major
   * @param own the reader's own quantizers: those that the config names
   * @throws ConfigError or Error when sizes do not fit together or a tensor is missing
   */
  constructor(
    config: ModelConfig,
    start: { seed: number } | { values: ReadonlyMap<string, Float32Array> },
    readonly own: OwnQuantizers = {},
  ) {
    checkModelConfig(config);
    this.config = config;
    this.options = ablationOptions(config);
    checkOwnQuantizers(this.options, own);
    const specs = parameterSpecs(config);
    if ('values' in start) checkValues(specs, start.values);
    this.latent = new Map(
      specs.map((spec) => {
        const values =
          'seed' in start ? initialValues(spec, config, start.seed) : start.values.get(spec.name)!;
        return [spec.name, tf.tidy(() => tf.variable(tf.tensor(values, spec.shape, 'float32')))];
      }),
    );
  }

  /** The latent weights, by transformers' names. They stay in full precision; the forward pass quantizes them. */
  get parameters(): ReadonlyMap<string, tf.Variable> {
    this.beforeReading?.();
    return this.latent;
  }

  /** The latent weights as plain values, in a fixed order. */
  tensors(): ModelTensor[] {
    return Array.from(this.parameters, ([name, parameter]) => ({
      name,
      shape: parameter.shape,
      data: parameter.dataSync<'float32'>().slice(),
    }));
  }

  /**
   * Puts other latent weights in the place of these.
   * @param values by name, row-major
   * @throws Error when a tensor is missing or has another size; the model is then as before
   */
  setWeights(values: ReadonlyMap<string, Float32Array>): void {
    checkValues(parameterSpecs(this.config), values);
    tf.tidy(() => {
      for (const [name, parameter] of this.parameters)
        parameter.assign(tf.tensor(values.get(name)!, parameter.shape));
    });
  }

  /** Gives own quantizers the seed and step that their random numbers follow from. */
  drawFrom(seed: number, step: number): void {
    this.own.weights?.at(seed, step);
    this.own.activations?.at(seed, step);
  }

  /**
   * Logits of the next token at every position.
   * @param ids [B·T] int32, sequence after sequence
   * @param batch number of sequences B
   * @param weights the learned tensors; the model's own by default
   * @param watch sees what enters the down projection of every layer, [B·T, I]
   * @returns [B·T, V]
   */
  logits(
    ids: tf.Tensor1D,
    batch: number,
    weights: ParameterTensors = this.parameters,
    watch?: DownWatch,
  ): tf.Tensor2D {
    const tokens = ids.size / batch;
    if (!Number.isInteger(tokens) || tokens < 1) {
      throw new Error(`BitLM.logits: ids must hold ${batch} sequences of equal length, got ${ids.size} ids.`);
    }
    if (tokens > this.config.max_position_embeddings) {
      throw new Error(
        `BitLM.logits: a sequence must have at most ${this.config.max_position_embeddings} tokens ` +
          `(max_position_embeddings), got ${tokens}.`,
      );
    }
    const pass: Pass = { weights, batch, tokens, positions: this.positionsFor(tokens), watch };
    return tf.tidy(() => {
      const get = (name: string): tf.Tensor2D => weights.get(name) as tf.Tensor2D;
      let hidden = embed(get('model.embed_tokens.weight'), ids); // (B·T, C)
      for (let layer = 0; layer < this.config.num_hidden_layers; layer++) {
        hidden = this.block(hidden, `model.layers.${layer}`, pass);
      }
      const last = this.normed(this.standardized(hidden, 'model.layernorm'), 'model.norm', pass);
      const output = get(this.config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
      return linear(last, output, this.ruleAt('lm_head.input')); // (B·T, V)
    });
  }

  /**
   * One layer alone: attention and feed-forward, each added to the residual stream.
   * @param hidden [B·T, C], sequence after sequence
   * @returns [B·T, C]
   */
  layer(index: number, hidden: tf.Tensor2D, batch: number): tf.Tensor2D {
    const tokens = hidden.shape[0] / batch;
    const { num_hidden_layers: layers } = this.config;
    if (!Number.isInteger(index) || index < 0 || index >= layers || !Number.isInteger(tokens)) {
      throw new Error(
        `BitLM.layer: the layer must lie from 0 to ${layers - 1} and rows be ${batch} sequences of equal length, ` +
          `got layer ${index} and ${hidden.shape[0]} rows.`,
      );
    }
    const pass: Pass = { weights: this.parameters, batch, tokens, positions: this.positionsFor(tokens) };
    return tf.tidy(() => this.block(hidden, `model.layers.${index}`, pass));
  }

  /** Mean cross-entropy in nats over all positions. ids and targets: [B·T] int32. */
  loss(ids: tf.Tensor1D, targets: tf.Tensor1D, batch: number, weights?: ParameterTensors): tf.Scalar {
    return tf.tidy(() => crossEntropy(this.logits(ids, batch, weights), targets));
  }

  /** Cross-entropy in nats of each position, [B·T]. */
  lossPerPosition(ids: tf.Tensor1D, targets: tf.Tensor1D, batch: number): tf.Tensor1D {
    return tf.tidy(() => crossEntropyPerPosition(this.logits(ids, batch), targets));
  }

  /** True once the model was freed. */
  get isDisposed(): boolean {
    return [...this.latent.values()].some((parameter) => parameter.isDisposed);
  }

  /** Frees every tensor of the model. */
  dispose(): void {
    for (const parameter of this.latent.values()) parameter.dispose();
    for (const kept of this.positions.values()) tf.dispose(tensorsOf(kept));
    this.positions.clear();
  }

  /** One transformer layer: attention and feed-forward, each added to the residual stream. hidden [B·T, C] → same. */
  private block(hidden: tf.Tensor2D, prefix: string, pass: Pass): tf.Tensor2D {
    const middle = tf.add<tf.Tensor2D>(
      hidden,
      this.normed(this.attend(hidden, prefix, pass), `${prefix}.self_attn.output_norm`, pass),
    );
    return tf.add<tf.Tensor2D>(
      middle,
      this.normed(this.feed(middle, prefix, pass), `${prefix}.mlp.output_norm`, pass),
    );
  }

  /** What attention adds to the residual stream, [B·T, C]. */
  private attend(hidden: tf.Tensor2D, prefix: string, pass: Pass): tf.Tensor2D {
    const { config } = this;
    const { table, blocks } = pass.positions;
    const shape = {
      batch: pass.batch,
      tokens: pass.tokens,
      heads: config.num_attention_heads,
      keyValueHeads: config.num_key_value_heads,
      headDim: config.head_dim,
    };
    const weight = (name: string): tf.Tensor2D => matrixOf(pass, `${prefix}.self_attn.${name}`);
    const [inputNorm, outputNorm] = [`${prefix}.input_layernorm`, `${prefix}.self_attn.attn_sub_norm`];
    const qkv = bitLinear(
      this.standardized(hidden, inputNorm),
      ['q_proj', 'k_proj', 'v_proj'].map(weight),
      this.around(inputNorm, `${prefix}.self_attn.input`, pass),
    );
    const heads = attention(qkv, shape, table, blocks); // (B·T, H·D)
    return bitLinear(this.standardized(heads, outputNorm), [weight('o_proj')], {
      ...this.around(outputNorm, `${prefix}.self_attn.output`, pass),
      activation_quantizer: this.activationsBefore('output'),
    });
  }

  /** What the feed-forward block adds to the residual stream, [B·T, C]. */
  private feed(middle: tf.Tensor2D, prefix: string, pass: Pass): tf.Tensor2D {
    const { config } = this;
    const weight = (name: string): tf.Tensor2D => matrixOf(pass, `${prefix}.mlp.${name}`);
    const [inputNorm, outputNorm] = [`${prefix}.post_attention_layernorm`, `${prefix}.mlp.ffn_sub_norm`];
    const input = this.around(inputNorm, `${prefix}.mlp.input`, pass);
    const output = {
      ...this.around(outputNorm, `${prefix}.mlp.output`, pass),
      activation_quantizer: this.activationsBefore('down'),
    };
    const [up, down] = [weight('up_proj'), weight('down_proj')];
    if (config.hidden_act !== 'gelu') {
      const block = { gate: weight('gate_proj'), up, down, input, output, watch: pass.watch };
      return feedForward(middle, block, config.hidden_act);
    }
    const inner = gelu(bitLinear(this.standardized(middle, inputNorm), [up], input)); // (B·T, I)
    const entering = this.standardized(inner, outputNorm);
    pass.watch?.(inner, () => quantizedInput(entering, output));
    return bitLinear(entering, [down], output);
  }

  /** The norm, quantizers and learned step of a site. */
  private around(norm: string, site: string, { weights }: Pass): BitLinearOptions {
    return {
      ...this.options,
      ...(this.quantizes
        ? { own: this.own }
        : { weight_quantizer: 'none' as const, activation_quantizer: 'none' as const }),
      norm: this.norm(norm, weights),
      inputRule: this.ruleAt(site),
      step: weights.get(`${site}.step`) as tf.Tensor1D | undefined,
    };
  }

  /** The activation quantizer in front of o_proj or down_proj, which may have one of its own. */
  private activationsBefore(site: 'output' | 'down'): AblationOptions['activation_quantizer'] {
    const { options } = this;
    if (!this.quantizes) return 'none';
    return options[`${site}_activation_quantizer`] ?? options.activation_quantizer;
  }

  /** LayerNorm where the body of b1 has one; RMSNorm belongs to the product. */
  private standardized(x: tf.Tensor2D, norm: string): tf.Tensor2D {
    const { body, norm_placement: placement } = this.options;
    const isHere = body === 'bitnet-b1' && (placement === 'subln' || norm.endsWith('layernorm'));
    return isHere ? layerNorm(x, this.config.rms_norm_eps) : x;
  }

  /** RMSNorm where the model has one of that name. */
  private normed(x: tf.Tensor2D, name: string, { weights }: Pass): tf.Tensor2D {
    const norm = this.norm(name, weights);
    return norm ? rmsNorm(x, norm) : x;
  }

  private ruleAt(site: string): BitLinearOptions['inputRule'] {
    const { inputRule } = this;
    return inputRule && ((normed) => inputRule(site, normed));
  }

  private norm(name: string, weights: ParameterTensors): Norm | undefined {
    const gain = weights.get(`${name}.weight`) as tf.Tensor1D | undefined;
    return gain && { gain, epsilon: this.config.rms_norm_eps };
  }

  private positionsFor(tokens: number): Positions {
    let found = this.positions.get(tokens);
    if (!found) {
      const {
        head_dim: headDim,
        rope_theta: theta,
        num_attention_heads: heads,
        num_key_value_heads: keys,
      } = this.config;
      // Kept: they outlive the step that asks for them first.
      const table = rotaryTable(tokens, headDim, theta, { length: headDim ** -0.25 });
      const blocks = queryBlocks(tokens, heads / keys);
      found = { table, blocks };
      for (const tensor of tensorsOf(found)) tf.keep(tensor);
      this.positions.set(tokens, found);
    }
    return found;
  }
}

function matrixOf({ weights }: Pass, name: string): tf.Tensor2D {
  return weights.get(`${name}.weight`) as tf.Tensor2D;
}

function tensorsOf({ table, blocks }: Positions): tf.Tensor[] {
  return [table.cosine, table.signedSine, ...blocks.map((block) => block.mask)];
}

function checkValues(specs: readonly ParameterSpec[], values: ReadonlyMap<string, Float32Array>): void {
  for (const { name, shape } of specs) {
    const size = countValues(shape);
    const found = values.get(name)?.length;
    if (found !== size) {
      throw new Error(
        `BitLM: ${name} must hold ${size} values [${shape.join(', ')}], got ${found ?? 'none'}.`,
      );
    }
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
