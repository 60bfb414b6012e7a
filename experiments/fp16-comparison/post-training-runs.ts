/**
 * Quantized after training or during it: one shape on Tiny Shakespeare in full precision, as b1 and as b1.58, each at its
 * own rate. The trained full-precision model is then quantized by every method (evaluations/post-training.ts), so that
 * BitNet's Table 3 (arXiv 2310.11453) has all its rows from models of equal shape, data and steps.
 */
import {
  BITNET_B158,
  FULL_PRECISION,
  parseModelConfig,
  type AblationOptions,
  type TrainingOptions,
} from '@bitnet-notebooks/lib';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { tuneRate } from '../sweep/tuning.js';

interface Size {
  hidden: number;
  layers: number;
  steps: number;
  tuningSteps: number;
  seeds: number;
  /** Rates that tuning may add beyond the grid. */
  extensions: number;
}

const SIZES: Record<Preset, Size> = {
  smoke: { hidden: 32, layers: 1, steps: 20, tuningSteps: 4, seeds: 1, extensions: 0 },
  laptop: { hidden: 96, layers: 2, steps: 400, tuningSteps: 100, seeds: 1, extensions: 0 },
  full: { hidden: 96, layers: 2, steps: 800, tuningSteps: 160, seeds: 3, extensions: 1 },
};

/** Seed of the tuning runs; final runs have others. */
const TUNING_SEED = 100;

/** The arms, and the peak rates that each is tried at first. */
const ARMS: Readonly<Record<string, { options: AblationOptions; grid: readonly number[] }>> = {
  'ptq-full-precision': { options: { ...FULL_PRECISION }, grid: [2e-3, 4e-3, 8e-3] },
  'ptq-b1.58': { options: { ...BITNET_B158 }, grid: [4e-3, 8e-3, 1.6e-2] },
  'ptq-b1': { options: { ...BITNET_B158, weight_quantizer: 'sign' }, grid: [4e-3, 8e-3, 1.6e-2] },
};

function trainingOf(peak: number, steps: number, seed: number): TrainingOptions {
  const warmupSteps = Math.min(50, Math.floor(steps / 10));
  return {
    steps,
    batch: 12,
    context: 64,
    schedule: { kind: 'cosine', peak, minimum: 0, warmupSteps, totalSteps: steps, weightDecay: 0.1 },
    evaluateEvery: Math.max(4, Math.ceil(steps / 20)),
    validationWindows: 128,
    seeds: { weights: seed, batches: seed },
  };
}

/** The runs that can be known so far. */
export function postTrainingRuns(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  const { hidden, layers, steps, tuningSteps, seeds, extensions } = SIZES[preset];
  return Object.entries(ARMS).flatMap(([arm, { options, grid }]) => {
    const model = parseModelConfig({
      vocab_size: 65,
      hidden_size: hidden,
      intermediate_size: 32 * Math.ceil(hidden / 12),
      num_hidden_layers: layers,
      num_attention_heads: hidden / 32,
      max_position_embeddings: 64,
      initializer_range: 0.08,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      bitlm: options,
    });
    const shared = { arm, model, corpus: { name: 'tiny-shakespeare' } } as const;
    const tuned = tuneRate(
      preset === 'smoke' ? grid.slice(0, 2) : grid,
      (peak) => ({
        ...shared,
        name: `${arm}-lr${peak}-tune`,
        role: 'tune',
        training: trainingOf(peak, tuningSteps, TUNING_SEED),
        finalWindows: 256,
      }),
      finished,
      extensions,
    );
    const { best } = tuned;
    if (best === undefined) return tuned.runs;
    const finals = Array.from({ length: seeds }, (_, seed): RunSpec => ({
      ...shared,
      name: `${arm}-lr${best}-seed${seed + 1}`,
      role: 'final',
      training: trainingOf(best, steps, seed + 1),
      ...(arm === 'ptq-full-precision' && { evaluations: ['fp16', 'ptq'] }),
    }));
    return [...tuned.runs, ...finals];
  });
}
