/**
 * The first experiment: BitLM on Tiny Shakespeare. Configuration A (0.8 M parameters) with ternary weights and in full
 * precision, each at its own tuned learning rate, and a ternary model of about 3.6 M parameters.
 */
import type { TrainingOptions } from '@bitnet-notebooks/lib';
import { configurationA, embeddedConfiguration } from '../sweep/configurations.js';
import type { Experiment } from '../sweep/experiment.js';
import { bitlmClaims } from './claims.js';
import { bitlmTable } from './table.js';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { tuneRate } from '../sweep/tuning.js';

interface Length {
  steps: number;
  batch: number;
  context: number;
  /** Highest learning rate. */
  peak: number;
  seed: number;
}

/** Tokens that validation loss is taken over during a run; the final loss is taken over all of them. */
const VALIDATION_TOKENS = 16_384;

function training({ steps, batch, context, peak, seed }: Length): TrainingOptions {
  const warmupSteps = Math.min(100, Math.floor(steps / 10));
  return {
    steps,
    batch,
    context,
    schedule: { kind: 'cosine', peak, minimum: peak / 10, warmupSteps, totalSteps: steps, weightDecay: 0.1 },
    clipNorm: 1,
    betas: [0.9, 0.95],
    evaluateEvery: Math.max(10, Math.ceil(steps / 20)),
    validationWindows: VALIDATION_TOKENS / context,
    seeds: { weights: seed, batches: seed },
  };
}

/** The two arms of configuration A, with the learning rates that each is tried at. */
const ARMS = {
  'a-ternary': { ternary: true, rates: [3e-3, 6e-3, 1.2e-2] },
  'a-full-precision': { ternary: false, rates: [1e-3, 2e-3, 4e-3] },
} as const;

/** Part of the steps that a tuning run takes, its schedule shortened with it. */
const TUNING_SHARE = 0.25;

/** Seed of the tuning runs, and of the reported ones. */
const TUNING_SEED = 1;
const FINAL_SEED = 2;

/** Steps of configuration A and of the large model. */
const STEPS: Record<Preset, { a: number; embedded: number }> = {
  smoke: { a: 20, embedded: 0 },
  laptop: { a: 1000, embedded: 0 },
  full: { a: 2000, embedded: 2400 },
};

function runOf(arm: keyof typeof ARMS, role: RunSpec['role'], peak: number, steps: number): RunSpec {
  const isFinal = role === 'final';
  const seed = isFinal ? FINAL_SEED : TUNING_SEED;
  return {
    name: `${arm}-lr${peak}-${isFinal ? `seed${seed}` : 'tune'}`,
    arm,
    role,
    corpus: { name: 'tiny-shakespeare' },
    model: configurationA(ARMS[arm].ternary),
    training: training({ steps, batch: 12, context: 64, peak, seed }),
  };
}

/** All runs known so far: the large model with its fixed rate, tuning runs, and final runs at the rates they found. */
function runs(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  const { a, embedded } = STEPS[preset];
  const arms = (Object.keys(ARMS) as (keyof typeof ARMS)[]).map((arm) => {
    const runAt = (peak: number): RunSpec => runOf(arm, 'tune', peak, Math.ceil(a * TUNING_SHARE));
    return { arm, ...tuneRate(ARMS[arm].rates, runAt, finished, 0) };
  });
  return [
    ...(embedded > 0 ? [embeddedRun(embedded)] : []),
    ...arms.flatMap((tuned) => tuned.runs),
    ...arms.flatMap(({ arm, best }) => (best === undefined ? [] : [runOf(arm, 'final', best, a)])),
  ];
}

function embeddedRun(steps: number): RunSpec {
  return {
    name: 'embedded',
    arm: 'embedded',
    role: 'final',
    corpus: { name: 'tiny-shakespeare' },
    model: embeddedConfiguration(),
    training: training({ steps, batch: 8, context: 256, peak: 4e-3, seed: FINAL_SEED }),
  };
}

/** BitLM on Tiny Shakespeare; what notebook 0 shows. */
export const bitlm: Experiment = {
  name: 'bitlm',
  title: 'BitLM learns Tiny Shakespeare, ternary and in full precision',
  runs,
  table: bitlmTable,
  claims: bitlmClaims,
};
