import type { JudgedClaim } from '@bitnet-notebooks/lib';
import type { Preset, RunSpec } from './run-spec.js';
import type { FinishedRun } from './finished-run.js';

/** An experiment is data: its list of runs. Tables, figures and verdicts are functions of its recorded results. */
export interface Experiment {
  /** As on the command line, and the name of its results file. */
  name: string;
  /** One sentence for the reader. */
  title: string;
  /**
   * The runs that can be known so far, finished ones included. Asked again after every run: the final runs of an arm
   * appear once its tuning runs are in `finished` (look them up by id: tuning.ts does). Must give the same runs
   * for the same finished ones, in any order. A run may be listed for two arms: it is carried out once.
   */
  runs(preset: Preset, finished: readonly FinishedRun[]): RunSpec[];
  /** The lines that the command prints at the end: the experiment's table. */
  table(finished: readonly FinishedRun[]): string[];
  /** What the results say of the papers' claims. */
  claims?(finished: readonly FinishedRun[]): JudgedClaim[];
}

/** Something that judges claims: an experiment by its recorded runs, or another measurement. */
export interface ClaimSource {
  /** As in the heading over its claims. */
  name: string;
  /** The command that records what the claims are judged by. */
  command: string;
  /** Undefined while nothing is recorded. */
  claims(): Promise<JudgedClaim[] | undefined>;
}
