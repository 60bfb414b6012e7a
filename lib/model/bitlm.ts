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
import {
  ForwardPass,
  type InputRule,
  type Network,
  type ParameterTensors,
  type Positions,
} from './forward-pass.js';
import { queryBlocks } from './fused/attention.js';
import { crossEntropy } from './fused/cross-entropy.js';
import type { DownWatch } from './fused/feed-forward.js';
import { initialValues } from './initial-values.js';
import { parameterSpecs, type ParameterSpec } from '../parameters.js';
import { checkOwnQuantizers, type OwnQuantizers } from '../quantizers/own-quantizers.js';
import { rotaryTable } from './rope.js';
import { countValues } from '../shape.js';

/** The model: its tensors by transformers' names, and what is computed from them. */
export class BitLM implements Network {
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
    const pass = { weights, batch, tokens, positions: this.positionsFor(tokens), watch };
    return tf.tidy(() => new ForwardPass(this, pass).logits(ids));
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
    const pass = { weights: this.parameters, batch, tokens, positions: this.positionsFor(tokens) };
    return tf.tidy(() => new ForwardPass(this, pass).block(hidden, `model.layers.${index}`));
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
