/** What goes into a training run and what comes out of it, without TensorFlow: notebooks and experiments read these. */
import type { ModelTensor } from '../checkpoint/model-folder.js';
import type { AblationOptions } from '../ablation-options.js';
import type { ModelConfig } from '../config.js';
import type { Corpus, TextTokenizer } from '../corpora/corpus.js';
import type { InputStatistics } from '../quantizers/input-statistics.js';
import type { GenerationOptions } from '../model/generation-options.js';
import type { ScheduleOptions } from './schedule.js';

/** What an evaluation changes on a trained model. */
export interface ModelChange {
  /** Values in the place of weights, by transformers' names, row-major; the others stay. */
  weights?: ReadonlyMap<string, Float32Array>;
  /** Quantizers and other options in the place of the model's own. */
  options?: Partial<AblationOptions>;
  /** What enters every product with weights is rounded to IEEE half precision, in the place of its quantizer. */
  roundInputsToHalf?: boolean;
  /** By site: what enters its products is x·T before it is quantized, T [C · C] (SmoothQuant, rotations). */
  inputTransforms?: ReadonlyMap<string, Float32Array>;
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
   * Mean cross-entropy on windows of `context` tokens of one part of a corpus and, for a language of known entropy, the mean
   * on each kind of position by its name. Nats per token.
   */
  losses(
    corpus: Corpus,
    part: 'validation' | 'test',
    windows: number,
    context: number,
  ): { loss: number; lossByKind?: Record<string, number> };
  /** The same network with something changed; this one stays as it is. The caller disposes it. */
  changed(change: ModelChange): TrainableModel;
  /**
   * What enters the matrices of each site (`model.layers.0.self_attn.input`), after norm and before any quantizer, on windows of
   * `context` tokens of the training text: calibration, which must see neither validation nor test.
   */
  inputStatistics(corpus: Corpus, windows: number, context: number): Map<string, InputStatistics>;
  /** Continues a text, character by character. */
  generate(tokenizer: TextTokenizer, prompt: string, options: GenerationOptions): AsyncGenerator<string>;
  /** Saves a folder that transformers and the inference engine load. */
  save(folder: string, tokenizer?: TextTokenizer): Promise<void>;
  dispose(): void;
}

/** How a model is trained. */
export interface TrainingOptions {
  /** Updates in all. */
  steps: number;
  /** Sequences in a batch. */
  batch: number;
  /** Tokens in a sequence. */
  context: number;
  schedule: ScheduleOptions;
  /** Norm of all gradients together above which they are scaled down; 1 by default. */
  clipNorm?: number;
  /** Adam's β₁ and β₂; [0.9, 0.95] by default. */
  betas?: readonly [number, number];
  /** Steps between two evaluations on the validation windows; the last step is always evaluated. */
  evaluateEvery: number;
  /** Windows of `context` tokens that validation loss is taken over. */
  validationWindows: number;
  /** Steps between two checkpoints, for runs with a folder; `evaluateEvery` by default. */
  checkpointEvery?: number;
  /**
   * Updates made in full precision before the quantizers come in; weights, moments, schedule and data go on as they are. 0 by
   * default. Not for `elastic-int8`, whose step would learn nothing meanwhile.
   */
  quantizeFrom?: number;
  /** Looks inside the model at evaluated steps. Costs a part of an evaluation; changes nothing in what is learned. */
  diagnostics?: boolean;
  /** `weights` draws the first weights, `batches` the order of the data. */
  seeds: { weights: number; batches: number };
}

/** Bins of a histogram of latent weights, over ±LATENT_RANGE times their mean magnitude; the outer bins take the rest. */
export const LATENT_BINS = 24;
/** In mean magnitudes. */
export const LATENT_RANGE = 3;

/** What a look inside the model finds. Shares lie from 0 to 1. */
export interface Diagnostics {
  /** Zeros among the quantized weights; absent in full precision. */
  zeros?: number;
  /** Quantized weights that this one step changed; absent in full precision. */
  flips?: number;
  /** Latent weights in each bin of weight / mean|weight|; recorded results keep the first and the last. */
  latent?: number[];
  /**
   * Exact zeros among what enters the down projections, before norm and rounding: the gates that squared ReLU shuts.
   */
  activationZeros: number;
  /**
   * Zeros among what the down projections' weights are multiplied by, after norm and rounding: the integers of which the
   * BitNet b1.58 FAQ says "over 80 %". Absent from runs of before this was looked at.
   */
  integerZeros?: number;
}

/** What is known after one update. */
export interface TrainingPoint {
  /** Updates done, counted from 1. */
  step: number;
  /** Mean cross-entropy of this step's batch before the update, nats per token. */
  trainLoss: number;
  /** Mean cross-entropy over the validation windows after the update, nats per token; at evaluated steps only. */
  validationLoss?: number;
  /** At evaluated steps, where asked for. */
  diagnostics?: Diagnostics;
  learningRate: number;
  weightDecay: number;
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number;
  /** Tokens learned from per second in this step, evaluation left out. */
  tokensPerSecond: number;
  /** Seconds of training and evaluation so far, all sessions of a resumed run together. */
  seconds: number;
}

/** Where a run is written and how it is stopped. */
export interface RunOptions {
  /** Run folder; without it nothing is written. A folder that holds this very run goes on where it stopped. */
  folder?: string;
  /** Stops the run after the current step. With a folder, a checkpoint is saved first. */
  signal?: AbortSignal;
  /**
   * How steps are computed: `compiled`, by default, makes each one call of TensorFlow where that gives the same bits;
   * `eager` never does. The run is the same: it may go on in the other form.
   */
  form?: 'compiled' | 'eager';
  /**
   * Has a run folder that was damaged after it was written put right, and hears what was found and done. Without it such
   * a folder is refused.
   */
  onRepair?: (whatWasDone: string) => void;
}

/** Thrown when a loss or gradient is not finite. The checkpoint is that of a good step. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  constructor(
    /** The step whose loss or gradient was not finite, or that the validation loss was not after; counted from 1. */
    readonly step: number,
    message: string,
  ) {
    super(message);
  }
}
