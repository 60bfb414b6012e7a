/** What BitNet claims of its scaling law (arXiv 2310.11453, section 3.2), held against the runs. */
import {
  bootstrap,
  fitExcess,
  judge,
  predictLargest,
  sizesOf,
  type Claim,
  type Estimate,
  type JudgedClaim,
} from '@bitnet-notebooks/lib';
import type { FinishedRun } from '../sweep/finished-run.js';
import { gapSlope, gapTrend } from '../sizes/pairs.js';
import { hasScalingResults, scalingResults, type ScalingResults, type SizeCurve } from './results.js';

const B1 = 'BitNet (2310.11453), section 3.2';

/** R² from which a log-log line is called straight: what is left is a seventh of the spread. */
const STRAIGHT = 0.98;

/** How near a prediction must come to be called accurate, nats. */
const ACCURATE = 0.05;

/** Every claim that the runs are enough for. */
export function scalingClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  if (!hasScalingResults(finished)) return [];
  const results = scalingResults(finished);
  return [...powerLawClaims(results), ...predictionClaims(results), ...gapClaims(results)].map(judge);
}

/** Enough sizes and seeds for an interval. */
function mainCurve({ zipf }: ScalingResults): SizeCurve | undefined {
  const curve = zipf.find(({ arm }) => arm === 'b1.58');
  const isEnough = curve && sizesOf(curve.points).length >= 6 && seedsOf(curve) >= 2;
  return isEnough ? curve : undefined;
}

function seedsOf({ points }: SizeCurve): number {
  return new Set(points.map(({ seed }) => seed)).size;
}

function powerLawClaims(results: ScalingResults): Claim[] {
  const curve = mainCurve(results);
  if (curve === undefined) return [];
  const { r2 } = bootstrap([curve.points], ([drawn]) => ({ r2: fitExcess(drawn, results.entropy).r2 }));
  return [
    {
      claim: 'Loss falls with size as a power law',
      kind: 'trained models',
      headline: 4,
      source: B1,
      paper: 'L(N) = aN^b + c, no coefficients printed',
      measure: 'R² of ln excess over the exact entropy against ln N, b1.58, Zipf facts',
      ours: r2,
      repeats: { of: 'seeds an arm', count: seedsOf(curve) },
      expected: { atLeast: STRAIGHT, ours: 'the bound' },
    },
  ];
}

function predictionClaims(results: ScalingResults): Claim[] {
  const curve = mainCurve(results);
  if (curve === undefined) return [];
  return predictLargest(curve.points).map(({ parameters, predicted, measured }): Claim => {
    const ours: Estimate = {
      value: measured - predicted.value,
      low: measured - predicted.high,
      high: measured - predicted.low,
      count: predicted.count,
    };
    return {
      kind: 'trained models',
      claim: `The law of the smaller models predicts ${Math.round(parameters / 1000)} k parameters`,
      source: B1,
      paper: '13B and 30B predicted from 125M–6.7B, in a figure',
      measure: 'measured − predicted, nats, b1.58, Zipf facts',
      ours,
      repeats: { of: 'seeds an arm', count: seedsOf(curve) },
      expected: { atLeast: -ACCURATE, atMost: ACCURATE, ours: 'the margin' },
    };
  });
}

function gapClaims({ pairs: { zipf, shakespeare } }: ScalingResults): Claim[] {
  const corpora = [
    ['Zipf facts', zipf],
    ['Tiny Shakespeare', shakespeare],
  ] as const;
  return corpora.flatMap(([name, pairs]): Claim[] => {
    if (pairs.length < 3 || pairs.every(({ gaps }) => gaps.size < 2)) return [];
    return [
      {
        kind: 'trained models',
        claim: `The gap to full precision shrinks with size (${name})`,
        source: B1,
        paper: 'in a figure, no numbers',
        measure: 'change of the gap per tenfold size, nats',
        ours: gapTrend(pairs, 10),
        contrast: gapSlope(pairs, 10),
        repeats: { of: 'sizes', count: pairs.length },
        expected: { below: 0 },
      },
    ];
  });
}
