/**
 * Made-up losses on a grid of sizes and tokens whose law is known: how often do the intervals of its fits hold the truth? Cells
 * scatter around the law by more than their seeds do, as rates that are a little off make them.
 */
import { RandomStream } from '../random.js';
import { interval, type Contrast } from './contrast.js';
import { fitEffectiveParameters } from './effective-parameters.js';
import { excessBends, fitExcessLaw, type GridCell } from './excess-law.js';
import { fitGapLaw, fitGapPlane, type GapCell } from './gap-law.js';
import { predictCells } from './held-out-cells.js';

/** L(N, D) = H + A/(kN)^α + B/D^β, and how losses scatter around it. */
export interface MadeUpGrid {
  entropy: number;
  A: number;
  alpha: number;
  B: number;
  beta: number;
  /** k of the coarse arm. */
  worth: number;
  /** Standard deviation of a cell around the law, as a share of its excess. */
  scatter: number;
  /** Standard deviation of a loss over seeds, nats. */
  noise: number;
  seeds: number;
  sizes: readonly number[];
  tokens: readonly number[];
}

/** The grid of the main language, in its sizes, lengths and seeds. */
export const MADE_UP_GRID: Readonly<MadeUpGrid> = Object.freeze({
  entropy: 0.804,
  A: 30,
  alpha: 0.4,
  B: 3000,
  beta: 0.65,
  worth: 0.45,
  scatter: 0.04,
  noise: 0.012,
  seeds: 3,
  sizes: [1_668, 3_678, 10_050, 25_488, 66_974, 157_600],
  tokens: [115_200, 230_400, 460_800, 921_600, 1_843_200, 3_686_400],
});

/** What the trials estimate, by the names that the bench prints. */
const ESTIMATES = [
  'α',
  'β',
  'bend of size',
  'bend of tokens',
  'ln k',
  'prediction',
  'plane, N',
  'plane, D',
  'plane, both',
] as const;

/** Share of trials whose 95 % interval held the truth, by what was estimated. */
export function gridCoverage(
  trials: number,
  world: Readonly<MadeUpGrid> = MADE_UP_GRID,
): Record<(typeof ESTIMATES)[number], number> {
  const held = Object.fromEntries(ESTIMATES.map((name) => [name, 0])) as Record<
    (typeof ESTIMATES)[number],
    number
  >;
  const plane = fitGapPlane(gapsBetween(exactCells(world, world.worth), exactCells(world, 1)));
  for (let trial = 0; trial < trials; trial++) {
    const [full, coarse] = madeUpCells(world, trial);
    const law = fitExcessLaw(full, world.entropy);
    const bends = excessBends(full, world.entropy);
    const [logWorth] = fitEffectiveParameters(full, [coarse], world.entropy).logWorth;
    const gaps = fitGapPlane(gapsBetween(coarse, full));
    const largest = Math.max(...world.sizes);
    // The held-out cell in the middle of the row: what it strays from the law by is part of its error.
    const predicted = predictCells(full, world.entropy, ({ parameters }) => parameters === largest);
    const estimates: [(typeof ESTIMATES)[number], Contrast, number][] = [
      ['α', law.alpha, world.alpha],
      ['β', law.beta, world.beta],
      ['bend of size', bends.size, 0],
      ['bend of tokens', bends.tokens, 0],
      ['ln k', logWorth, Math.log(world.worth)],
      ['prediction', predicted[predicted.length >> 1].error, 0],
      ['plane, N', gaps.size, plane.size.value],
      ['plane, D', gaps.tokens, plane.tokens.value],
      ['plane, both', gaps.together, plane.together.value],
    ];
    for (const [name, contrast, truth] of estimates) {
      const { low, high } = interval(contrast);
      if (low <= truth && truth <= high) held[name] += 1 / trials;
    }
  }
  return held;
}

/** A gap of known law, δ = k·D^γD·N^−γN, with normal noise: shares of trials whose intervals held γN and γD. */
export function gapLawCoverage(
  trials: number,
  { sizes, tokens, noise, seeds }: Readonly<MadeUpGrid> = MADE_UP_GRID,
  truth: { k: number; gammaN: number; gammaD: number } = { k: 0.5, gammaN: 0.25, gammaD: 0.1 },
): Record<'γN' | 'γD', number> {
  const held = { γN: 0, γD: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const random = new RandomStream(trial, 'bootstrap', 2 ** 34 + trial);
    const cells = sizes.flatMap((parameters) =>
      tokens.map((count): GapCell => {
        const gap = truth.k * count ** truth.gammaD * parameters ** -truth.gammaN;
        return { parameters, tokens: count, gap: gap + noise * Math.sqrt(2 / seeds) * random.normal() };
      }),
    );
    const { gammaN, gammaD } = fitGapLaw(cells);
    const holds = (contrast: Contrast, value: number): boolean => {
      const { low, high } = interval(contrast);
      return low <= value && value <= high;
    };
    if (holds(gammaN, truth.gammaN)) held.γN += 1 / trials;
    if (holds(gammaD, truth.gammaD)) held.γD += 1 / trials;
  }
  return held;
}

function exactCells({ entropy, A, alpha, B, beta, sizes, tokens }: MadeUpGrid, worth: number): GridCell[] {
  return sizes.flatMap((parameters) =>
    tokens.map((count) => ({
      parameters,
      tokens: count,
      loss: entropy + A * (worth * parameters) ** -alpha + B * count ** -beta,
    })),
  );
}

/** Full precision and the coarse arm of one trial. */
function madeUpCells(world: Readonly<MadeUpGrid>, trial: number): [GridCell[], GridCell[]] {
  const random = new RandomStream(trial, 'bootstrap', 2 ** 35 + trial);
  const noisy = (cells: GridCell[]): GridCell[] =>
    cells.map((cell) => {
      const strayed = (cell.loss - world.entropy) * Math.exp(world.scatter * random.normal());
      const seeds = (world.noise / Math.sqrt(world.seeds)) * random.normal();
      return { ...cell, loss: world.entropy + Math.max(1e-3, strayed + seeds) };
    });
  return [noisy(exactCells(world, 1)), noisy(exactCells(world, world.worth))];
}

function gapsBetween(cells: readonly GridCell[], others: readonly GridCell[]): GapCell[] {
  return cells.map(({ parameters, tokens, loss }, i) => ({ parameters, tokens, gap: loss - others[i].loss }));
}
