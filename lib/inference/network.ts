/**
 * The forward pass of BitNetForCausalLM on the kernel: tokens in, residual stream out. Layer by layer:
 * h += o(SubLN(attention(norm(h)))), then h += down(SubLN(act(gate(y)) · up(y))) with y = norm(h)
 * (arXiv 2504.12285, section 2). Every number lies in the model's memory; nothing is allocated for a token.
 *
 * Shapes: B tokens of this batch, D hidden, Q heads · head_dim, K kv heads · head_dim, I intermediate.
 */
import {
  FORMAT_F32,
  FORMAT_TERNARY,
  GATE_COLUMNS,
  GATE_RELU2,
  GATE_SILU,
  RESULT_ADD,
  RESULT_INTEGERS,
  RESULT_STORE,
  SCORE_POSITIONS,
  VALUE_DIMENSIONS,
} from '../kernel/layout.js';
import type { Team } from '../kernel/team.js';
import { LAYER_SITES } from '../parameters.js';
import { productBlocks, type LayerMemory, type ModelMemory, type Product } from './model-memory.js';
import { floatBits } from './weight-pieces.js';

/** Bytes of weights, and multiplications, that are worth another thread: some microseconds. */
const SHARED_WEIGHT_BYTES = 32_768;
const SHARED_PRODUCTS = 32_768;

const QKV_SITES = LAYER_SITES['self_attn.input'].readers;
const GATE_UP_SITES = LAYER_SITES['mlp.input'].readers;

/** A vector of 4-byte numbers for each token, in memory: `[tokens][stride]`, of which `columns` count. */
export interface Vectors {
  address: number;
  stride: number;
  columns: number;
}

/** Sees values on their way through the network; see trace.ts. */
export interface Observer {
  floats(site: string, vectors: Vectors): void;
  /** Quantized vectors of `columns` columns. */
  quantized(site: string, address: number, columns: number): void;
  integers(site: string, vectors: Vectors): void;
}

/** Where the results of a product go, and whether they are stored, added, or stored as integers. */
interface Target {
  out: number;
  outStride: number;
  mode: number;
}

/** The layers of one model, on a team of threads. */
export class Network {
  readonly #team: Team;
  readonly #memory: ModelMemory;
  readonly #epsilon: number;
  readonly #activation: number;

  constructor(team: Team, memory: ModelMemory) {
    this.#team = team;
    this.#memory = memory;
    this.#epsilon = floatBits(memory.config.rms_norm_eps);
    this.#activation = memory.config.hidden_act === 'relu2' ? GATE_RELU2 : GATE_SILU;
  }

  /** Rows of the embedding matrix for the ids at `memory.ids` into the residual stream. */
  embed(tokens: number): void {
    const { embeddingRecord: matrix, config, ids, residual: out, hiddenWidth: outStride } = this.#memory;
    const columns = config.hidden_size;
    this.#team.run('embed', { items: tokens, smallest: 8 }, { matrix, columns, ids, out, outStride });
  }

  /** One layer on the residual stream of `tokens` tokens, the first of which stands at `position`. */
  layer(index: number, tokens: number, position: number, observer?: Observer): void {
    this.#attentionBlock(this.#memory.layers[index], tokens, position, observer);
    this.#feedForwardBlock(this.#memory.layers[index], tokens, observer);
    observer?.floats('output', this.#residual);
  }

  #attentionBlock(layer: LayerMemory, tokens: number, position: number, observer?: Observer): void {
    const m = this.#memory;
    const { gains, queryKeyValue, output } = layer;
    const attended = { address: m.attended, stride: m.attendedWidth, columns: output.columns }; // (B, Q)
    const target = { out: m.queryKeyValue, outStride: m.qkvWidth, mode: RESULT_STORE };

    const input = this.#normalize(this.#residual, gains.input, tokens);
    observer?.floats('input_layernorm', input); // (B, D)
    this.#multiply(queryKeyValue, input, tokens, target); // (B, Q + 2K)
    if (observer) this.#show(observer, queryKeyValue, QKV_SITES, input, tokens, target);
    this.#attend(layer, tokens, position);
    observer?.floats('self_attn.attended', attended);

    const mixed = this.#normalize(attended, gains.attention, tokens);
    observer?.floats('self_attn.attn_sub_norm', mixed);
    if (observer) this.#showAdded(observer, output, 'self_attn.o_proj', mixed, tokens);
    this.#addToResidual(output, mixed, tokens); // (B, D)
  }

  #feedForwardBlock({ gains, gateUp, down }: LayerMemory, tokens: number, observer?: Observer): void {
    const m = this.#memory;
    const columns = m.config.intermediate_size;
    const gated = { address: m.gateUp, stride: m.gateUpWidth, columns }; // (B, I)
    const target = { out: m.gateUp, outStride: m.gateUpWidth, mode: RESULT_STORE };

    const input = this.#normalize(this.#residual, gains.postAttention, tokens);
    observer?.floats('post_attention_layernorm', input);
    this.#multiply(gateUp, input, tokens, target); // (B, 2I)
    if (observer) this.#show(observer, gateUp, GATE_UP_SITES, input, tokens, target);
    this.#team.run(
      'gate',
      { items: tokens * Math.ceil(columns / GATE_COLUMNS), smallest: 16 },
      {
        gateUp: m.gateUp,
        stride: m.gateUpWidth,
        upOffset: gateUp.outOffsets[1],
        columns,
        activation: this.#activation,
      },
    );
    observer?.floats('mlp.gated', gated);

    const inner = this.#normalize(gated, gains.feedForward, tokens);
    observer?.floats('mlp.ffn_sub_norm', inner);
    if (observer) this.#showAdded(observer, down, 'mlp.down_proj', inner, tokens);
    this.#addToResidual(down, inner, tokens); // (B, D)
  }

  /** The norm before the head, of the tokens from `first` on, into `target` `[tokens][hiddenWidth]`. */
  finalNorm(first: number, tokens: number, target: number): void {
    const { hiddenWidth, finalGain } = this.#memory;
    const { address, stride, columns } = this.#residual;
    const from = { address: address + 4 * first * stride, stride, columns };
    this.#norm(from, finalGain, tokens, { out: target, outStride: hiddenWidth });
  }

  /** `[tokens][hiddenWidth]` */
  get #residual(): Vectors {
    const { residual, hiddenWidth, config } = this.#memory;
    return { address: residual, stride: hiddenWidth, columns: config.hidden_size };
  }

  /** RMSNorm into `memory.normed`, or the input itself where the model has no norm. */
  #normalize(x: Vectors, gain: number, tokens: number): Vectors {
    const { normed, inputWidth } = this.#memory;
    if (gain === 0) return x;
    this.#norm(x, gain, tokens, { out: normed, outStride: inputWidth });
    return { address: normed, stride: inputWidth, columns: x.columns };
  }

  #norm(x: Vectors, gain: number, tokens: number, target: Omit<Target, 'mode'>): void {
    const { address, stride, columns } = x;
    const share = { items: tokens, smallest: 1 };
    const epsilon = this.#epsilon;
    this.#team.run('rmsNorm', share, { x: address, stride, columns, gain, epsilon, ...target });
  }

  #addToResidual(product: Product, input: Vectors, tokens: number): void {
    const { residual, hiddenWidth } = this.#memory;
    this.#multiply(product, input, tokens, { out: residual, outStride: hiddenWidth, mode: RESULT_ADD });
  }

  /** A product of an input: quantized first, or paired for 16-bit weights. */
  #multiply(product: Product, input: Vectors, tokens: number, target: Target): void {
    if (product.format === FORMAT_TERNARY) this.#multiplyTernary(product, input, tokens, target);
    else this.#multiplyFloats(product, input, tokens, target);
  }

  #multiplyTernary(product: Product, input: Vectors, tokens: number, target: Target): void {
    const { quantized } = this.#memory;
    const { records, matrices, groups, columns } = product;
    const blocks = productBlocks(product);
    this.#team.run(
      'quantize',
      { items: tokens, smallest: 1 },
      { x: input.address, stride: input.stride, columns, quantized, blocks },
    );
    this.#team.run(
      'ternaryProduct',
      { items: groups, smallest: Math.ceil(SHARED_WEIGHT_BYTES / (blocks * 64 * tokens)) },
      { matrices: records, count: matrices.length, blocks, quantized, tokens, ...target },
    );
  }

  #multiplyFloats(product: Product, input: Vectors, tokens: number, target: Target): void {
    const { paired, inputWidth } = this.#memory;
    const { records, matrices, groups, columns, format } = product;
    let { address: x, stride } = input;
    if (format !== FORMAT_F32) {
      this.#team.run(
        'pairColumns',
        { items: tokens, smallest: 1 },
        { x, stride, columns: Math.ceil(columns / 8) * 8, out: paired, outStride: inputWidth },
      );
      x = paired;
      stride = inputWidth;
    }
    this.#team.run(
      'floatProduct',
      { items: groups, smallest: Math.ceil(SHARED_WEIGHT_BYTES / (columns * 8 * tokens)) },
      { matrices: records, count: matrices.length, columns, x, stride, tokens, ...target },
    );
  }

  /** Rotates, fills the cache and attends: (B, Q + 2K) to (B, Q). */
  #attend({ keys, values, queryKeyValue }: LayerMemory, tokens: number, position: number): void {
    const m = this.#memory;
    const { num_attention_heads: heads, num_key_value_heads: kvHeads } = m.config;
    const { attentionShape: shape, queries } = m;
    const [, keyOffset, valueOffset] = queryKeyValue.outOffsets;
    this.#team.run(
      'rotateAndCache',
      { items: tokens * (heads + 2 * kvHeads), smallest: 64 },
      {
        shape,
        qkv: m.queryKeyValue,
        stride: m.qkvWidth,
        keyOffset,
        valueOffset,
        position,
        queries,
        keys,
        values,
      },
    );
    if (tokens === 1) return this.#attendWithOne(keys, values, position + 1);
    const products = (position + tokens) * (heads / kvHeads) * m.headStride;
    this.#team.run(
      'attention',
      { items: tokens * kvHeads, smallest: Math.ceil(SHARED_PRODUCTS / products) },
      { shape, queries, keys, values, position, out: m.attended, outStride: m.attendedWidth },
    );
  }

  /** Attention of one token to `length` positions: its scores, too, are shared among threads. */
  #attendWithOne(keys: number, values: number, length: number): void {
    const m = this.#memory;
    const { num_attention_heads: heads, num_key_value_heads: kvHeads } = m.config;
    const { attentionShape: shape, queries, scores } = m;
    const group = heads / kvHeads;
    const share = (items: number, products: number): { items: number; smallest: number } => ({
      items,
      smallest: Math.ceil(SHARED_PRODUCTS / products),
    });
    const parts = Math.ceil(length / SCORE_POSITIONS);
    const perPart = Math.min(SCORE_POSITIONS, length) * group * m.headStride;
    this.#team.run('attentionScores', share(kvHeads * parts, perPart), {
      shape,
      queries,
      keys,
      length,
      scores,
    });
    this.#team.run('attentionSoftmax', share(heads, 16 * length), { shape, length, scores });
    this.#team.run(
      'attentionValues',
      share(kvHeads * (m.headStride / VALUE_DIMENSIONS), length * group * VALUE_DIMENSIONS),
      { shape, values, length, scores, out: m.attended },
    );
  }

  /** Shows the results of a product, which are at `target`, and for ternary matrices the integers behind them. */
  #show(
    observer: Observer,
    product: Product,
    sites: readonly string[],
    input: Vectors,
    tokens: number,
    target: Target,
  ): void {
    const results = product.matrices.map(({ rows }, i): Vectors => ({
      address: target.out + 4 * product.outOffsets[i],
      stride: target.outStride,
      columns: rows,
    }));
    for (const [i, vectors] of results.entries()) observer.floats(sites[i], vectors);
    if (product.format !== FORMAT_TERNARY) return;
    // Computed once more for the observer: the product itself scales its integers at once.
    this.#multiply(product, input, tokens, { ...target, mode: RESULT_INTEGERS });
    for (const [i, vectors] of results.entries()) {
      observer.quantized(sites[i], this.#memory.quantized, product.columns);
      observer.integers(sites[i], vectors);
    }
    this.#multiply(product, input, tokens, target);
  }

  /** Shows a product whose results are added to the residual stream. */
  #showAdded(observer: Observer, product: Product, site: string, input: Vectors, tokens: number): void {
    // Queries, keys and values are in the cache by now, and their place is wide enough.
    const { queryKeyValue, qkvWidth } = this.#memory;
    const target = { out: queryKeyValue, outStride: qkvWidth, mode: RESULT_STORE };
    this.#multiply(product, input, tokens, target);
    this.#show(observer, product, [site], input, tokens, target);
  }
}
