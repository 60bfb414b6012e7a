import type { ModelConfig, TrainingOptions } from '@bitnet-notebooks/lib';

/** `smoke` is for tests, `laptop` ends within 15 minutes on two cores, `full` is what the recorded results used. */
export const PRESETS = ['smoke', 'laptop', 'full'] as const;
export type Preset = (typeof PRESETS)[number];

/** One training run of an experiment: everything that its result follows from. */
export interface RunSpec {
  /** Unique within the experiment; the name of its folder. */
  name: string;
  /** What is compared: runs of one arm differ in learning rate or seed alone. */
  arm: string;
  /** What the run is for: `tune` picks the learning rate of an arm, `final` is reported. */
  role: 'tune' | 'final';
  model: ModelConfig;
  training: TrainingOptions;
}
