/**
 * The door to the training engine for notebooks and experiments. TensorFlow is loaded behind it, on demand; nothing
 * here has a TensorFlow type, so that a notebook cell is checked in a fraction of a second.
 */
import type { TensorFlow } from '../backend/notebook-tensorflow.js';
import type { BackendDescription, BackendOptions } from '../backend/tensorflow.js';
import type { ModelConfig } from '../config.js';
import type { Corpus } from '../corpora/corpus.js';
import type { OwnParts } from '../quantizers/quantizer-function.js';
import type { Layers } from './layer-functions.js';
import { provideBitDense, type BitDenseLayer } from './bit-dense.js';
import type { RunOptions, TrainableModel, TrainingOptions, TrainingPoint } from './types.js';

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
  /** The layers that models here are made of, one by one, with their gradients. */
  readonly layers: Layers;
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
  const { TrainableBitLM } = await import('./trainable-bitlm.js');
  const { layers } = await import('./layers.js');
  const { train } = await import('./train.js');
  const { measureSgemm } = await import('./sgemm.js');
  return {
    backend,
    tf,
    createModel: (config, seed, parts) => TrainableBitLM.create(config, seed, parts),
    openModel: (folder, parts) => TrainableBitLM.open(folder, parts),
    train,
    layers,
    measureSgemm,
  };
}
