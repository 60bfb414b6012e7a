/** A run that has ended, what it came to, and the loss that it is compared by. */
import type { Diagnostics, RunConfig } from '@bitnet-notebooks/lib';
import type { RunSpec } from './run-spec.js';

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
  /** The same over the test part, where the run asks for it: nothing was chosen by it. Nats per token. */
  test?: {
    loss: number;
    tokens: number;
    lossByKind?: Record<string, number>;
    /** Of a text: bytes of UTF-8 that a token stands for. Absent in early results. */
    bytesPerToken?: number;
  };
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
  /** `runId` of the run. */
  id: string;
}

/** The reported runs, those that chose a rate left out. */
export function finalRuns(finished: readonly FinishedRun[]): FinishedRun[] {
  return finished.filter(({ role }) => role === 'final');
}

/** Mean validation loss over all positions, nats per token; Infinity where the run diverged. Rates are tuned by it. */
export function meanLoss({ validationLoss }: RunResult): number {
  return validationLoss ?? Infinity;
}

/**
 * The loss that arms are compared by, nats per token; Infinity where the run diverged. On the test part where the run has
 * seen it, else on validation. In a language of known entropy it is
 * that on the looked-up values: keys are random, and no model can do better on them.
 */
export function lossOf(run: RunResult): number {
  if (run.test) return run.test.lossByKind?.v ?? run.test.loss;
  return run.lossByKind?.v ?? meanLoss(run);
}

/** What rounding to half precision adds to a run's loss, over the same windows; undefined where it was not measured. */
export function roundingOf({ measured }: RunResult): number | undefined {
  const [rounded, unrounded] = [measured?.fp16, measured?.['fp16-unrounded']];
  return rounded === undefined || unrounded === undefined ? undefined : rounded - unrounded;
}
