import { createHash } from 'node:crypto';
import {
  stableJson,
  type Diagnostics,
  type ModelConfig,
  type RunConfig,
  type TrainingOptions,
  type ZipfFactsOptions,
} from '@bitnet-notebooks/lib';

/** `smoke` is for tests, `laptop` ends within 15 minutes on two cores, `full` is what the recorded results used. */
export const PRESETS = ['smoke', 'laptop', 'full'] as const;
export type Preset = (typeof PRESETS)[number];

/** What a run learns from, as data. */
export type CorpusSpec = { name: 'tiny-shakespeare' } | ({ name: 'zipf-facts' } & ZipfFactsOptions);

/** One training run of an experiment: everything that its result follows from, and what it is for. */
export interface RunSpec {
  /** Unique within the experiment, for people. */
  name: string;
  /** What is compared: runs of one arm differ in learning rate, size or seed alone. */
  arm: string;
  /** What the run is for: `tune` picks the learning rate of an arm, `final` is reported. */
  role: 'tune' | 'final';
  corpus: CorpusSpec;
  model: ModelConfig;
  training: TrainingOptions;
  /** Windows that the loss at the end is taken over. By default all of a text, and 4,096 of an endless language. */
  finalWindows?: number;
  /** Further measurements of the trained model, by the names in evaluations.ts. None by default. */
  evaluations?: readonly string[];
}

/** The point of a run's loss curve. */
export interface CurvePoint {
  step: number;
  /** Mean since the point before, nats per token. */
  trainLoss: number;
  validationLoss: number;
  /** Norm of all gradients together at that step. */
  gradientNorm?: number;
  /** Where the run's training asks for it. */
  diagnostics?: Diagnostics;
  seconds: number;
}

/** What a finished run comes to. */
export interface RunResult {
  /** Mean loss over the validation text at the end, nats per token; null where the run diverged. */
  validationLoss: number | null;
  /** Tokens of the validation text that it was taken over. */
  validationTokens: number;
  /** In a language of known entropy: mean loss on each kind of position, nats per token. */
  lossByKind?: Record<string, number>;
  /** Learned values in all. */
  parameters: number;
  curve: CurvePoint[];
  /** What the run's evaluations found, by name. */
  measured?: Record<string, number>;
  /** Set where a loss or gradient was not finite: the run ended there and will not go on. */
  diverged?: { step: number; message: string };
  /** Seconds of training and evaluation on the machine that ran it. */
  seconds: number;
  /** What computed it: results of different ones agree to rounding only. */
  backend: { name: string; version: string; threads: number };
  /** Of Node.js, this project and TensorFlow.js: results of different ones do not belong in one table. */
  versions?: RunConfig['versions'];
  /** Commit of the code that finished the run. */
  commit?: string;
}

/** A run that has ended: what it was, and what came out. */
export interface FinishedRun extends RunSpec, RunResult {
  /** {@link runId} of the run. */
  id: string;
}

/**
 * The identity of a run: SHA-256 of everything that its result follows from, shortened. Runs of one identity are one
 * run, whichever experiment asks for it under whatever name.
 * @returns 20 hexadecimal digits
 */
export function runId({ corpus, model, training, finalWindows, evaluations = [] }: RunSpec): string {
  const identity = stableJson({ corpus, model, training, finalWindows, evaluations });
  return createHash('sha256').update(identity).digest('hex').slice(0, 20);
}
