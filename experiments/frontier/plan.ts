/** Shapes, lengths and seeds of the frontier on both corpora, for each preset. */
import type { CorpusSpec, Preset } from '../sweep/run-spec.js';
import type { Shape, SizedModels } from '../sweep/sized-model.js';

/** A model's size. All widths are multiples of a group of weights, or at most one group. */
export interface FrontierShape extends Shape {
  /** Width of the feed-forward. */
  inner: number;
}

/** How arms are trained on one corpus. */
export interface CorpusPlan extends SizedModels {
  /** Opens the names of its runs. */
  name: 'text' | 'facts';
  corpus: CorpusSpec;
  shapes: readonly FrontierShape[];
  /** The shapes that rates are searched at, ascending; others follow by a power of the width. */
  tunedShapes: readonly FrontierShape[];
  arms: readonly string[];
  /** Seeds of reported runs, and of the search. */
  seeds: readonly number[];
  /** Seeds at the largest shape, where equal shapes are compared, of the arms that claims name. */
  largestSeeds: readonly number[];
  tuningSeeds: readonly number[];
  /** What the arms' lowest rates are multiplied by; rates of a search at first, and rates that it may add. */
  rateFactor: number;
  rates: number;
  extensions: number;
  steps: number;
  batch: number;
  weightDecay: number;
  windows: { curve: number; tuning: number; test: number };
  /** Shapes that BitNet's Table 3 is made at. */
  table3: readonly FrontierShape[];
}

const shape = (layers: number, width: number, inner: number): FrontierShape => ({ layers, width, inner });

/** Tiny Shakespeare: 29 k to 1.3 M parameters. */
const TEXT_SHAPES = [
  shape(2, 32, 96),
  shape(2, 64, 192),
  shape(2, 96, 288),
  shape(4, 96, 288),
  shape(4, 128, 384),
  shape(4, 160, 480),
] as const;

/** Zipf facts: 5 k to 253 k parameters. */
const FACT_SHAPES = [
  shape(2, 12, 32),
  shape(2, 16, 64),
  shape(2, 24, 64),
  shape(2, 32, 96),
  shape(2, 64, 192),
  shape(2, 96, 288),
] as const;

const ALL_ARMS = [
  'full-precision',
  'llama',
  'b1.58',
  'b1',
  'late-half',
  'late-fifth',
  'int3-trained',
  'int4-trained',
  'int6-trained',
  'int8-trained',
];

/** Arms that a claim hangs on. */
const CLAIMED = ['full-precision', 'llama', 'b1.58', 'b1', 'late-half', 'late-fifth'];

const THREE = [1, 2, 3];
const EIGHT = [...THREE, 4, 5, 6, 7, 8];

/** Reported seeds of an arm at a shape of the plan. */
export function seedsAt(
  { shapes, seeds, largestSeeds }: CorpusPlan,
  arm: string,
  shape: FrontierShape,
): readonly number[] {
  return shape === shapes.at(-1) && CLAIMED.includes(arm) ? largestSeeds : seeds;
}

/** 960 steps of 8 windows of 64 characters: half of the text, so that nothing can be overfitted. */
const TEXT: CorpusPlan = {
  name: 'text',
  corpus: { name: 'tiny-shakespeare', testShare: 0.05 },
  vocabulary: 65,
  headSize: 32,
  shapes: TEXT_SHAPES,
  tunedShapes: [TEXT_SHAPES[0], TEXT_SHAPES[2]],
  arms: ALL_ARMS,
  seeds: THREE,
  largestSeeds: EIGHT,
  tuningSeeds: [100, 101],
  rateFactor: 1,
  rates: 5,
  extensions: 4,
  steps: 960,
  batch: 8,
  context: 64,
  weightDecay: 0.1,
  windows: { curve: 32, tuning: 256, test: 512 },
  table3: [TEXT_SHAPES[0], TEXT_SHAPES[2], TEXT_SHAPES[5]],
};

/** 400 steps of 480 windows of two triples, 1.2 M tokens; the language of the scaling law. */
const FACTS: CorpusPlan = {
  name: 'facts',
  corpus: { name: 'zipf-facts', vocabSize: 128, exponent: 1.5, noise: 0.1, startToken: true },
  vocabulary: 129,
  headSize: 64,
  shapes: FACT_SHAPES,
  tunedShapes: [FACT_SHAPES[1], FACT_SHAPES[3]],
  arms: ['full-precision', 'llama', 'b1.58', 'b1', 'late-half', 'int3-trained', 'int4-trained'],
  seeds: THREE,
  largestSeeds: EIGHT,
  tuningSeeds: [100, 101],
  rateFactor: 2,
  rates: 5,
  extensions: 4,
  steps: 400,
  batch: 480,
  context: 6,
  weightDecay: 0,
  windows: { curve: 256, tuning: 4096, test: 8192 },
  table3: [],
};

/** On `laptop` the three smallest shapes of the text and the arms that the claims need; half as much text judges them. */
export function frontierPlans(preset: Preset): CorpusPlan[] {
  if (preset === 'full') return [TEXT, FACTS];
  const arms = ['full-precision', 'b1.58', 'b1'];
  const [smallest, middle] = TEXT_SHAPES;
  if (preset === 'laptop') {
    const windows = { ...TEXT.windows, test: 256 };
    return [{ ...TEXT, windows, arms, shapes: TEXT_SHAPES.slice(0, 3), table3: [middle] }];
  }
  const smoke = {
    arms: [...arms, 'late-half'],
    seeds: [1, 2],
    largestSeeds: [1, 2],
    rates: 4,
    extensions: 0,
    steps: 10,
    windows: { curve: 4, tuning: 8, test: 16 },
  };
  const shapes = { shapes: [smallest, middle], tunedShapes: [smallest], table3: [smallest] };
  return [{ ...TEXT, ...smoke, ...shapes, batch: 4 }];
}
