/**
 * The quantization ablation: which part of BitNet does what, on Tiny Shakespeare. Every arm's learning rate is tuned with
 * a seed of its own and the arms share seeds and the order of the data. The reference arms run at configuration A as well.
 *
 * The full preset is sized for two cores: 2 layers, 64 wide, context 64, batch 12, 600 steps, about 25 s a run.
 */
import {
  BITNET_B158,
  FULL_PRECISION,
  parseModelConfig,
  type ModelConfig,
  type ScheduleOptions,
  type TrainingOptions,
} from '@bitnet-notebooks/lib';
import { ARMS, type Arm, type ScheduleKind } from './arms.js';
import { ablationClaims } from './claims.js';
import { ablationTable } from './table.js';
import { configurationA } from '../sweep/configurations.js';
import type { Experiment } from '../sweep/experiment.js';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { tuneRate } from '../sweep/tuning.js';

/** Seed of the tuning runs; final runs have others. */
const TUNING_SEED = 100;

/** Peak learning rates that every arm is tried at first; the grid grows where the best lies at an edge. */
const GRID = [3e-3, 6e-3, 1.2e-2];

/** Windows that tuning runs are judged by; final runs read the whole validation text. */
const TUNING_WINDOWS = 512;

interface Size {
  arms: readonly Arm[];
  steps: number;
  tuningSteps: number;
  seeds: number;
  grid: readonly number[];
  /** Rates that tuning may add beyond the grid. */
  extensions: number;
  /** Steps at configuration A; 0 for none. */
  stepsOfA: number;
}

const named = (...names: string[]): Arm[] => ARMS.filter(({ name }) => names.includes(name));

const SIZES: Record<Preset, Size> = {
  smoke: {
    arms: named('b1.58', 'full-precision'),
    steps: 12,
    tuningSteps: 6,
    seeds: 1,
    grid: [3e-3, 6e-3],
    extensions: 0,
    stepsOfA: 0,
  },
  laptop: {
    arms: named(
      'b1.58',
      'full-precision',
      'weights-sign',
      'weights-zero-one',
      'activations-int4-absmax',
      'norm-preln',
      'two-stage',
    ),
    steps: 400,
    tuningSteps: 150,
    seeds: 3,
    grid: GRID,
    extensions: 1,
    stepsOfA: 0,
  },
  full: { arms: ARMS, steps: 600, tuningSteps: 200, seeds: 3, grid: GRID, extensions: 3, stepsOfA: 2000 },
};

/** The model of an arm: 2 layers, 64 wide, about 0.1 M parameters. */
export function ablationModel({ options, activation }: Pick<Arm, 'options' | 'activation'>): ModelConfig {
  return parseModelConfig({
    vocab_size: 65,
    hidden_size: 64,
    intermediate_size: 176,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    hidden_act: activation,
    max_position_embeddings: 64,
    // About 1/√width, as in configuration A.
    initializer_range: 0.08,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bitlm: options,
  });
}

/** The schedule of an arm. Stage two begins halfway, at a third of the peak (Training Tips, section 1). */
function scheduleOf(kind: ScheduleKind, dropsDecay: boolean, peak: number, steps: number): ScheduleOptions {
  const half = Math.floor(steps / 2);
  const shared = {
    peak,
    warmupSteps: Math.min(50, Math.floor(steps / 10)),
    totalSteps: steps,
    weightDecay: 0.1,
    weightDecayUntil: dropsDecay ? half : steps,
  };
  return kind === 'cosine'
    ? { kind: 'cosine', minimum: 0, ...shared }
    : { kind: 'two-stage-cosine', secondPeak: peak / 3, dropStep: half, ...shared };
}

/**
 * How an arm is trained, the very same for all but its schedule.
 * @param peak highest learning rate
 * @param seed of the first weights and of the order of the data
 */
export function ablationTraining(
  arm: Arm,
  peak: number,
  steps: number,
  seed: number,
  isFinal: boolean,
): TrainingOptions {
  return {
    steps,
    batch: 12,
    context: 64,
    schedule: scheduleOf(arm.schedule, arm.dropsDecay, peak, steps),
    evaluateEvery: Math.max(6, Math.ceil(steps / 20)),
    validationWindows: 128,
    ...(isFinal && { diagnostics: true }),
    seeds: { weights: seed, batches: seed },
  };
}

function spec(arm: Arm, role: RunSpec['role'], peak: number, steps: number, seed: number): RunSpec {
  const isFinal = role === 'final';
  return {
    name: isFinal ? `${arm.name}-lr${peak}-seed${seed}` : `${arm.name}-lr${peak}-tune`,
    arm: arm.name,
    role,
    corpus: { name: 'tiny-shakespeare' },
    model: ablationModel(arm),
    training: ablationTraining(arm, peak, steps, seed, isFinal),
    ...(!isFinal && { finalWindows: TUNING_WINDOWS }),
  };
}

/** The arms of Table 4 are also run at the rate of their common reference: the paper's two factors had other rates. */
function ratesOf(arm: Arm, best: number | undefined, matched: number | undefined): number[] {
  const rates = arm.axis === 'table-4' ? [best, matched] : [best];
  return [...new Set(rates.filter((rate) => rate !== undefined))];
}

function runs(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  const { arms, steps, tuningSteps, seeds, grid, extensions, stepsOfA } = SIZES[preset];
  const tuned = arms.map((arm) => ({
    arm,
    ...tuneRate(grid, (peak) => spec(arm, 'tune', peak, tuningSteps, TUNING_SEED), finished, extensions),
  }));
  const matched = tuned.find(({ arm }) => arm.name === 'weights-sign')?.best;
  const finals = tuned.flatMap(({ arm, best }) =>
    ratesOf(arm, best, matched).flatMap((rate) =>
      Array.from({ length: seeds }, (_, seed) => spec(arm, 'final', rate, steps, seed + 1)),
    ),
  );
  return [
    ...tuned.flatMap((one) => one.runs),
    ...finals,
    ...(stepsOfA > 0 ? runsAtA(stepsOfA, seeds, finished) : []),
  ];
}

/** b1.58 and full precision at configuration A: their own rates, the same seeds. */
function runsAtA(steps: number, seeds: number, finished: readonly FinishedRun[]): RunSpec[] {
  return [BITNET_B158, FULL_PRECISION].flatMap((options) => {
    const isTernary = options.weight_quantizer !== 'none';
    const arm: Arm = {
      ...named(isTernary ? 'b1.58' : 'full-precision')[0],
      name: isTernary ? 'a-b1.58' : 'a-full-precision',
    };
    const at = (role: RunSpec['role'], peak: number, length: number, seed: number): RunSpec => ({
      ...spec(arm, role, peak, length, seed),
      model: configurationA(isTernary),
    });
    const grid = isTernary ? [1.5e-3, 3e-3, 6e-3] : [1e-3, 2e-3, 4e-3];
    const tuned = tuneRate(grid, (peak) => at('tune', peak, steps / 4, TUNING_SEED), finished);
    const { best } = tuned;
    const finals =
      best === undefined
        ? []
        : Array.from({ length: seeds }, (_, seed) => at('final', best, steps, seed + 1));
    return [...tuned.runs, ...finals];
  });
}

/** What notebook 1 shows. */
export const quantizationAblation: Experiment = {
  name: 'quantization-ablation',
  title: 'Which part of BitNet does what: one change at a time, on Tiny Shakespeare',
  runs,
  table: ablationTable,
  claims: ablationClaims,
};
