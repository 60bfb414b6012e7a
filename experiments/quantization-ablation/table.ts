/** The tables of the quantization ablation. */
import { formatEstimate, mean } from '@bitnet-notebooks/lib';
import { armResults, resultAt, resultOf, type ArmResult } from './results.js';
import type { FinishedRun } from '../sweep/finished-run.js';

/** One line an arm: loss with its interval, difference to the arm that it is compared with, and what it looks like inside. */
export function ablationTable(finished: readonly FinishedRun[]): string[] {
  const results = armResults(finished);
  if (results.length === 0) return ['No arm has final runs yet.'];
  const seeds = Math.max(...results.map(({ losses }) => losses.length));
  return [
    '| arm | what it changes | learning rate | validation loss (nats) | difference | against | zeros | flips a step |',
    '|---|---|---|---|---|---|---|---|',
    ...results.map(row),
    '',
    `Means over up to ${seeds} seeds with 95 % intervals (Student). Differences are taken seed by seed: both arms start ` +
      'from the same draw and see the same data. Zeros: of the quantized weights, at the end. Flips: of ' +
      'the quantized weights, halfway; at the end the learning rate is zero, and so are they.',
    ...missingSeeds(results),
  ];
}

/** Differences over fewer seeds than their two arms have between them, in one line; none where there are none. */
function missingSeeds(results: readonly ArmResult[]): string[] {
  const short = results.flatMap(({ arm, against, bySeed, difference }) => {
    const reference = results.find((other) => other.arm === against);
    if (!difference || !reference) return [];
    const all = new Set([...bySeed.keys(), ...reference.bySeed.keys()]).size;
    return difference.count < all ? [`${arm} (${difference.count} of ${all})`] : [];
  });
  return short.length > 0 ? [`Differences over a part of the seeds: ${short.join(', ')}.`] : [];
}

function row(result: ArmResult): string {
  const { arm, label, rate, loss, difference, against } = result;
  return `| ${[
    arm,
    label,
    rate,
    formatEstimate(loss),
    difference ? formatEstimate(difference) : '',
    difference ? against : '',
    percent(meanAt(result, 'zeros', 1), 1),
    percent(meanAt(result, 'flips', 0.5), 3),
  ].join(' | ')} |`;
}

/** Mean over seeds of a diagnostic after a share of the steps; undefined where no run has it. */
function meanAt(
  { curves }: Pick<ArmResult, 'curves'>,
  key: 'zeros' | 'flips',
  share: number,
): number | undefined {
  const values = curves
    .map((curve) => curve[Math.ceil(share * curve.length) - 1]?.diagnostics?.[key])
    .filter((value) => value !== undefined);
  return values.length > 0 ? mean(values) : undefined;
}

function percent(share: number | undefined, digits: number): string {
  return share === undefined ? '' : `${(100 * share).toFixed(digits)} %`;
}

/** A cell of the first paper's Table 4, by its names there and by the arm that stands for it here. */
export interface Table4Cell {
  activations: 'absmax' | 'elastic';
  norm: 'SubLN' | 'Pre-LN' | 'BMT';
  arm: string;
  /** The paper's perplexity (arXiv 2310.11453, Table 4); two cells were not run there. */
  paperPerplexity?: number;
}

export const TABLE_4: readonly Table4Cell[] = [
  { activations: 'absmax', norm: 'SubLN', arm: 'weights-sign', paperPerplexity: 20.34 },
  { activations: 'absmax', norm: 'Pre-LN', arm: 'table4-absmax-preln', paperPerplexity: 22.11 },
  { activations: 'absmax', norm: 'BMT', arm: 'table4-absmax-bmt', paperPerplexity: 22.98 },
  { activations: 'elastic', norm: 'SubLN', arm: 'table4-elastic-subln' },
  { activations: 'elastic', norm: 'Pre-LN', arm: 'table4-elastic-preln', paperPerplexity: 24.05 },
  { activations: 'elastic', norm: 'BMT', arm: 'table4-elastic-bmt' },
];

/** What a model loses against absmax + SubLN: in nats, perplexities of words and of letters can be laid side by side. */
export interface Table4Row extends Table4Cell {
  /** ln(perplexity / 20.34), nats per token of the paper. */
  paperDifference?: number;
  /** At its own best rate; undefined where the arm has no results. */
  own?: ArmResult;
  /** At the rate of absmax + SubLN. */
  matched?: ArmResult;
}

/** Table 4 of the first paper, row by row, with what was measured here. */
export function table4(finished: readonly FinishedRun[]): Table4Row[] {
  const reference = TABLE_4[0];
  const rate = resultOf(reference.arm, finished)?.rate;
  return TABLE_4.map((cell) => ({
    ...cell,
    ...(cell.paperPerplexity !== undefined && {
      paperDifference: Math.log(cell.paperPerplexity / reference.paperPerplexity!),
    }),
    own: resultOf(cell.arm, finished),
    matched: resultAt(cell.arm, rate, finished),
  }));
}
