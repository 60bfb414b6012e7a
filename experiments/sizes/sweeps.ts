/**
 * The two size sweeps whose pairs the fp16 comparison weighs: Zipf facts, whose entropy is known, and Tiny Shakespeare. Both are sized for two cores; what the
 * presets share are the very same runs.
 */
import { BITNET_B158, FULL_PRECISION } from '@bitnet-notebooks/lib';
import type { Preset } from '../sweep/run-spec.js';
import type { Shape } from '../sweep/sized-model.js';
import type { SizeArm, SizeSweep } from './size-sweep.js';

/** The two arms whose gap is the question. */
const MAIN_ARMS = ['full-precision', 'b1.58'] as const;

const OPTIONS = {
  'full-precision': FULL_PRECISION,
  'b1.58': BITNET_B158,
} as const;

type ArmName = keyof typeof OPTIONS;

function arm(name: ArmName, rest: Omit<SizeArm, 'name' | 'options'>): SizeArm {
  return { name, options: OPTIONS[name], ...rest };
}

/** Zipf facts: two layers, 5 k to 278 k parameters, each size about 1.65 times the one before. */
const ZIPF_SHAPES: readonly Shape[] = [12, 16, 20, 28, 40, 52, 64, 80, 104].map((width) => ({
  width,
  layers: 2,
}));
const ZIPF_GRID = [4e-3, 8e-3, 1.6e-2];

/** What full found by tuning, at the widths between which it changes. Laptop has no time to find it again. */
const FOUND_RATES = {
  'full-precision': [
    { width: 40, rate: 1.6e-2 },
    { width: 104, rate: 8e-3 },
  ],
  'b1.58': [
    { width: 40, rate: 3.2e-2 },
    { width: 104, rate: 8e-3 },
  ],
} as const;

const widths = (shapes: readonly Shape[], ...wanted: number[]): Shape[] =>
  shapes.filter(({ width }) => wanted.includes(width));

/**
 * Steps and tokens are equal for all sizes: 600 steps of 480 windows of two triples, 1.7 M tokens. With 0.48 M tokens the
 * largest sizes had hardly anything to gain.
 */
export function zipfSweep(preset: Preset): SizeSweep {
  const shared = {
    name: 'zipf',
    // The exponent 1.5 is that of the language whose curve is straight.
    corpus: { name: 'zipf-facts', vocabSize: 128, exponent: 1.5, noise: 0.1, startToken: true },
    vocabulary: 129,
    headSize: 64,
    shapes: ZIPF_SHAPES,
    // Windows of two triples: enough to need attention, and short enough to learn it in so few steps.
    batch: 480,
    context: 6,
    weightDecay: 0,
    windows: { curve: 512, tuning: 4096, final: 16_384 },
  } as const;
  if (preset === 'smoke') {
    const shapes = widths(ZIPF_SHAPES, 12, 16, 20, 28, 40, 52);
    const main = { tunedWidths: [20], grid: [8e-3, 1.6e-2], shapes, seeds: [1] };
    return {
      ...shared,
      arms: MAIN_ARMS.map((name) => arm(name, main)),
      steps: 8,
      tuningSteps: 4,
      extensions: 0,
      batch: 16,
      windows: { curve: 32, tuning: 64, final: 256 },
    };
  }
  const length = { ...shared, steps: 600, tuningSteps: 200, extensions: 2 };
  const tuned = { tunedWidths: [12, 40, 104], grid: ZIPF_GRID };
  if (preset === 'laptop') {
    const main = {
      ...tuned,
      shapes: widths(ZIPF_SHAPES, 12, 16, 20, 28, 40, 64, 104),
      seeds: [1, 2],
    };
    return { ...length, arms: MAIN_ARMS.map((name) => arm(name, { ...main, rates: FOUND_RATES[name] })) };
  }
  return {
    ...length,
    arms: MAIN_ARMS.map((name) => arm(name, { ...tuned, shapes: ZIPF_SHAPES, seeds: [1, 2, 3] })),
  };
}

/** Tiny Shakespeare: 21 k to 4 M parameters. */
const SHAKESPEARE_SHAPES: readonly Shape[] = [
  { width: 28, layers: 2 },
  { width: 44, layers: 2 },
  { width: 64, layers: 2 },
  { width: 96, layers: 2 },
  { width: 128, layers: 4 },
  { width: 192, layers: 4 },
  { width: 288, layers: 4 },
];

/** 480 steps of 8 windows of 64 characters: 246 k characters, a quarter of the text, so that nothing can be overfitted. */
export function shakespeareSweep(preset: Preset): SizeSweep {
  const shared = {
    name: 'shakespeare',
    corpus: { name: 'tiny-shakespeare' },
    vocabulary: 65,
    headSize: 32,
    shapes: SHAKESPEARE_SHAPES,
    batch: 8,
    context: 64,
    weightDecay: 0.1,
    windows: { curve: 48, tuning: 512 },
  } as const;
  if (preset === 'smoke') {
    const shapes = widths(SHAKESPEARE_SHAPES, 28, 44, 64);
    const main = { tunedWidths: [28], grid: [4e-3, 8e-3], shapes, seeds: [1] };
    return {
      ...shared,
      arms: MAIN_ARMS.map((name) => arm(name, main)),
      steps: 4,
      tuningSteps: 2,
      extensions: 0,
    };
  }
  const length = { ...shared, steps: 480, tuningSteps: 160, extensions: 2 };
  const grid = [3e-3, 6e-3, 1.2e-2];
  if (preset === 'laptop') {
    const shapes = widths(SHAKESPEARE_SHAPES, 28, 44, 64, 96);
    const main = { tunedWidths: [28, 96], grid, shapes, seeds: [1] };
    return { ...length, arms: MAIN_ARMS.map((name) => arm(name, main)) };
  }
  const main = { tunedWidths: [28, 96, 192, 288], grid, shapes: SHAKESPEARE_SHAPES, seeds: [1, 2, 3] };
  return { ...length, arms: MAIN_ARMS.map((name) => arm(name, main)) };
}
