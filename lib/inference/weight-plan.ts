/** Where the weights of a model lie in its memory. */
import type { TensorEntry } from '../checkpoint/checkpoint.js';
import type { ModelConfig } from '../config.js';
import { MATRIX_BYTES } from '../kernel/layout.js';
import { groupCount, matrixBytes, paddedRow, type Matrix } from '../kernel/matrix.js';
import type { MemoryPlan } from '../kernel/memory.js';
import { LAYER_SITES, type LayerSite } from '../parameters.js';
import { formatOf, type LayerMemory, type ModelMemory, type Product } from './model-memory.js';

/** Finds places for the tensors of a checkpoint. */
export class WeightPlan {
  readonly #plan: MemoryPlan;
  readonly #tensors: ReadonlyMap<string, TensorEntry>;

  constructor(plan: MemoryPlan, tensors: ReadonlyMap<string, TensorEntry>) {
    this.#plan = plan;
    this.#tensors = tensors;
  }

  /** @param ternary whether the matrices are ternary, as they are or once they are loaded */
  layers(config: ModelConfig, ternary: boolean): LayerMemory[] {
    return Array.from({ length: config.num_hidden_layers }, (_, layer): LayerMemory => {
      const named = (part: string): string => `model.layers.${layer}.${part}.weight`;
      const product = (site: LayerSite): Product =>
        this.#product(LAYER_SITES[site].readers.map(named), ternary);
      const gain = (site: LayerSite): number => this.gain(named(LAYER_SITES[site].norm));
      return {
        queryKeyValue: product('self_attn.input'),
        output: product('self_attn.output'),
        gateUp: product('mlp.input'),
        down: product('mlp.output'),
        gains: {
          input: gain('self_attn.input'),
          attention: gain('self_attn.output'),
          postAttention: gain('mlp.input'),
          feedForward: gain('mlp.output'),
        },
        keys: 0,
        values: 0,
      };
    });
  }

  /** The embedding matrix, and the head: the same matrix where the model ties them. */
  head(config: ModelConfig): Pick<ModelMemory, 'embedding' | 'embeddingRecord' | 'head'> {
    const embedding = this.#matrix('model.embed_tokens.weight', false);
    const asProduct = this.#productOf([embedding]);
    const head = config.tie_word_embeddings ? asProduct : this.#product(['lm_head.weight'], false);
    return { embedding, embeddingRecord: asProduct.records, head };
  }

  /** The gain of a norm; 0 where the model has no such norm. */
  gain(name: string): number {
    const entry = this.#tensors.get(name);
    return entry ? this.#plan.reserve(4 * paddedRow(entry.shape[0])) : 0;
  }

  #matrix(name: string, ternarised: boolean): Matrix {
    const entry = this.#tensors.get(name)!;
    const [rows, columns] = entry.shape;
    const format = formatOf(entry, ternarised);
    const order = entry.encoding === 'packed' ? 'quarters' : 'neighbours';
    const values = this.#plan.reserve(matrixBytes(rows, columns, format));
    return { rows, columns, format, order, scale: 1, values };
  }

  #product(names: readonly string[], ternarised: boolean): Product {
    return this.#productOf(names.map((name) => this.#matrix(name, ternarised)));
  }

  #productOf(matrices: readonly Matrix[]): Product {
    const outOffsets = matrices.map((_, i) =>
      matrices.slice(0, i).reduce((sum, { rows }) => sum + paddedRow(rows), 0),
    );
    return {
      matrices,
      outOffsets,
      records: this.#plan.reserve(MATRIX_BYTES * matrices.length),
      groups: matrices.reduce((sum, { rows }) => sum + groupCount(rows), 0),
      columns: matrices[0].columns,
      format: matrices[0].format,
    };
  }
}
