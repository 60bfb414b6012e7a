/**
 * The grids: three languages of Zipf facts, whose entropy is known, and the State of the Union. All are sized for two cores; what the
 * presets share are the very same runs, as far as their rates agree.
 */
import { BITNET_B158, FULL_PRECISION } from '@bitnet-notebooks/lib';
import type { Preset } from '../sweep/run-spec.js';
import type { Shape } from '../sweep/sized-model.js';
import type { Grid, GridArm, Tuning, TuningPlace } from './grid.js';

/** The reference of every gap, and the arm that it is called after. */
export const REFERENCE = 'full-precision';

/** b1 has sign weights in 2B4T's body, as b1.58 has ternary ones: weights are all that differ. */
const ZIPF_ARMS: readonly GridArm[] = [
  { name: REFERENCE, options: FULL_PRECISION },
  { name: 'b1.58', options: BITNET_B158 },
  { name: 'b1', options: { ...BITNET_B158, weight_quantizer: 'sign' } },
];

/** The same body without quantizers, and the papers' baseline: Pre-LN and SwiGLU. */
const TEXT_ARMS: readonly GridArm[] = [
  ...ZIPF_ARMS.slice(0, 2),
  { name: 'preln-swiglu', options: { ...FULL_PRECISION, norm_placement: 'preln' }, activation: 'silu' },
];

/** Exponents of the keys. */
const EXPONENTS = [1.5, 1, 2] as const;

/** Zipf facts: two layers, 1.6 k to 157 k parameters in the body, each size about 2.5 times the one before. */
const zipfShape = (width: number): Shape => ({ width, layers: 2 });

const SEEDS = [1, 2, 3];

function cellsOf(
  shapes: readonly Shape[],
  steps: readonly number[],
  seeds: readonly number[],
): Grid['cells'] {
  return shapes.flatMap((shape) => steps.map((count) => ({ shape, steps: count, seeds })));
}

/** Windows of two triples: enough to need attention, and short enough to learn it in few steps. 1,536 tokens a step. */
function zipfGrid(exponent: number, rest: Pick<Grid, 'arms' | 'cells' | 'tuning'>): Grid {
  return {
    name: `zipf${exponent}`,
    corpus: { name: 'zipf-facts', vocabSize: 128, exponent, noise: 0.1, startToken: true },
    vocabulary: 129,
    headSize: 64,
    batch: 256,
    context: 6,
    weightDecay: 0,
    windows: { tuning: 4096, test: 16_384 },
    ...rest,
  };
}

/** Corners that are cheap, and the middle: rates are read between them, and for the longest a little beyond. */
const ZIPF_TUNING: readonly TuningPlace[] = [
  { shape: zipfShape(8), steps: 150, lowest: 1.2e-2, seeds: 3 },
  { shape: zipfShape(8), steps: 1200, lowest: 8e-3 },
  { shape: zipfShape(20), steps: 300, lowest: 8e-3 },
  { shape: zipfShape(80), steps: 75, lowest: 6e-3 },
  { shape: zipfShape(80), steps: 600, lowest: 4e-3 },
];

const LAPTOP_TUNING: readonly TuningPlace[] = [
  { shape: zipfShape(8), steps: 150, lowest: 1.2e-2, seeds: 3 },
  { shape: zipfShape(8), steps: 600, lowest: 1e-2 },
  { shape: zipfShape(20), steps: 300, lowest: 8e-3 },
  { shape: zipfShape(52), steps: 75, lowest: 8e-3 },
  { shape: zipfShape(52), steps: 300, lowest: 6e-3 },
];

/** Rates of an hour's search: two more beyond either edge are seldom asked for. */
const LONG = { count: 6, extensions: 3 };

function smoke(): { grids: Grid[]; tuning: Tuning } {
  const shapes = [8, 12, 20].map(zipfShape);
  const grid = zipfGrid(1.5, {
    arms: ZIPF_ARMS,
    cells: cellsOf(shapes, [2, 4, 8], [1]),
    tuning: [8, 20].flatMap((width) =>
      [2, 4].map((steps) => ({ shape: zipfShape(width), steps, lowest: 8e-3 })),
    ),
  });
  return {
    grids: [{ ...grid, batch: 16, windows: { tuning: 64, test: 256 } }],
    tuning: { count: 4, extensions: 0 },
  };
}

/** One language, four sizes by four lengths, two seeds: 1.5 decades of N by 1.2 of D. */
function laptop(): { grids: Grid[]; tuning: Tuning } {
  const shapes = [8, 12, 20, 52].map(zipfShape);
  const cells = cellsOf(shapes, [75, 150, 300, 600], [1, 2]);
  return {
    grids: [zipfGrid(1.5, { arms: ZIPF_ARMS, cells, tuning: LAPTOP_TUNING })],
    tuning: { count: 5, extensions: 1 },
  };
}

/** 2.0 decades of N by 1.5 of D on the language of exponent 1.5, fewer cells on the others, and the text. */
function full(): { grids: Grid[]; tuning: Tuning } {
  const main = cellsOf([8, 12, 20, 32, 52, 80].map(zipfShape), [75, 150, 300, 600, 1200, 2400], SEEDS);
  const other = cellsOf([8, 20, 52, 80].map(zipfShape), [150, 600, 2400], SEEDS);
  const languages = EXPONENTS.map((exponent) =>
    zipfGrid(exponent, {
      arms: ZIPF_ARMS,
      cells: exponent === 1.5 ? main : other,
      tuning: ZIPF_TUNING,
    }),
  );
  return { grids: [...languages, textGrid()], tuning: LONG };
}

/** Steps of one pass through the training part: 2.2 M byte pairs, 1,024 of them a step. */
export const PASS = 2152;

/**
 * The State of the Union, 0.2 M to 10.8 M parameters outside the embedding, a quarter of a pass to four. What is
 * long or large has one seed: the largest takes more than half an hour a pass.
 */
function textGrid(): Grid {
  const [tiny, small, medium, large] = [
    { layers: 4, width: 64 },
    { layers: 4, width: 128 },
    { layers: 6, width: 192 },
    { layers: 6, width: 384 },
  ];
  const cell = (shape: Shape, passes: number, seeds: readonly number[]): Grid['cells'][number] => ({
    shape,
    steps: passes * PASS,
    seeds,
  });
  return {
    name: 'union',
    corpus: { name: 'state-of-the-union', vocabSize: 4096 },
    vocabulary: 4096,
    headSize: 64,
    arms: TEXT_ARMS,
    cells: [
      ...[0.25, 1].flatMap((passes) => [tiny, small].map((shape) => cell(shape, passes, SEEDS))),
      cell(tiny, 4, [1]),
      cell(small, 2, [1]),
      cell(medium, 0.25, SEEDS),
      cell(medium, 1, [1]),
      ...[0.25, 1].map((passes) => cell(large, passes, [1])),
    ],
    tuning: [
      { shape: tiny, steps: 0.25 * PASS, lowest: 3e-3 },
      { shape: tiny, steps: 0.5 * PASS, lowest: 2e-3 },
      { shape: small, steps: 0.25 * PASS, lowest: 2e-3 },
      { shape: medium, steps: 0.125 * PASS, lowest: 1.4e-3 },
    ],
    batch: 16,
    context: 64,
    weightDecay: 0.1,
    windows: { tuning: 512, test: 'all' },
  };
}

/** Of a preset: its grids, and how their rates are searched. */
export function gridsOf(preset: Preset): { grids: Grid[]; tuning: Tuning } {
  return { smoke, laptop, full }[preset]();
}
