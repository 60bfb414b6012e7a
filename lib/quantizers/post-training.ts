/** Weights quantized after training, by one method or another, from calibration statistics. */
import { gptq, inverseFactor } from './gptq.js';
import type { InputStatistics } from './input-statistics.js';
import { codesOnGrid, type LevelCodes } from './level-codes.js';
import { levelGrid, type Granularity, type LevelBits, type ReachRule } from './level-grid.js';
import { randomRotation, rotateMoments, rotateRows } from './rotation.js';
import { smoothingFactors } from './smooth-quant.js';

/** A way to quantize. */
export interface PostTrainingMethod {
  bits: LevelBits;
  /** Where the outermost levels lie. */
  reach: ReachRule;
  granularity: Granularity;
  /** `nearest` takes the nearest level; `gptq` makes up for its errors. */
  rounding: 'nearest' | 'gptq';
  /** What is done to inputs and weights beforehand, so that products stay what they are. `none` by default. */
  preparation?: Preparation;
}
export type Preparation = 'none' | 'smooth' | 'rotate';

/** A matrix before it is quantized. */
export interface WeightMatrix {
  name: string;
  /** [rows, columns] */
  shape: readonly number[];
  data: Float32Array;
}

/** A quantized model's matrices, and what its inputs have to go through. */
export interface PostTrained {
  matrices: Map<string, LevelCodes>;
  /** By site: inputs enter the products as x·T, [C · C]. Empty without a preparation. */
  inputTransforms: Map<string, Float32Array>;
}

/** A site that is prepared: x·T enters, and each matrix W becomes W·T⁻ᵀ. */
interface Prepared {
  moments: Float64Array;
  transform?: Float32Array;
  weights(data: Float32Array): Float32Array;
}

const ROTATION_SEED = 1;

/** Quantizes the matrices of one model in many ways; what several ways share is computed once. */
export class PostTraining {
  readonly #matrices: ReadonlyMap<string, WeightMatrix>;
  readonly #inputs: ReadonlyMap<string, InputStatistics>;
  readonly #prepared = new Map<string, Prepared>();
  readonly #factors = new Map<string, Float64Array>();

  /**
   * @param tensors of the model; those that no input is read by are left out
   * @param inputs by site, from calibration text
   * @throws Error for a reader that is not among the tensors
   */
  constructor(tensors: readonly WeightMatrix[], inputs: ReadonlyMap<string, InputStatistics>) {
    this.#matrices = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    this.#inputs = inputs;
    for (const { readers } of inputs.values()) {
      const missing = readers.find((name) => !this.#matrices.has(name));
      if (missing !== undefined)
        throw new Error(`post-training: every reader must be among the tensors, got none named ${missing}.`);
    }
  }

  /** All matrices by a method. */
  quantize({ rounding, preparation = 'none', ...kind }: PostTrainingMethod): PostTrained {
    const matrices = new Map<string, LevelCodes>();
    const inputTransforms = new Map<string, Float32Array>();
    for (const [site, { readers }] of this.#inputs) {
      const prepared = this.#prepare(site, preparation);
      if (prepared.transform) inputTransforms.set(site, prepared.transform);
      for (const name of readers) {
        const { shape, data } = this.#matrices.get(name)!;
        const weights = prepared.weights(data);
        const grid = levelGrid(weights, shape[0], kind);
        const rounded = rounding === 'gptq' ? gptq(weights, grid, this.#factor(site, preparation)) : weights;
        matrices.set(name, codesOnGrid(rounded, grid));
      }
    }
    return { matrices, inputTransforms };
  }

  #prepare(site: string, preparation: Preparation): Prepared {
    const key = `${preparation} ${site}`;
    const found = this.#prepared.get(key) ?? this.#preparedNow(site, preparation);
    this.#prepared.set(key, found);
    return found;
  }

  #preparedNow(site: string, preparation: Preparation): Prepared {
    const { moments, largest, readers } = this.#inputs.get(site)!;
    const features = largest.length;
    if (preparation === 'none') return { moments, weights: (data) => data };
    if (preparation === 'rotate') {
      const rotation = randomRotation(features, ROTATION_SEED);
      return {
        moments: rotateMoments(moments, rotation),
        // Row i is R·eᵢ, so that x·T = (R·x)ᵀ.
        transform: rotateRows(
          diagonal(features, () => 1),
          rotation,
        ),
        weights: (data) => rotateRows(data, rotation),
      };
    }
    const matrices = readers.map((name) => this.#matrices.get(name)!.data);
    const factors = smoothingFactors(largest, matrices);
    return {
      moments: moments.map((m, i) => m / factors[i % features] / factors[Math.floor(i / features)]),
      transform: diagonal(features, (j) => 1 / factors[j]),
      weights: (data) => data.map((w, i) => w * factors[i % features]),
    };
  }

  #factor(site: string, preparation: Preparation): Float64Array {
    const key = `${preparation} ${site}`;
    const found = this.#factors.get(key) ?? inverseFactor(this.#prepare(site, preparation).moments);
    this.#factors.set(key, found);
    return found;
  }
}

/** A square matrix with nothing beside its diagonal. */
function diagonal(size: number, at: (index: number) => number): Float32Array {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * (size + 1)] = at(i);
  return matrix;
}
