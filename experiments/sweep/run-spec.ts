import { createHash } from 'node:crypto';
import {
  stableJson,
  type ModelConfig,
  type TrainingOptions,
  type ZipfFactsOptions,
} from '@bitnet-notebooks/lib';

/** `smoke` is for tests, `laptop` ends within 15 minutes on two cores, `full` is what the recorded results used. */
export const PRESETS = ['smoke', 'laptop', 'full'] as const;
export type Preset = (typeof PRESETS)[number];

/** What a run learns from, as data. */
export type CorpusSpec =
  | { name: 'tiny-shakespeare'; testShare?: number }
  /** Byte pairs of the committed tokenizer in data/state-of-the-union. */
  | { name: 'state-of-the-union'; vocabSize: number }
  | ({ name: 'zipf-facts' } & ZipfFactsOptions);

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
  /** Windows of the test part that the trained model is judged by at the end: a number, or all of a text. None by default. */
  testWindows?: number | 'all';
  /** Further measurements of the trained model, by the names in evaluations.ts. None by default. */
  evaluations?: readonly string[];
}

/**
 * The identity of a run: SHA-256 of everything that its result follows from, shortened. Runs of one identity are one
 * run, whichever experiment asks for it under whatever name.
 * @returns 20 hexadecimal digits
 */
export function runId(spec: RunSpec): string {
  const { corpus, model, training, finalWindows, testWindows, evaluations = [] } = spec;
  const identity = stableJson({ corpus, model, training, finalWindows, testWindows, evaluations });
  return createHash('sha256').update(identity).digest('hex').slice(0, 20);
}
