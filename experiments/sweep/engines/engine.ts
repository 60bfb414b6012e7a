import type { RunSpec } from '../run-spec.js';
import type { RunResult } from '../finished-run.js';

/** A run to be carried out. */
export interface RunTask {
  /** runId of the spec. */
  id: string;
  spec: RunSpec;
  /** Where its run folder stands once it is finished: config.json, metrics.jsonl, result.json. */
  folder: string;
}

/** Where a run stands. */
export interface RunProgress {
  /** Something that people should read, such as a damaged folder that was put right. */
  note?: string;
  /** Updates done. */
  step: number;
  trainLoss: number;
  validationLoss?: number;
  /** Seconds of training so far. */
  seconds: number;
  /** The machine that it runs on, where that is not this one. */
  where?: string;
}

/**
 * What starts runs. A sweep knows no more of the machines than this. Two runs share nothing but the folder that their
 * folders lie in.
 */
export interface Engine {
  readonly name: string;
  /** Runs that it carries out at once; may change while it runs. */
  readonly slots: number;
  /** What stopping does to runs that are under way, for people, where they are not stopped with a checkpoint. */
  readonly stopping?: string;
  /**
   * Carries out one run, or goes on with it from its checkpoint. Returns once the run's folder is complete.
   * @param signal stops the run after its step, with a checkpoint, or leaves it to go on elsewhere; the generator then
   *   throws the signal's reason
   * @throws RunCrash where trying again can help, any other error where it cannot
   */
  run(task: RunTask, signal: AbortSignal): AsyncGenerator<RunProgress, RunResult, undefined>;
  /** Ends what it holds. */
  close(): Promise<void>;
}

/** The process or machine of a run was lost: the run may be tried again and goes on from its checkpoint. */
export class RunCrash extends Error {
  override readonly name = 'RunCrash';
}
