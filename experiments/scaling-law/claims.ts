/**
 * What is claimed of size, tokens and coarse weights, held against the grids: BitNet (arXiv 2310.11453, section 3.2), BitNet b1.58
 * (2402.17764), and two later laws that disagree on what more tokens do to the gap (2505.14302, 2506.23025).
 */
import {
  canFitExcessLaw,
  excessBends,
  fitEffectiveParameters,
  fitExcessLaw,
  fitGapPlane,
  interval,
  judge,
  mean,
  precisionLawFactor,
  predictCells,
  type Claim,
  type Contrast,
  type Estimate,
  type Expectation,
  type JudgedClaim,
} from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { REFERENCE } from './grids.js';
import {
  ARM_LABELS,
  gapsOf,
  hasScalingResults,
  learnedCells,
  scalingResults,
  type Cell,
  type GridResults,
} from './results.js';
import { B1, B158 } from '../record/sources.js';

const B1_LAW = `${B1}, section 3.2`;
const B158_TABLES = `${B158}, Tables 1 and 2`;
const GROWS = 'Scaling Law for Quantization-Aware Training (2505.14302)';
const CLOSES = 'Spectra 1.1 (2506.23025)';
const PRECISION = 'Scaling Laws for Precision (2411.04330)';

/** Change of the gap per tenfold that counts as one, in the grid's unit. */
const LEAST = 0.005;

/** Share of α by which a power's local exponent may change over all sizes, and the law still be called a power. */
const STRAIGHT = 0.25;

/** How near a prediction must come to be called accurate: the share of what is left to learn. */
const ACCURATE = 0.05;

/** How near to the precision law's factor an arm's must come: the share of it. */
const NEAR = 0.1;

/** Cells, sizes and lengths that a claim needs. */
const ENOUGH = { cells: 8, sizes: 3, lengths: 2 };

/** Every claim that the runs are enough for. */
export function scalingClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  if (!hasScalingResults(finished)) return [];
  const grids = scalingResults(finished);
  return grids
    .flatMap((grid) => [
      ...powerClaims(grid),
      ...predictionClaims(grid),
      ...gapClaims(grid),
      ...worthClaims(grid),
    ])
    .map(judge);
}

/** Enough places, and seeds that show the noise, for the fits to hold their intervals. */
function isEnough(cells: readonly Pick<Cell, 'parameters' | 'tokens'>[]): boolean {
  const count = (of: (cell: Pick<Cell, 'parameters' | 'tokens'>) => number): number =>
    new Set(cells.map(of)).size;
  const [sizes, lengths] = [count(({ parameters }) => parameters), count(({ tokens }) => tokens)];
  return cells.length >= ENOUGH.cells && sizes >= ENOUGH.sizes && lengths >= ENOUGH.lengths;
}

/** The cells of an arm, where they are enough for a law with known entropy. */
function lawCells(grid: GridResults, arm: string): { cells: Cell[]; entropy: number } | undefined {
  const cells = learnedCells(grid, arm);
  const hasSeeds = cells.some(({ losses }) => losses.size > 1);
  if (grid.entropy === undefined || !isEnough(cells) || !canFitExcessLaw(cells) || !hasSeeds)
    return undefined;
  return { cells, entropy: grid.entropy };
}

type Draft = Omit<Claim, 'ours' | 'kind' | 'repeats' | 'contrast'>;

/** A claim on a coefficient of a fit over cells. */
function onCells(contrast: Contrast, draft: Draft, ours: Estimate = interval(contrast)): Claim {
  const repeats = { of: 'cells of the grid', count: contrast.count };
  return { ...draft, kind: 'trained models', ours, contrast, repeats };
}

/** BitNet's law is of binary weights: those come first. */
function powerClaims(grid: GridResults): Claim[] {
  return ['b1', 'b1.58', REFERENCE].flatMap((arm) => {
    const law = lawCells(grid, arm);
    if (law === undefined) return [];
    return onCells(excessBends(law.cells, law.entropy).size, {
      claim: `Loss falls with size as a power law: ${ARM_LABELS[arm]}, ${grid.title}`,
      ...(arm !== REFERENCE && grid.name === MAIN && { headline: 4 }),
      source: B1_LAW,
      paper: 'L(N) = aN^b + c, no coefficients printed',
      measure: 'change of the local exponent from the smallest to the largest size, as a share of it',
      digits: 2,
      expected: { atLeast: -STRAIGHT, atMost: STRAIGHT, ours: 'the margin' },
    });
  });
}

/** The language with most cells. Predictions and worth are judged on it alone. */
const MAIN = 'zipf1.5';

function predictionClaims(grid: GridResults): Claim[] {
  if (grid.name !== MAIN) return [];
  return ['b1', 'b1.58', REFERENCE].flatMap((arm) => {
    const law = lawCells(grid, arm);
    if (law === undefined) return [];
    return [
      predictionClaim(arm, law, 'parameters', 'The law of the smaller models predicts the largest'),
      predictionClaim(arm, law, 'tokens', 'The law of fewer tokens predicts the most'),
    ].flatMap((claim) => claim ?? []);
  });
}

/** Undefined where too little would be left to fit. */
function predictionClaim(
  arm: string,
  { cells, entropy }: { cells: Cell[]; entropy: number },
  axis: 'parameters' | 'tokens',
  claim: string,
): Claim | undefined {
  const most = Math.max(...cells.map((cell) => cell[axis]));
  const rest = cells.filter((cell) => cell[axis] < most);
  const isLaw = (['parameters', 'tokens'] as const).every(
    (of) => new Set(rest.map((cell) => cell[of])).size >= 3,
  );
  if (!isLaw || !isEnough(rest)) return undefined;
  const errors = predictCells(cells, entropy, (cell) => cell[axis] === most).map(({ error }) => error);
  // Predictions of one law err together: the mean is known no better than one of them.
  const contrast: Contrast = {
    ...errors[0],
    value: mean(errors.map(({ value }) => value)),
    standardError: mean(errors.map(({ standardError }) => standardError)),
  };
  return onCells(contrast, {
    claim: `${claim}: ${ARM_LABELS[arm]}`,
    source: B1_LAW,
    paper: '13B and 30B predicted from 125M–6.7B, in a figure',
    measure: 'ln of measured over predicted excess, mean over the cells held out',
    expected: { atLeast: -ACCURATE, atMost: ACCURATE, ours: 'the margin' },
  });
}

/** Gaps to full precision; on text to the papers' baseline as well. b1 where it is the paper's own subject. */
function gapClaims(grid: GridResults): Claim[] {
  const pairs = [
    ['b1.58', REFERENCE],
    ['b1.58', 'preln-swiglu'],
    ['b1', REFERENCE],
  ] as const;
  return pairs.flatMap(([arm, reference]) => {
    const gaps = gapsOf(grid, arm, reference);
    if (!isEnough(gaps)) return [];
    const { size, tokens, together } = fitGapPlane(gaps);
    const beside = reference === REFERENCE ? '' : `, beside ${ARM_LABELS[reference]}`;
    const gapClaim = (claim: string, contrast: Contrast, rest: GapDraft): Claim =>
      onCells(contrast, {
        claim: `${claim}: ${ARM_LABELS[arm]}, ${grid.title}${beside}`,
        measure: `change of the gap per tenfold, ${grid.unit}`,
        ...rest,
        expected: { ...rest.expected, least: LEAST, ours: 'the least effect' },
      });
    const closing = gapClaim('The gap closes with size, at equal tokens', size, {
      source: arm === 'b1' ? B1_LAW : B158_TABLES,
      paper: arm === 'b1' ? 'in a figure, no numbers' : '0.043 nats at 700M, −0.013 at 3B',
      expected: { below: 0 },
    });
    if (arm === 'b1') return [closing];
    return [
      closing,
      gapClaim('The gap opens with tokens, at equal size', tokens, {
        source: GROWS,
        paper: 'δ = k·D^γD·(log₂ G)^γG·N^−γN with γD above 0; W4A4',
        expected: { above: 0 },
      }),
      gapClaim('The gap closes with tokens, at equal size', tokens, {
        source: CLOSES,
        paper: 'ternary models gain more from tokens than from parameters',
        expected: { below: 0 },
      }),
      gapClaim('The gap closes with size and tokens together, as along D = 20 N', together, {
        source: B158_TABLES,
        paper: 'parity from 3B on, at 100 B tokens',
        expected: { below: 0 },
      }),
    ];
  });
}

type GapDraft = Pick<Draft, 'source' | 'paper'> & { expected: Expectation };

/** What a ternary and a binary parameter are worth, and whether tokens do more for ternary ones than size. */
function worthClaims(grid: GridResults): Claim[] {
  const full = lawCells(grid, REFERENCE);
  if (grid.name !== MAIN || full === undefined) return [];
  const arms = Object.keys(BITS).flatMap((arm) => {
    const law = lawCells(grid, arm);
    return law ? [{ arm, ...law }] : [];
  });
  const coarse = arms.map(({ cells }) => cells);
  const { logWorth } = fitEffectiveParameters(full.cells, coarse, full.entropy);
  return arms.flatMap(({ arm, cells, entropy }, i) => [
    worthClaim(grid, arm, logWorth[i]),
    ...(arm === 'b1.58' ? [dataClaim(grid, fitExcessLaw(cells, entropy).tokensOverSize)] : []),
  ]);
}

/** What a weight carries. */
const BITS: Readonly<Record<string, number>> = { 'b1.58': Math.log2(3), b1: 1 };

function worthClaim({ title }: GridResults, arm: string, logWorth: Contrast): Claim {
  const factor = precisionLawFactor(BITS[arm]);
  const { value, low, high, count } = interval(logWorth);
  const ours = { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high), count };
  const draft: Draft = {
    claim: `A parameter of ${ARM_LABELS[arm]} is worth what the precision law says`,
    source: PRECISION,
    paper: `${factor.toFixed(3)}: its N_eff/N, fitted on 3 to 16 bits, at ${BITS[arm].toFixed(2)}`,
    measure: `k in A/(kN)^α, ${title}`,
    expected: { atLeast: (1 - NEAR) * factor, atMost: (1 + NEAR) * factor, ours: 'the margin' },
  };
  const contrast = { ...logWorth, value: ours.value, standardError: ours.value * logWorth.standardError };
  return onCells(contrast, draft, ours);
}

function dataClaim({ title }: GridResults, tokensOverSize: Contrast): Claim {
  return onCells(tokensOverSize, {
    claim: 'Ternary models gain more from tokens than from parameters',
    source: CLOSES,
    paper: 'in words',
    measure: `β − α of L(N, D) = H + A/N^α + B/D^β, b1.58, ${title}`,
    expected: { above: 0 },
  });
}
