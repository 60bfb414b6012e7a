/**
 * The door to the training engine for notebooks and experiments. TensorFlow is loaded behind it, on demand; nothing
 * here has a TensorFlow type, so that a notebook cell is checked in a fraction of a second.
 */
import type { TensorFlow } from '../backend/notebook-tensorflow.js';
import type { BackendDescription, BackendOptions } from '../backend/tensorflow.js';
import type { ModelTensor } from '../checkpoint/model-folder.js';
import type { AblationOptions, ModelConfig } from '../config.js';
import type { CharacterTokenizer } from '../corpora/characters.js';
import type { Corpus } from '../corpora/corpus.js';
import type { GenerationOptions } from '../model/generation-options.js';
import { provideBitDense, type BitDenseLayer } from './bit-dense.js';
import type { OwnParts } from '../quantizers/quantizer-function.js';
import type { RunOptions, TrainingOptions, TrainingPoint } from './types.js';

/** What an evaluation changes on a trained model. */
export interface ModelChange {
  /** Values in the place of weights, by transformers' names, row-major; the others stay. */
  weights?: ReadonlyMap<string, Float32Array>;
  /** Quantizers and other options in the place of the model's own. */
  options?: Partial<AblationOptions>;
  /** What enters every product with weights is rounded to IEEE half precision, in the place of its quantizer. */
  roundInputsToHalf?: boolean;
}

/** A BitLM as a notebook sees it. */
export interface TrainableModel {
  readonly config: ModelConfig;
  /** Learned values in all. */
  readonly parameterCount: number;
  /** The latent weights by transformers' names, row-major. */
  tensors(): ModelTensor[];
  /** The weights as the forward pass uses them: quantized matrices dequantized, all else as it is. */
  effectiveTensors(): ModelTensor[];
  /** Mean cross-entropy on validation windows of `context` tokens, nats per token. */
  evaluate(corpus: Corpus, windows: number, context: number): number;
  /**
   * Mean cross-entropy on validation windows of `context` tokens and, for a language of known entropy, the mean on each
   * kind of position by its name. Nats per token.
   */
  losses(
    corpus: Corpus,
    windows: number,
    context: number,
  ): { validationLoss: number; lossByKind?: Record<string, number> };
  /** The same network with something changed; this one stays as it is. The caller disposes it. */
  changed(change: ModelChange): TrainableModel;
  /**
   * Mean of x·xᵀ over what enters each quantized matrix on validation windows of `context` tokens, after norm and before
   * any quantizer: half of GPTQ's Hessian (arXiv 2210.17323, section 3). By the matrix's name, [in · in].
   */
  inputMoments(corpus: Corpus, windows: number, context: number): Map<string, Float64Array>;
  /** Continues a text, character by character. */
  generate(tokenizer: CharacterTokenizer, prompt: string, options: GenerationOptions): AsyncGenerator<string>;
  /** Saves a folder that transformers and the inference engine load. */
  save(folder: string, tokenizer?: CharacterTokenizer): Promise<void>;
  dispose(): void;
}

/** The training engine, loaded. */
export interface Training {
  /** What it runs on and what that costs. */
  readonly backend: BackendDescription;
  /** TensorFlow.js: tensors, operations, gradients, `tf.sequential`. */
  readonly tf: TensorFlow;
  /**
   * A model with fresh weights.
   * @param parts the reader's own quantizers, in the place of those that the config names
   * @throws Error where a quantizer returns another shape, values that are not finite, or a gradient that is none
   */
  createModel(config: ModelConfig, seed: number, parts?: OwnParts): TrainableModel;
  /**
   * One BitLinear layer (b1.58) as training computes it: fake-quantized values in float32.
   * @param x [tokens, in], row-major
   * @param weight [out, in], row-major
   * @returns [tokens, out]
   */
  bitLinear(x: Float32Array, weight: Float32Array, inFeatures: number): Float32Array;
  /** GFLOP/s of one large float32 matrix product, the limit that training is held against. */
  measureSgemm(): number;
  /**
   * The model in a folder that `save` or a run wrote.
   * @param parts the quantizers that it was trained with, where they were the reader's own
   */
  openModel(folder: string, parts?: OwnParts): Promise<TrainableModel>;
  /** Trains step by step; see lib/training/train.ts. */
  train(
    model: TrainableModel,
    corpus: Corpus,
    options: TrainingOptions,
    run?: RunOptions,
  ): AsyncGenerator<TrainingPoint, void, undefined>;
}

/** Loads TensorFlow (some seconds, once) and opens the training engine. */
export async function loadTraining(options: BackendOptions = {}): Promise<Training> {
  const { startTensorFlow } = await import('../backend/tensorflow.js');
  const backend = await startTensorFlow(options);
  const tf = (await import('@tensorflow/tfjs')) as unknown as TensorFlow;
  const { bitDense } = await import('../model/bit-dense.js');
  provideBitDense((args) => bitDense(args) as unknown as BitDenseLayer);
  const { LoadedModel } = await import('./loaded-model.js');
  const { train } = await import('./train.js');
  const { measureSgemm } = await import('../backend/sgemm.js');
  return {
    backend,
    tf,
    createModel: (config, seed, parts) => LoadedModel.create(config, seed, parts),
    bitLinear: (x, weight, inFeatures) => LoadedModel.bitLinear(x, weight, inFeatures),
    measureSgemm,
    openModel: (folder, parts) => LoadedModel.open(folder, parts),
    train: (model, corpus, trainingOptions, run) =>
      train(LoadedModel.inside(model), corpus, trainingOptions, run),
  };
}
