/** Everything that a model computes on the way through a text. */
import { BLOCK_COLUMNS, QUANTIZED_HEADER_BYTES } from '../../kernel/layout.js';
import { blockCount } from '../../kernel/matrix.js';
import type { Engine } from '../engine.js';
import type { ModelMemory } from '../model-memory.js';
import type { Observer, Vectors } from '../network.js';

/** Values at one place of the network: `[tokens][features]`, row-major. */
export interface TracedValues<Values = Float32Array> {
  readonly tokens: number;
  readonly features: number;
  readonly values: Values;
}

/**
 * What a text became at every place. Names are transformers', such as `layers.0.input_layernorm`,
 * `layers.0.self_attn.q_proj` (before RoPE), `layers.0.self_attn.attended` (what attn_sub_norm normalizes),
 * `layers.0.mlp.gated` (what ffn_sub_norm normalizes), `layers.0.output` (the residual stream after the layer),
 * `embed_tokens` and `norm`.
 */
export interface ModelTrace {
  readonly ids: readonly number[];
  /** Outputs of every module. */
  readonly activations: ReadonlyMap<string, TracedValues>;
  /** The int8 inputs of every BitLinear, by its name. Empty for a model without quantization. */
  readonly quantizedInputs: ReadonlyMap<string, TracedValues<Int8Array>>;
  /** The scales of these, one a token: 127 / absmax. x ≈ int8 / scale. */
  readonly inputScales: ReadonlyMap<string, TracedValues>;
  /** The integer products of every BitLinear: Σ trit · int8. Output = integer · weight scale / input scale. */
  readonly integerProducts: ReadonlyMap<string, TracedValues<Int32Array>>;
}

/** Rows of one site, filled batch by batch. */
class Recorder<Values extends { set(row: ArrayLike<number>, offset: number): void }> {
  readonly sites = new Map<string, TracedValues<Values>>();
  readonly #tokens: number;
  readonly #make: (length: number) => Values;

  constructor(tokens: number, make: (length: number) => Values) {
    this.#tokens = tokens;
    this.#make = make;
  }

  row(site: string, token: number, features: number, row: ArrayLike<number>): void {
    let found = this.sites.get(site);
    if (found === undefined) {
      found = { tokens: this.#tokens, features, values: this.#make(this.#tokens * features) };
      this.sites.set(site, found);
    }
    found.values.set(row, token * features);
  }
}

/** Everything that is recorded of a text, place by place. */
class Recording {
  readonly activations: Recorder<Float32Array>;
  readonly quantizedInputs: Recorder<Int8Array>;
  readonly inputScales: Recorder<Float32Array>;
  readonly integerProducts: Recorder<Int32Array>;
  readonly #buffer: SharedArrayBuffer;
  readonly #memory: ModelMemory;

  constructor({ team, memory }: Engine, tokens: number) {
    this.#buffer = team.buffer;
    this.#memory = memory;
    this.activations = new Recorder(tokens, (length) => new Float32Array(length));
    this.quantizedInputs = new Recorder(tokens, (length) => new Int8Array(length));
    this.inputScales = new Recorder(tokens, (length) => new Float32Array(length));
    this.integerProducts = new Recorder(tokens, (length) => new Int32Array(length));
  }

  /** Values of `tokens` tokens, the first of which is number `first` of the text. */
  floats(site: string, first: number, tokens: number, { address, stride, columns }: Vectors): void {
    for (let t = 0; t < tokens; t++) {
      const row = new Float32Array(this.#buffer, address + 4 * t * stride, columns);
      this.activations.row(site, first + t, columns, row);
    }
  }

  /** Records one layer of a batch. */
  observer(layer: number, first: number, tokens: number): Observer {
    const buffer = this.#buffer;
    const name = (site: string): string => `layers.${layer}.${site}`;
    return {
      floats: (site, vectors) => this.floats(name(site), first, tokens, vectors),
      quantized: (site, address, columns) => {
        const bytes = this.#memory.quantizedBytesOf(blockCount(columns) * BLOCK_COLUMNS);
        for (let t = 0; t < tokens; t++) {
          const record = address + t * bytes;
          this.inputScales.row(name(site), first + t, 1, new Float32Array(buffer, record, 1));
          const values = new Int8Array(buffer, record + QUANTIZED_HEADER_BYTES, columns);
          this.quantizedInputs.row(name(site), first + t, columns, values);
        }
      },
      integers: (site, { address, stride, columns }) => {
        for (let t = 0; t < tokens; t++) {
          const row = new Int32Array(buffer, address + 4 * t * stride, columns);
          this.integerProducts.row(name(site), first + t, columns, row);
        }
      },
    };
  }
}

/**
 * Runs ids through the network and keeps what it computes in some of the layers.
 * @param layers numbers of the layers that are kept
 */
export async function trace(
  engine: Engine,
  ids: readonly number[],
  layers: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<ModelTrace> {
  const { memory, network } = engine;
  const recording = new Recording(engine, ids.length);
  const hiddenAt = (address: number): Vectors => ({
    address,
    stride: memory.hiddenWidth,
    columns: memory.config.hidden_size,
  });
  await engine.process(ids, 0, {
    signal,
    observe: (layer, first, tokens) => {
      if (layer === 0) recording.floats('embed_tokens', first, tokens, hiddenAt(memory.residual));
      return layers.has(layer) ? recording.observer(layer, first, tokens) : undefined;
    },
    onBatch: (first, tokens) => {
      for (let t = 0; t < tokens; t++) {
        network.finalNorm(t, 1, memory.headInput);
        recording.floats('norm', first + t, 1, hiddenAt(memory.headInput));
      }
    },
  });
  const { activations, quantizedInputs, inputScales, integerProducts } = recording;
  return {
    ids,
    activations: activations.sites,
    quantizedInputs: quantizedInputs.sites,
    inputScales: inputScales.sites,
    integerProducts: integerProducts.sites,
  };
}
