/** The pictures of the gap to full precision over size and tokens, and of what a coarse parameter is worth. */
import {
  fitEffectiveParameters,
  fitExcessLaw,
  fitGapLaw,
  heatmapFigure,
  lineFigure,
  precisionLawFactor,
  shiftBySize,
  type Figure,
  type LineSeries,
  type MeasuredLoss,
} from '@bitnet-notebooks/lib';
import {
  armOf,
  count,
  lineLabels,
  linesBy,
  requireEntropy,
  SIZE_AXIS,
  TOKENS_AXIS,
  withRoom,
} from './figures.js';
import { REFERENCE } from './grids.js';
import { ARM_LABELS, gapsOf, learnedCells, type Gap, type GridResults } from './results.js';

/** The gap against size, a line for each number of tokens. */
export function gapSizeFigure(grid: GridResults, arm: string, reference: string = REFERENCE): Figure {
  return gapFigure(grid, arm, reference, 'parameters');
}

/** The gap against tokens, a line for each size. */
export function gapTokensFigure(grid: GridResults, arm: string, reference: string = REFERENCE): Figure {
  return gapFigure(grid, arm, reference, 'tokens');
}

function gapFigure(
  grid: GridResults,
  arm: string,
  reference: string,
  along: 'parameters' | 'tokens',
): Figure {
  const gaps = gapsOf(grid, arm, reference);
  const series = linesBy(gaps, along, (own) => ({ y: own.map(({ gap }) => gap), ...bars(own) }));
  return lineFigure({
    title: `The gap against ${along === 'tokens' ? 'tokens' : 'size'}: ${armOf(grid, arm).label}`,
    subtitle: `${grid.title}; minus ${ARM_LABELS[reference]}, same seeds`,
    x: withRoom(along === 'tokens' ? TOKENS_AXIS : SIZE_AXIS, series),
    y: gapAxis(grid),
    lines: [{ axis: 'y', at: 0, label: '' }],
    ordered: true,
    series,
    annotations: lineLabels(series),
    notes: ['95 % intervals by the noise of a run, pooled over the sizes of equal tokens.'],
  });
}

function gapAxis({ unit }: GridResults): { title: string; unit: string } {
  return { title: 'Gap', unit };
}

/** Intervals where every gap of the line has one. */
function bars(gaps: readonly Gap[]): Partial<LineSeries> {
  if (!gaps.every(({ estimate }) => Number.isFinite(estimate.high - estimate.low))) return {};
  return {
    low: gaps.map(({ estimate }) => estimate.low),
    high: gaps.map(({ estimate }) => estimate.high),
    bars: true,
  };
}

/** The gap over size and tokens: blue where the arm is ahead, vermilion where it is behind. */
export function gapHeatmap(grid: GridResults, arm: string, reference: string = REFERENCE): Figure {
  const gaps = gapsOf(grid, arm, reference);
  const sorted = (of: (gap: Gap) => number): number[] => [...new Set(gaps.map(of))].sort((a, b) => a - b);
  const lengths = sorted(({ tokens }) => tokens);
  const sizes = sorted(({ parameters }) => parameters).reverse();
  const values = sizes.flatMap((size) =>
    lengths.map(
      (length) => gaps.find(({ parameters, tokens }) => parameters === size && tokens === length)?.gap ?? NaN,
    ),
  );
  return heatmapFigure({
    title: `The gap over size and tokens: ${armOf(grid, arm).label}`,
    subtitle: `${grid.title}; minus ${ARM_LABELS[reference]}. Empty: not run, or nothing learned yet`,
    values,
    rows: sizes.length,
    columns: lengths.length,
    x: { title: 'Tokens D', unit: '' },
    y: { title: 'Parameters N', unit: '' },
    columnNames: lengths.map(count),
    rowNames: sizes.map(count),
    value: gapAxis(grid),
    colors: 'diverging',
  });
}

/**
 * The gap of one size against tokens, beside the two published laws in the form that fits this grid best: δ = k·D^γD·N^−γN
 * (arXiv 2505.14302) with its free exponents, and effective parameters (2411.04330), to which tokens make no difference.
 */
export function lawsOfGapFigure(grid: GridResults, arm: string): Figure {
  const entropy = requireEntropy(grid);
  const gaps = gapsOf(grid, arm);
  const [full, own] = [REFERENCE, arm].map((name) => learnedCells(grid, name));
  const { alpha, logWorth } = fitEffectiveParameters(full, [own], entropy);
  const law = fitGapLaw(gaps);
  const reference = fitExcessLaw(full, entropy);
  const sizes = [...new Set(gaps.map(({ parameters }) => parameters))].sort((a, b) => a - b);
  const size = sizes[sizes.length >> 1];
  const cells = gaps.filter(({ parameters }) => parameters === size).toSorted((a, b) => a.tokens - b.tokens);
  const x = cells.map(({ tokens }) => tokens);
  // A/(kN)^α − A/N^α, with A/N^α as what the reference's law loses to its size.
  const sizeTerm = reference.at(size, Infinity) - entropy;
  const worth = sizeTerm * (Math.exp(-alpha.value * logWorth[0].value) - 1);
  return lineFigure({
    title: `Two laws of the gap, N = ${count(size)}: ${armOf(grid, arm).label}`,
    subtitle: `${grid.title}; both fitted to all cells`,
    x: TOKENS_AXIS,
    y: gapAxis(grid),
    series: [
      { name: 'measured', x, y: cells.map(({ gap }) => gap), markers: true, ...bars(cells) },
      { name: 'k·D^γD·N^−γN', x, y: x.map((tokens) => law.at(size, tokens)), dash: 'dash' },
      { name: 'effective parameters', x, y: x.map(() => worth), dash: 'dot' },
    ],
  });
}

/** The size k·N of full precision that does what an arm does with N, read off the curves, and what the fits say. */
export function worthFigure(grid: GridResults, arm: string): Figure {
  const bits = arm === 'b1' ? 1 : Math.log2(3);
  const [full, own] = [REFERENCE, arm].map((name) => learnedCells(grid, name));
  const lengths = [...new Set(own.map(({ tokens }) => tokens))].sort((a, b) => a - b);
  const points = (cells: typeof own, length: number): MeasuredLoss[] =>
    cells
      .filter(({ tokens }) => tokens === length)
      .map(({ parameters, loss }) => ({ parameters, loss, seed: 1 }));
  const series = lengths.flatMap((length): LineSeries[] => {
    const shifts = shiftBySize(points(own, length), points(full, length));
    if (shifts.length === 0) return [];
    return [
      {
        name: `D = ${count(length)}`,
        x: shifts.map(({ parameters }) => parameters),
        y: shifts.map(({ k }) => k),
        markers: true,
      },
    ];
  });
  const factor = precisionLawFactor(bits);
  const ks = [factor, 1, ...series.flatMap(({ y }) => Array.from(y))];
  return lineFigure({
    title: `What is a parameter of ${armOf(grid, arm).label} worth?`,
    subtitle: `${grid.title}; k with L(N) of the arm = L(k·N) of full precision, at equal tokens`,
    x: withRoom(SIZE_AXIS, series),
    // Room for the name of the upper line.
    y: { title: 'k', unit: '', scale: 'log', range: [0.9 * Math.min(...ks), 1.15 * Math.max(...ks)] },
    ordered: true,
    lines: [
      {
        axis: 'y',
        at: factor,
        label: `precision law ${factor.toFixed(3)}`,
      },
      { axis: 'y', at: 1, label: 'as much as in full precision' },
    ],
    series,
    annotations: lineLabels(series, 'log'),
  });
}
