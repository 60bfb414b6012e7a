/** What the runs of the grids come to: a cell for each size and number of tokens, an arm's losses in it, and gaps between arms. */
import {
  interval,
  mean,
  perfectLosses,
  ZipfFacts,
  type Estimate,
  type GapCell,
  type GridCell,
} from '@bitnet-notebooks/lib';
import { commonSeeds, seedOf } from '../sweep/by-seed.js';
import { finalRuns, lossOf, type FinishedRun } from '../sweep/finished-run.js';
import type { CorpusSpec } from '../sweep/run-spec.js';
import { groupBy } from '../sweep/group-by.js';
import { shapeOf } from '../sweep/sized-model.js';
import { requireOneVersion } from '../sweep/versions.js';
import { bodyParameters, tokensOf } from './grid.js';
import { REFERENCE } from './grids.js';

/** How arms are written, in their order. */
export const ARM_LABELS: Readonly<Record<string, string>> = {
  [REFERENCE]: 'full precision',
  'preln-swiglu': 'full precision, Pre-LN + SwiGLU',
  'b1.58': 'b1.58',
  b1: 'b1',
};

/** All runs of one arm at one size and number of tokens. */
export interface Cell extends GridCell {
  /** `2×64`: layers and width. */
  shape: string;
  /** Losses by seed, in the grid's unit; Infinity where a run diverged. */
  losses: ReadonlyMap<number, number>;
  /** Peak learning rate. */
  rate: number;
}

/** A gap at one size and number of tokens. */
export interface Gap extends GapCell {
  shape: string;
  /** With Student's interval, its noise pooled over the sizes of equal tokens. */
  estimate: Estimate;
}

/** One arm on one grid, by size and then by tokens. */
export interface ArmCells {
  arm: string;
  label: string;
  /** Cells none of whose runs diverged. */
  cells: Cell[];
  /** Runs that diverged. */
  diverged: number;
}

/** One language or text. */
export interface GridResults {
  /** `zipf1.5`, or the name of a text. */
  name: string;
  title: string;
  unit: 'nats' | 'bits per byte';
  /** Exact entropy of what the loss is taken over; absent for a text. */
  entropy?: number;
  arms: ArmCells[];
  /**
   * Cells in which full precision has learned something, as `parameters tokens`: at least a quarter of what there is to learn. Before that
   * there is nothing that arms could differ in. All cells of a text.
   */
  learned: ReadonlySet<string>;
  /** Tokens of one pass through a text; absent for an endless language. */
  pass?: number;
}

/** Share of what there is to learn that full precision must have learned in a cell that counts. */
const LEARNED = 0.25;

/** Texts, with the tokens of their training parts: byte pairs of the committed tokenizer, and characters, a byte each. */
const TEXTS = {
  'state-of-the-union': { title: 'State of the Union', pass: 2_203_649 },
  'tiny-shakespeare': { title: 'Tiny Shakespeare', pass: 1_003_854 },
} as const;

/** True once a run has ended that {@link scalingResults} can begin with. */
export function hasScalingResults(all: readonly FinishedRun[]): boolean {
  return finalRuns(all).length > 0;
}

/**
 * Results by grid, in the runs' order.
 * @throws Error where there are none, or they were not all computed by one backend and version
 */
export function scalingResults(all: readonly FinishedRun[]): GridResults[] {
  const finals = finalRuns(all);
  if (!hasScalingResults(all)) {
    throw new Error(
      'scaling law: there must be finished runs, got none. ' +
        'Make them: npm run experiment -- scaling-law --preset laptop',
    );
  }
  requireOneBackend(finals);
  requireOneVersion('scaling law', finals);
  return [...groupBy(finals, gridName)].map(([name, runs]) => gridResults(name, runs));
}

/** Losses of different backends agree to rounding only, which small gaps do not forgive. */
function requireOneBackend(runs: readonly FinishedRun[]): void {
  const found = [...new Set(runs.map(({ backend: { name, version } }) => `${name} ${version}`))];
  if (found.length > 1) {
    throw new Error(
      `scaling law: all runs must be computed by one backend, got ${found.join(' and ')} in one result. ` +
        'Set them side by side (besideRecorded), or run the experiment again in an empty runs folder.',
    );
  }
}

/** A grid is a language or a text. */
function gridName({ corpus }: FinishedRun): string {
  return corpus.name === 'zipf-facts' ? `zipf${corpus.exponent}` : corpus.name;
}

function gridResults(name: string, runs: readonly FinishedRun[]): GridResults {
  const { corpus } = runs[0];
  const { toUnit, ...grid } = unitOf(corpus, runs[0]);
  const arms = Object.entries(ARM_LABELS).flatMap(([arm, label]): ArmCells[] => {
    const own = runs.filter((run) => run.arm === arm);
    if (own.length === 0) return [];
    const cells = cellsOf(own, toUnit);
    const isWhole = ({ losses }: Cell): boolean => [...losses.values()].every(Number.isFinite);
    const diverged = cells
      .flatMap(({ losses }) => [...losses.values()])
      .filter((loss) => !Number.isFinite(loss));
    return [{ arm, label, cells: cells.filter(isWhole), diverged: diverged.length }];
  });
  const reference = arms.find(({ arm }) => arm === REFERENCE)?.cells ?? [];
  const { ceiling, entropy = 0 } = grid;
  const isLearned = ({ loss }: Cell): boolean =>
    ceiling === undefined || ceiling - loss >= LEARNED * (ceiling - entropy);
  return { name, ...grid, arms, learned: new Set(reference.filter(isLearned).map(placeOf)) };
}

type Unit = Pick<GridResults, 'title' | 'unit' | 'entropy' | 'pass'> & {
  /** Loss of a model that knows nothing but frequencies. */
  ceiling?: number;
  toUnit: (run: FinishedRun) => number;
};

/** What losses of a corpus are given in. On Zipf facts: on value positions, with the noise of the sample taken out. */
function unitOf(corpus: CorpusSpec, { test, testWindows, finalWindows = 0, training }: FinishedRun): Unit {
  if (corpus.name !== 'zipf-facts') {
    return {
      title: TEXTS[corpus.name].title,
      unit: 'bits per byte',
      pass: TEXTS[corpus.name].pass,
      toUnit: (run) => lossOf(run) / Math.LN2 / (run.test?.bytesPerToken ?? 1),
    };
  }
  const { name: _, ...options } = corpus;
  const language = new ZipfFacts(options);
  const [part, windows] = test ? (['test', testWindows] as const) : (['validation', finalWindows] as const);
  const perfect = perfectLosses(language, Number(windows), training.context, part).v;
  const { entropy, unigramLoss } = language.entropy.kinds.find(({ name }) => name === 'v')!;
  return {
    title: `Zipf facts, exponent ${options.exponent}`,
    unit: 'nats',
    entropy,
    ceiling: unigramLoss,
    toUnit: (run) => lossOf(run) - perfect + entropy,
  };
}

function cellsOf(runs: readonly FinishedRun[], toUnit: (run: FinishedRun) => number): Cell[] {
  const groups = groupBy(runs, ({ model, training }) =>
    placeOf({ parameters: bodyParameters(model), tokens: tokensOf(training) }),
  );
  const cells = [...groups.values()].map((own): Cell => {
    const [first] = own;
    const { model, training } = first;
    const losses = new Map(own.map((run) => [seedOf(run), toUnit(run)]));
    return {
      shape: shapeOf(first),
      parameters: bodyParameters(model),
      tokens: tokensOf(training),
      losses,
      loss: mean([...losses.values()]),
      rate: training.schedule.peak,
    };
  });
  return cells.toSorted((a, b) => a.parameters - b.parameters || a.tokens - b.tokens);
}

/** Of a cell, the same in all arms of one body. */
export function placeOf({ parameters, tokens }: Pick<GridCell, 'parameters' | 'tokens'>): string {
  return `${parameters} ${tokens}`;
}

/** The cells of an arm that count; none where the grid has no such arm. */
export function learnedCells({ arms, learned }: GridResults, arm: string): Cell[] {
  const cells = arms.find((one) => one.arm === arm)?.cells ?? [];
  // An arm with another body has other gains, and a few parameters more or less.
  return cells.filter((cell) => [...learned].some((place) => isSamePlace(place, cell)));
}

function isSamePlace(place: string, { parameters, tokens }: Cell): boolean {
  const [other, length] = place.split(' ').map(Number);
  return length === tokens && Math.abs(Math.log(parameters / other)) < 0.05;
}

/**
 * The gaps of an arm to another one, by size and then by tokens, in the cells that count and over the seeds that both have. Three seeds say
 * little of their own noise, which depends on tokens most: it is pooled over the sizes of equal tokens.
 */
export function gapsOf(grid: GridResults, arm: string, reference: string = REFERENCE): Gap[] {
  const others = learnedCells(grid, reference);
  const pairs = learnedCells(grid, arm).flatMap((cell) => {
    const other = others.find((one) => one.shape === cell.shape && one.tokens === cell.tokens);
    const seeds = other ? commonSeeds([cell.losses, other.losses]) : [];
    const differences = seeds.map((seed) => cell.losses.get(seed)! - other!.losses.get(seed)!);
    return seeds.length > 0 ? [{ cell, differences }] : [];
  });
  return pairs.map(({ cell: { shape, parameters, tokens }, differences }): Gap => {
    const alike = pairs.filter(({ cell }) => cell.tokens === tokens);
    const squares = alike.reduce((sum, pair) => sum + squaresAround(pair.differences), 0);
    const degrees = alike.reduce((sum, pair) => sum + pair.differences.length - 1, 0);
    const { length: count } = differences;
    const gap = mean(differences);
    const standardError = Math.sqrt(squares / degrees / count);
    return {
      shape,
      parameters,
      tokens,
      gap,
      estimate: interval({ value: gap, standardError, degrees, count }),
    };
  });
}

/** Σ (vᵢ − mean)². */
function squaresAround(values: readonly number[]): number {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0);
}
