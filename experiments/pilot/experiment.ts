/**
 * The pilot: how much does a run scatter, and what does a comparison cost? Two arms with a handful of seeds at each size that an
 * experiment may choose. Nothing is claimed by it: designs take their seeds from it before their first run.
 */
import {
  BITNET_B158,
  FULL_PRECISION,
  parseModelConfig,
  type AblationOptions,
  type ModelConfig,
} from '@bitnet-notebooks/lib';
import type { Experiment } from '../sweep/experiment.js';
import type { CorpusSpec, Preset, RunSpec } from '../sweep/run-spec.js';
import { pilotTable } from './table.js';

/** A size and length that an experiment may choose. */
interface Candidate {
  name: string;
  corpus: CorpusSpec;
  vocabulary: number;
  layers: number;
  width: number;
  heads: number;
  steps: number;
  /** Peak rates near the best of earlier, shorter searches: good enough for the scatter, not for a comparison. */
  rates: Record<ArmName, number>;
}

const ARMS = { 'b1.58': BITNET_B158, 'full-precision': FULL_PRECISION } as const;
type ArmName = keyof typeof ARMS;

const CHARACTERS: Pick<Candidate, 'corpus' | 'vocabulary'> = {
  corpus: { name: 'tiny-shakespeare', testShare: 0.05 },
  vocabulary: 65,
};
const BYTE_PAIRS: Pick<Candidate, 'corpus' | 'vocabulary'> = {
  corpus: { name: 'state-of-the-union', vocabSize: 4096 },
  vocabulary: 4096,
};

const CANDIDATES: readonly Candidate[] = [
  {
    name: '2x64-600',
    ...CHARACTERS,
    layers: 2,
    width: 64,
    heads: 2,
    steps: 600,
    rates: ratesOf(0.012, 0.006),
  },
  {
    name: '2x64-1200',
    ...CHARACTERS,
    layers: 2,
    width: 64,
    heads: 2,
    steps: 1200,
    rates: ratesOf(0.012, 0.006),
  },
  {
    name: '12x48-1000',
    ...CHARACTERS,
    layers: 12,
    width: 48,
    heads: 2,
    steps: 1000,
    rates: ratesOf(0.006, 0.004),
  },
  {
    name: 'A-2000',
    ...CHARACTERS,
    layers: 4,
    width: 128,
    heads: 4,
    steps: 2000,
    rates: ratesOf(0.003, 0.002),
  },
  {
    name: 'union-4x128-1000',
    ...BYTE_PAIRS,
    layers: 4,
    width: 128,
    heads: 4,
    steps: 1000,
    rates: ratesOf(0.004, 0.003),
  },
];

const SEEDS: Record<Preset, number> = { smoke: 2, laptop: 3, full: 4 };

function ratesOf(ternary: number, full: number): Candidate['rates'] {
  return { 'b1.58': ternary, 'full-precision': full };
}

function modelOf({ vocabulary, layers, width, heads }: Candidate, options: AblationOptions): ModelConfig {
  return parseModelConfig({
    vocab_size: vocabulary,
    hidden_size: width,
    // 2B4T's 2.7 times the width, in multiples of 16.
    intermediate_size: Math.round((2.7 * width) / 16) * 16,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    max_position_embeddings: 64,
    initializer_range: Number((0.65 / Math.sqrt(width)).toFixed(3)),
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bitlm: options,
  });
}

function runOf(candidate: Candidate, arm: ArmName, steps: number, seed: number): RunSpec {
  const { name, corpus, rates } = candidate;
  const schedule = {
    kind: 'cosine',
    peak: rates[arm],
    minimum: 0,
    warmupSteps: Math.min(100, Math.floor(steps / 10)),
    totalSteps: steps,
    weightDecay: 0.1,
  } as const;
  return {
    name: `${name}/${arm}-seed${seed}`,
    arm: `${name}/${arm}`,
    role: 'final',
    corpus,
    model: modelOf(candidate, ARMS[arm]),
    training: {
      steps,
      batch: 12,
      context: 64,
      schedule,
      evaluateEvery: Math.ceil(steps / 5),
      validationWindows: 64,
      seeds: { weights: seed, batches: seed },
    },
  };
}

/** The cheapest sizes in smoke and laptop. */
function runs(preset: Preset): RunSpec[] {
  const candidates = CANDIDATES.slice(0, { smoke: 1, laptop: 2, full: CANDIDATES.length }[preset]);
  return candidates.flatMap((candidate) =>
    (Object.keys(ARMS) as ArmName[]).flatMap((arm) =>
      Array.from({ length: SEEDS[preset] }, (_, seed) =>
        runOf(candidate, arm, preset === 'smoke' ? 20 : candidate.steps, seed + 1),
      ),
    ),
  );
}

/** What designs take their seeds from. */
export const pilot: Experiment = {
  name: 'pilot',
  title: 'What a comparison costs: the scatter of a run, and the seeds that a difference takes',
  runs,
  table: pilotTable,
};
