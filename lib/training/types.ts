/** What goes into a training run and what comes out of it, without TensorFlow: notebooks and experiments read these. */
import type { ScheduleOptions } from './schedule.js';

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
  /** Looks inside the model at evaluated steps. Costs a part of an evaluation; changes nothing in what is learned. */
  diagnostics?: boolean;
  /** `weights` draws the first weights, `batches` the order of the data. */
  seeds: { weights: number; batches: number };
}

/** Bins of a histogram of latent weights, over ±LATENT_RANGE times their mean magnitude; the outer bins take the rest. */
export const LATENT_BINS = 24;
export const LATENT_RANGE = 3;

/** What a look inside the model finds. Shares lie from 0 to 1. */
export interface Diagnostics {
  /** Zeros among the quantized weights; absent in full precision. */
  zeros?: number;
  /** Quantized weights that this one step changed; absent in full precision. */
  flips?: number;
  /** Latent weights in each bin of weight / mean|weight|; recorded results keep the first and the last. */
  latent?: number[];
  /** Zeros among what enters the down projections, before their norm (BitNet b1.58 FAQ; a4.8, arXiv 2411.04965). */
  activationZeros: number;
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
