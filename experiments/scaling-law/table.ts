/** The results of the scaling law as a table of Markdown. */
import { formatEstimate, meanInterval, sizesOf } from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import type { Pair } from '../sizes/pairs.js';
import { hasScalingResults, scalingResults, type SizeCurve } from './results.js';

/** Lines of Markdown; one that says so where there are no runs yet. */
export function scalingTable(finished: readonly FinishedRun[]): string[] {
  if (!hasScalingResults(finished)) return ['No final runs on Zipf facts yet.'];
  const { zipf, shakespeare, pairs, entropy, tokens, keys } = scalingResults(finished);
  const largest = keys.filter(
    ({ parameters }) => parameters === Math.max(...keys.map((key) => key.parameters)),
  );
  return [
    `Zipf facts: ${(tokens / 1e6).toFixed(2)} M tokens each; loss on values less their entropy of ${entropy.toFixed(4)} nat`,
    '',
    ...sizeTable(zipf, pairs.zipf, entropy),
    '',
    ...largest.map(
      ({ arm, parameters, a, b }) =>
        `Key positions at ${parameters} parameters, ${arm}: a ${a.toFixed(4)} and b ${b.toFixed(4)} nat above the exact entropy`,
    ),
    ...(shakespeare.length > 0
      ? [
          '',
          'Tiny Shakespeare: validation loss, nats per character',
          '',
          ...sizeTable(shakespeare, pairs.shakespeare, 0),
        ]
      : []),
  ];
}

/** A row for each size, a column for each arm, and the gap of the main arms. Diverged runs are counted. */
function sizeTable(curves: readonly SizeCurve[], pairs: readonly Pair[], floor: number): string[] {
  const sizes = sizesOf(curves.flatMap(({ points, diverged }) => [...points, ...diverged]));
  const gaps = new Map(pairs.map(({ parameters, gap }) => [parameters, gap]));
  return [
    `| parameters | ${curves.map(({ label }) => label).join(' | ')} | b1.58 − full precision |`,
    `|---|${curves.map(() => '---|').join('')}---|`,
    ...sizes.map((parameters) => {
      const gap = gaps.get(parameters);
      const cells = curves.map((curve) => cell(curve, parameters, floor));
      return `| ${parameters.toLocaleString('en')} | ${cells.join(' | ')} | ${gap ? formatEstimate(gap) : ''} |`;
    }),
    ...missingSeeds(pairs),
  ];
}

function cell({ points, diverged }: SizeCurve, parameters: number, floor: number): string {
  const losses = points.filter((point) => point.parameters === parameters).map(({ loss }) => loss - floor);
  const lost = diverged.filter((point) => point.parameters === parameters).length;
  const counted = lost > 0 ? `${lost} diverged` : '';
  if (losses.length === 0) return counted;
  const { value } = meanInterval(losses);
  return [value.toFixed(3), counted].filter(Boolean).join(', ');
}

/** A line for each gap that is over fewer seeds than others. */
function missingSeeds(pairs: readonly Pair[]): string[] {
  const most = Math.max(...pairs.map(({ gaps }) => gaps.size));
  return pairs.flatMap(({ shape, gaps }) =>
    gaps.size < most ? ['', `The gap of ${shape} is over ${gaps.size} of ${most} seeds.`] : [],
  );
}
