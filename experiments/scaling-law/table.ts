/** The results of the grids as tables of Markdown. */
import { formatEstimate, fitGapPlane, interval, type Contrast } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { REFERENCE } from './grids.js';
import {
  gapsOf,
  hasScalingResults,
  placeOf,
  scalingResults,
  type Cell,
  type GridResults,
} from './results.js';

/** Lines of Markdown; one that says so where there are no runs yet. */
export function scalingTable(finished: readonly FinishedRun[]): string[] {
  if (!hasScalingResults(finished)) return ['No final runs yet.'];
  return scalingResults(finished).flatMap((grid, i) => [...(i > 0 ? [''] : []), ...gridTable(grid)]);
}

/** A row for each size and number of tokens, a column for each arm, and the gaps of b1.58 and b1. */
function gridTable(grid: GridResults): string[] {
  const { title, unit, entropy = 0, arms, learned, pass } = grid;
  const gaps = arms
    .filter(({ arm }) => arm.startsWith('b1'))
    .map(({ arm, label }) => ({ label, cells: gapsOf(grid, arm) }));
  const reference = arms.find(({ arm }) => arm === REFERENCE) ?? arms[0];
  const what = entropy > 0 ? `loss on values less their entropy of ${entropy.toFixed(4)} nat` : 'loss';
  return [
    `${title}: ${what}, ${unit}; N outside the embedding`,
    '',
    `| shape | N | D | D/N | ${arms.map(({ label }) => label).join(' | ')} | ${gaps.map(({ label }) => `${label} − full precision`).join(' | ')} |`,
    `|---|---|---|---|${'---|'.repeat(arms.length + gaps.length)}`,
    ...reference.cells.map((cell) => {
      const losses = arms.map(({ cells }) => shown(at(cells, cell)?.loss, entropy));
      const shownGaps = gaps.map(({ cells }) => {
        const gap = cells.find((one) => placeOf(one) === placeOf(cell));
        return gap ? formatEstimate(gap.estimate) : '';
      });
      const note = learned.has(placeOf(cell)) ? '' : ' (nothing learned yet)';
      const length = `${(cell.tokens / 1e6).toFixed(2)} M${passes(cell.tokens, pass)}`;
      const ratio = (cell.tokens / cell.parameters).toFixed(0);
      return `| ${[cell.shape + note, cell.parameters.toLocaleString('en'), length, ratio, ...losses, ...shownGaps].join(' | ')} |`;
    }),
    ...arms.flatMap(({ label, diverged }) =>
      diverged > 0 ? ['', `${label}: ${diverged} runs diverged.`] : [],
    ),
    ...slopes(grid),
  ];
}

/** The cell of another arm at the same shape and length. */
function at(cells: readonly Cell[], { shape, tokens }: Cell): Cell | undefined {
  return cells.find((cell) => cell.shape === shape && cell.tokens === tokens);
}

function shown(loss: number | undefined, floor: number): string {
  return loss === undefined ? '' : (loss - floor).toFixed(3);
}

/** Repeated text is marked: it teaches less than new one. */
function passes(tokens: number, pass: number | undefined): string {
  return pass === undefined ? '' : `, ${(tokens / pass).toFixed(2)} passes`;
}

/** What the gap does with every tenfold, arm by arm. */
function slopes(grid: GridResults): string[] {
  return grid.arms
    .filter(({ arm }) => arm.startsWith('b1'))
    .flatMap(({ arm, label }) => {
      const cells = gapsOf(grid, arm);
      if (new Set(cells.map(({ tokens }) => tokens)).size < 2 || cells.length < 4) return [];
      const { size, tokens, together, bendP } = fitGapPlane(cells);
      const text = (contrast: Contrast): string => formatEstimate(interval(contrast));
      return [
        '',
        `Gap of ${label} per tenfold, over ${cells.length} cells: ${text(size)} with N, ${text(tokens)} with D, ` +
          `${text(together)} with both${bendP === undefined ? '' : `; bends, p = ${bendP.toPrecision(2)}`}`,
      ];
    });
}
