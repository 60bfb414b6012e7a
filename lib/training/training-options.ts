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
  /** `weights` draws the first weights, `batches` the order of the data. */
  seeds: { weights: number; batches: number };
}

/** What is known after one update. */
export interface TrainingPoint {
  /** Updates done, counted from 1. */
  step: number;
  /** Mean cross-entropy of this step's batch before the update, nats per token. */
  trainLoss: number;
  /** Mean cross-entropy over the validation windows after the update, nats per token; at evaluated steps only. */
  validationLoss?: number;
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
}

/** Thrown when a loss or gradient is not finite. Model and checkpoint are those of the last good step. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  constructor(
    /** The step whose loss or gradient was not finite, counted from 1. */
    readonly step: number,
    message: string,
  ) {
    super(message);
  }
}
