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
import { Op } from '../kernel/operations.js';
import type { Team } from '../kernel/team.js';
import { productBlocks, type LayerMemory, type ModelMemory, type Product } from './model-memory.js';
import { floatBits } from './weight-pieces.js';

/** Bytes of weights, and multiplications, that are worth another thread's while: some microseconds. */
const SHARED_WEIGHT_BYTES = 32_768;
const SHARED_PRODUCTS = 32_768;

const QKV_SITES = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'];
const GATE_UP_SITES = ['mlp.gate_proj', 'mlp.up_proj'];

/** Is shown values on their way through the network; see trace.ts. */
export interface Observer {
  /** `[tokens][stride]` floats, of which `columns` count. */
  floats(site: string, address: number, stride: number, columns: number): void;
  /** Quantized vectors of `columns` columns. */
  quantized(site: string, address: number, columns: number): void;
  /** `[tokens][stride]` integers. */
  integers(site: string, address: number, stride: number, columns: number): void;
}

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
    const { embeddingRecord, config, ids, residual, hiddenWidth } = this.#memory;
    this.#team.run(Op.embed, tokens, 8, embeddingRecord, config.hidden_size, ids, residual, hiddenWidth);
  }

  /** One layer on the residual stream of `tokens` tokens, the first of which stands at `position`. */
  layer(index: number, tokens: number, position: number, observer?: Observer): void {
    const m = this.#memory;
    const layer = m.layers[index];
    const { hidden_size: hidden, intermediate_size: inner } = m.config;
    const queries = layer.output.columns;
    const { gains } = layer;

    let input = this.#normalize(m.residual, m.hiddenWidth, hidden, gains.input, tokens);
    observer?.floats('input_layernorm', input, this.#stride(input), hidden); // (B, D)
    this.#multiply(layer.queryKeyValue, input, tokens, m.queryKeyValue, m.qkvWidth, RESULT_STORE); // (B, Q + 2K)
    if (observer)
      this.#show(observer, layer.queryKeyValue, QKV_SITES, tokens, m.queryKeyValue, m.qkvWidth, input);
    this.#attend(layer, tokens, position);
    observer?.floats('self_attn.attended', m.attended, m.attendedWidth, queries); // (B, Q)

    input = this.#normalize(m.attended, m.attendedWidth, queries, gains.attention, tokens);
    observer?.floats('self_attn.attn_sub_norm', input, this.#stride(input), queries);
    if (observer) this.#showAdded(observer, layer.output, 'self_attn.o_proj', input, tokens);
    this.#multiply(layer.output, input, tokens, m.residual, m.hiddenWidth, RESULT_ADD); // (B, D)

    input = this.#normalize(m.residual, m.hiddenWidth, hidden, gains.postAttention, tokens);
    observer?.floats('post_attention_layernorm', input, this.#stride(input), hidden);
    this.#multiply(layer.gateUp, input, tokens, m.gateUp, m.gateUpWidth, RESULT_STORE); // (B, 2I)
    if (observer) this.#show(observer, layer.gateUp, GATE_UP_SITES, tokens, m.gateUp, m.gateUpWidth, input);
    const upOffset = layer.gateUp.outOffsets[1];
    const parts = Math.ceil(inner / GATE_COLUMNS);
    this.#team.run(Op.gate, tokens * parts, 16, m.gateUp, m.gateUpWidth, upOffset, inner, this.#activation);
    observer?.floats('mlp.gated', m.gateUp, m.gateUpWidth, inner); // (B, I)

    input = this.#normalize(m.gateUp, m.gateUpWidth, inner, gains.feedForward, tokens);
    observer?.floats('mlp.ffn_sub_norm', input, this.#stride(input), inner);
    if (observer) this.#showAdded(observer, layer.down, 'mlp.down_proj', input, tokens);
    this.#multiply(layer.down, input, tokens, m.residual, m.hiddenWidth, RESULT_ADD); // (B, D)
    observer?.floats('output', m.residual, m.hiddenWidth, hidden);
  }

  /** The norm before the head, of the tokens from `first` on, into `target` `[tokens][hiddenWidth]`. */
  finalNorm(first: number, tokens: number, target: number): void {
    const { residual, hiddenWidth: width, config, finalGain } = this.#memory;
    const from = residual + 4 * first * width;
    this.#team.run(
      Op.rmsNorm,
      tokens,
      1,
      from,
      width,
      config.hidden_size,
      finalGain,
      this.#epsilon,
      target,
      width,
    );
  }

  /** RMSNorm into `memory.normed`, or the input itself where the model has no norm. Returns where the result is. */
  #normalize(x: number, stride: number, columns: number, gain: number, tokens: number): number {
    const { normed, inputWidth } = this.#memory;
    if (gain === 0) return x;
    this.#team.run(Op.rmsNorm, tokens, 1, x, stride, columns, gain, this.#epsilon, normed, inputWidth);
    return normed;
  }

  /** Floats from one token to the next of what #normalize returned. */
  #stride(input: number): number {
    const m = this.#memory;
    if (input === m.normed) return m.inputWidth;
    if (input === m.residual) return m.hiddenWidth;
    return input === m.attended ? m.attendedWidth : m.gateUpWidth;
  }

  /** A product of an input that #normalize returned: quantized first, or paired for 16-bit weights. */
  #multiply(product: Product, input: number, tokens: number, out: number, width: number, mode: number): void {
    const { quantized, paired, inputWidth } = this.#memory;
    const { records, matrices, groups, columns, format } = product;
    const inputStride = this.#stride(input);
    if (format === FORMAT_TERNARY) {
      const blocks = productBlocks(product);
      const smallest = Math.ceil(SHARED_WEIGHT_BYTES / (blocks * 64 * tokens));
      this.#team.run(Op.quantize, tokens, 1, input, inputStride, columns, quantized, blocks);
      this.#team.run(
        Op.ternaryProduct,
        groups,
        smallest,
        records,
        matrices.length,
        blocks,
        quantized,
        tokens,
        out,
        width,
        mode,
      );
      return;
    }
    let x = input;
    let stride = inputStride;
    if (format !== FORMAT_F32) {
      const padded = Math.ceil(columns / 8) * 8;
      this.#team.run(Op.pairColumns, tokens, 1, input, stride, padded, paired, inputWidth);
      x = paired;
      stride = inputWidth;
    }
    const smallest = Math.ceil(SHARED_WEIGHT_BYTES / (columns * 8 * tokens));
    this.#team.run(
      Op.floatProduct,
      groups,
      smallest,
      records,
      matrices.length,
      columns,
      x,
      stride,
      tokens,
      out,
      width,
      mode,
    );
  }

  /** Rotates, fills the cache and attends: (B, Q + 2K) to (B, Q). */
  #attend({ keys, values, queryKeyValue }: LayerMemory, tokens: number, position: number): void {
    const m = this.#memory;
    const { num_attention_heads: heads, num_key_value_heads: kvHeads } = m.config;
    const shape = m.attentionShape;
    const { outOffsets } = queryKeyValue;
    this.#team.run(
      Op.rotateAndCache,
      tokens * (heads + 2 * kvHeads),
      64,
      shape,
      m.queryKeyValue,
      m.qkvWidth,
      outOffsets[1],
      outOffsets[2],
      position,
      m.queries,
      keys,
      values,
    );
    const length = position + tokens;
    const group = heads / kvHeads;
    if (tokens > 1) {
      const smallest = Math.ceil(SHARED_PRODUCTS / (length * group * m.headStride));
      this.#team.run(
        Op.attention,
        tokens * kvHeads,
        smallest,
        shape,
        m.queries,
        keys,
        values,
        position,
        m.attended,
        m.attendedWidth,
      );
      return;
    }
    const parts = Math.ceil(length / SCORE_POSITIONS);
    const perScores = Math.ceil(SHARED_PRODUCTS / (Math.min(SCORE_POSITIONS, length) * group * m.headStride));
    this.#team.run(Op.attentionScores, kvHeads * parts, perScores, shape, m.queries, keys, length, m.scores);
    const perSoftmax = Math.ceil(SHARED_PRODUCTS / (16 * length));
    this.#team.run(Op.attentionSoftmax, heads, perSoftmax, shape, length, m.scores);
    const slices = m.headStride / VALUE_DIMENSIONS;
    const perValues = Math.ceil(SHARED_PRODUCTS / (length * group * VALUE_DIMENSIONS));
    this.#team.run(
      Op.attentionValues,
      kvHeads * slices,
      perValues,
      shape,
      values,
      length,
      m.scores,
      m.attended,
    );
  }

  /** Shows the results of a product, which are at `out`, and for ternary matrices the integers behind them. */
  #show(
    observer: Observer,
    product: Product,
    sites: readonly string[],
    tokens: number,
    out: number,
    width: number,
    input: number,
  ): void {
    const at = (i: number): number => out + 4 * product.outOffsets[i];
    for (const [i, { rows }] of product.matrices.entries()) observer.floats(sites[i], at(i), width, rows);
    if (product.format !== FORMAT_TERNARY) return;
    // Computed once more for whoever looks: the product itself scales its integers at once.
    this.#multiply(product, input, tokens, out, width, RESULT_INTEGERS);
    for (const [i, { rows }] of product.matrices.entries()) {
      observer.quantized(sites[i], this.#memory.quantized, product.columns);
      observer.integers(sites[i], at(i), width, rows);
    }
    this.#multiply(product, input, tokens, out, width, RESULT_STORE);
  }

  /** Shows a product whose results are added to the residual stream. */
  #showAdded(observer: Observer, product: Product, site: string, input: number, tokens: number): void {
    // Queries, keys and values are in the cache by now, and their place is wide enough.
    const { queryKeyValue, qkvWidth } = this.#memory;
    this.#multiply(product, input, tokens, queryKeyValue, qkvWidth, RESULT_STORE);
    this.#show(observer, product, [site], tokens, queryKeyValue, qkvWidth, input);
  }
}
