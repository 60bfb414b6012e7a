/** The tables of the quantization ablation: one for each size, then the stability runs. */
import { formatEstimate, mean } from '@bitnet-notebooks/lib';
import { ablationResults, type ArmResult, type BlockResults } from './results.js';
import { stabilityResults, type StabilityResult } from './stability-results.js';
import type { FinishedRun } from '../sweep/finished-run.js';
import { writtenRate } from '../sweep/rate-search.js';

/** Lines of Markdown: a table for each size, what has to be known of it below, then the rates that arms bear. */
export function ablationTable(finished: readonly FinishedRun[]): string[] {
  const blocks = ablationResults(finished);
  const stability = stabilityResults(finished);
  const rates = stability.length > 0 ? ['', ...stabilityTable(stability)] : [];
  if (blocks.length === 0) return ['No arm has final runs yet.', ...rates];
  return [
    ...blocks.flatMap(blockTable),
    'Losses and differences: nats a character on the test part, with 95 % intervals. A character is a byte: bits a byte are ' +
      'nats / ln 2. Differences are at the best rate of both arms, by the spread of all arms together, with the uncertainty of ' +
      'both rates. Rates: read off a curve of tuning runs, ± its standard error in octaves. Zeros: of the quantized weights, ' +
      'at the end. Flips: of them in one step, halfway; at the end the rate is zero, and so are they.',
    ...rates,
  ];
}

/** Bits a byte of a loss in nats a character: Tiny Shakespeare is ASCII. */
export function bitsPerByte(nats: number): number {
  return nats / Math.LN2;
}

function blockTable({ block, steps, arms, spread, notes }: BlockResults): string[] {
  const strays = spread
    ? ` A run strays by ${spread.deviation.toFixed(4)} nats around its arm and seed (${spread.degrees} degrees of freedom).`
    : '';
  return [
    `${block.label}, ${steps.toLocaleString('en')} steps.${strays}`,
    '',
    '| arm | what it changes | learning rate | seeds | loss (nats) | bits a byte | difference (nats) | against | zeros | flips a step |',
    `|${'---|'.repeat(10)}`,
    ...arms.map(row),
    '',
    ...notes.flatMap((note) => [note, '']),
  ];
}

function row(result: ArmResult): string {
  const { arm, label, losses, loss, difference, against } = result;
  return `| ${[
    arm,
    label,
    formatRate(result),
    losses.length,
    formatEstimate(loss),
    Number.isFinite(loss.value) ? bitsPerByte(loss.value).toFixed(3) : '∞',
    difference ? formatEstimate(difference) : '',
    difference ? against : '',
    percent(meanAt(result, 'zeros', 1), 1),
    percent(meanAt(result, 'flips', 0.5), 3),
  ].join(' | ')} |`;
}

/** `0.0121 ± 0.08 octaves`. */
export function formatRate({ rate, curve }: Pick<ArmResult, 'rate' | 'curve'>): string {
  return Number.isFinite(curve.octaves)
    ? `${rate} ± ${curve.octaves.toFixed(2)} octaves`
    : `${rate} (at the edge)`;
}

/** Mean over seeds of a diagnostic after a share of the steps; undefined where no run has it. */
function meanAt(
  { curves }: Pick<ArmResult, 'curves'>,
  key: 'zeros' | 'flips',
  share: number,
): number | undefined {
  const values = curves.flatMap(
    (curve) => curve[Math.ceil(share * curve.length) - 1]?.diagnostics?.[key] ?? [],
  );
  return values.length > 0 ? mean(values) : undefined;
}

function percent(share: number | undefined, digits: number): string {
  return share === undefined ? '' : `${(100 * share).toFixed(digits)} %`;
}

function stabilityTable(results: readonly StabilityResult[]): string[] {
  return [
    'Stability: the largest rate within 0.1 nats of the arm’s lowest mean loss, and the rate tuned at half length.',
    '',
    '| arm | lowest mean loss (nats) | largest rate, by seed | diverged | tuned rate | best at full length | the difference costs (nats) |',
    `|${'---|'.repeat(7)}`,
    ...results.map(({ arm, lowest, largest, isBeyond, diverged, transfer }) => {
      const rates = [...largest.values()].map((rate) => writtenRate(rate)).join(', ');
      return `| ${[
        arm,
        lowest.toFixed(3),
        `${rates}${isBeyond ? ' (or more)' : ''}`,
        diverged,
        transfer?.tuned ?? '',
        transfer ? writtenRate(transfer.curve.best) : '',
        transfer?.cost.toFixed(4) ?? '',
      ].join(' | ')} |`;
    }),
  ];
}
