/**
 * The quantization ablation: which part of BitNet does what, on Tiny Shakespeare. Every arm's learning rate is read off a
 * curve of tuning runs at full length; arms of a block share seeds and the order of the data. Rates are chosen on
 * validation text, results speak of test. The questions, rules and powers stand in design.md.
 */
import { ARMS, findArm, type Arm } from './arms.js';
import { A, ablationModel, nameIn, SMALL, THIN, type Block } from './blocks.js';
import { ablationClaims } from './claims.js';
import { STABILITY_ARMS, STABILITY_RATES, stabilityName } from './stability.js';
import { ablationTable } from './table.js';
import { ablationTraining } from './training.js';
import type { Experiment } from '../sweep/experiment.js';
import type { Preset, RunSpec } from '../sweep/run-spec.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { searchRate, type RateSearch } from '../sweep/rate-search.js';

/** The text's last twentieth is the test part: no rate is chosen by it. */
const CORPUS = { name: 'tiny-shakespeare', testShare: 0.05 } as const;

/** Seeds of tuning runs; final runs have others. */
const TUNING_SEEDS = [101, 102];

/** More tuning seeds where two left a curve without a lowest point. */
const MORE_TUNING_SEEDS: Readonly<Record<string, readonly number[]>> = {
  'two-stage': [...TUNING_SEEDS, 103, 104, 105, 106],
  'two-stage-decay': [...TUNING_SEEDS, 103, 104, 105, 106],
};

/** Arms whose contrasts are the main results. */
const MAIN = [
  'b1.58',
  'full-precision',
  'full-precision-papers',
  'weights-sign',
  'weights-8bit',
  'activations-int4-absmax',
  'norm-preln',
];

/** Further arms that a claim hangs on, which eight seeds left undecided. */
const OPEN = [
  'activations-int4-not-down',
  'table4-absmax-preln',
  'table4-absmax-bmt',
  'table4-elastic-preln',
  'two-stage',
  'two-stage-decay',
  'full-precision-two-stage',
];

/** All further arms that a claim hangs on. */
const CLAIMED = ['weights-zero-one', ...OPEN];

/**
 * Arms of full that have 24 seeds: those of claims that eight seeds left undecided, and what they are compared with. The others of
 * MAIN have 12, which makes half-widths of 0.012 nats.
 */
const LONG = ['b1.58', 'full-precision', 'weights-sign', 'weights-sign-groups', ...OPEN];

/** Lowest of the first four rates, where earlier and shorter searches found the best elsewhere than about 0.01. */
const LOWEST: Readonly<Record<string, number>> = {
  'full-precision': 4.24e-3,
  'full-precision-papers': 4.24e-3,
  'weights-none': 4.24e-3,
  'weights-8bit': 4.24e-3,
  'weights-zero-one': 1.2e-2,
  'weights-2bit': 1.2e-2,
  'activations-int4-absmax': 4.24e-3,
  'activations-int4-absmean': 4.24e-3,
  'norm-none': 2.12e-3,
  'full-precision-two-stage': 4.24e-3,
  swiglu: 4.24e-3,
  'full-precision-swiglu': 4.24e-3,
  'a-b1.58': 3e-3,
  'a-full-precision': 1.5e-3,
  'a-full-precision-papers': 1.5e-3,
  'thin-weights-sign': 3e-3,
  'thin-table4-absmax-preln': 3e-3,
  'thin-table4-absmax-bmt': 3e-3,
};

/** The arms of a block that a preset runs. */
interface Plan {
  block: Block;
  steps: number;
  /** Of tuning runs: half of the length at SMALL, where the stability curves show that the rate carries over; else all. */
  tuningSteps: number;
  /** Final seeds by arm, in the order in which arms are run. */
  seeds: ReadonlyMap<string, number>;
  tuningSeeds: readonly number[];
  /** Rates that a search may add beyond the first four. */
  extensions: number;
}

const seedsOf = (arms: readonly string[], seeds: number): [string, number][] =>
  arms.map((arm) => [arm, seeds]);

const REST = ARMS.map(({ name }) => name).filter((name) => !MAIN.includes(name) && !CLAIMED.includes(name));

const PLANS: Record<Preset, readonly Plan[]> = {
  smoke: [
    {
      block: SMALL,
      steps: 12,
      tuningSteps: 6,
      seeds: new Map(seedsOf(['b1.58', 'full-precision'], 2)),
      tuningSeeds: [101],
      extensions: 0,
    },
  ],
  laptop: [
    {
      block: SMALL,
      steps: 600,
      tuningSteps: 300,
      seeds: new Map(seedsOf([...MAIN, 'weights-zero-one'], 10)),
      tuningSeeds: TUNING_SEEDS,
      extensions: 1,
    },
  ],
  full: [
    {
      block: SMALL,
      steps: 1200,
      tuningSteps: 600,
      // Later entries of an arm take the place of earlier ones, and leave the order as it is.
      seeds: new Map([
        ...seedsOf(MAIN, 12),
        ...seedsOf(CLAIMED, 8),
        ...seedsOf(REST, 3),
        ...seedsOf(LONG, 24),
      ]),
      tuningSeeds: TUNING_SEEDS,
      extensions: 4,
    },
    {
      block: THIN,
      steps: 600,
      tuningSteps: 600,
      seeds: new Map(seedsOf(['weights-sign', 'table4-absmax-preln', 'table4-absmax-bmt'], 8)),
      tuningSeeds: TUNING_SEEDS,
      extensions: 4,
    },
    {
      block: A,
      steps: 1000,
      tuningSteps: 1000,
      seeds: new Map(seedsOf(['b1.58', 'full-precision', 'full-precision-papers'], 8)),
      tuningSeeds: TUNING_SEEDS,
      extensions: 4,
    },
  ],
};

/** Seeds at each rate of the stability curves, by preset. */
const STABILITY_SEEDS: Record<Preset, number> = { smoke: 0, laptop: 0, full: 6 };

function tuningRun(block: Block, arm: Arm, peak: number, steps: number, seed: number): RunSpec {
  const name = nameIn(block, arm.name);
  return {
    name: `${name}-lr${peak}-tune${seed}`,
    arm: name,
    role: 'tune',
    corpus: CORPUS,
    model: ablationModel(arm, block),
    training: ablationTraining(arm, peak, steps, seed, false),
  };
}

function finalRun(block: Block, arm: Arm, peak: number, steps: number, seed: number): RunSpec {
  const name = nameIn(block, arm.name);
  return {
    name: `${name}-lr${peak}-seed${seed}`,
    arm: name,
    role: 'final',
    corpus: CORPUS,
    model: ablationModel(arm, block),
    training: ablationTraining(arm, peak, steps, seed, true),
    testWindows: 'all',
  };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** The search for an arm's rate. */
function searchOf(
  { block, tuningSteps, tuningSeeds, extensions }: Plan,
  arm: Arm,
  finished: readonly FinishedRun[],
): RateSearch {
  const name = nameIn(block, arm.name);
  const lowest = LOWEST[name] ?? 6e-3;
  const seeds = MORE_TUNING_SEEDS[name] ?? tuningSeeds;
  return searchRate(
    { lowest, count: 4, seeds, extensions },
    (peak, seed) => tuningRun(block, arm, peak, tuningSteps, seed),
    finished,
  );
}

function runsOf(plan: Plan, finished: readonly FinishedRun[]): RunSpec[] {
  const { block, steps, seeds } = plan;
  const searches = [...seeds].map(([name, count]) => {
    const arm = findArm(name);
    return { arm, count, ...searchOf(plan, arm, finished) };
  });
  const common = searches.find(({ arm }) => arm.name === 'weights-sign')?.best;
  return [
    ...searches.flatMap(({ runs }) => runs),
    ...searches.flatMap(({ arm, best, count }) =>
      // The arms of Table 4 also run at the rate of absmax + SubLN: the paper's two factors had other rates.
      [...new Set(arm.axis === 'table-4' && block === SMALL ? [best, common] : [best])].flatMap((rate) =>
        rate === undefined ? [] : range(count).map((seed) => finalRun(block, arm, rate, steps, seed)),
      ),
    ),
  ];
}

/** Every rate, however large, with the same seeds: BitNet's Figure 5. */
function stabilityRuns(seeds: number, steps: number): RunSpec[] {
  return STABILITY_ARMS.flatMap((name) =>
    STABILITY_RATES.flatMap((peak) =>
      range(seeds).map((seed) => ({
        ...finalRun(SMALL, findArm(name), peak, steps, seed),
        name: `${stabilityName(name)}-lr${peak}-seed${seed}`,
        arm: stabilityName(name),
      })),
    ),
  );
}

function runs(preset: Preset, finished: readonly FinishedRun[]): RunSpec[] {
  const [small, ...others] = PLANS[preset];
  return [
    ...runsOf(small, finished),
    ...stabilityRuns(STABILITY_SEEDS[preset], small.steps),
    ...others.flatMap((plan) => runsOf(plan, finished)),
  ];
}

/** What notebook 1 shows. */
export const quantizationAblation: Experiment = {
  name: 'quantization-ablation',
  title: 'Which part of BitNet does what: one change at a time, on Tiny Shakespeare',
  runs,
  table: ablationTable,
  claims: ablationClaims,
};
