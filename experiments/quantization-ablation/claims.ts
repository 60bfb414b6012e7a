/** The papers' claims that the quantization ablation can be held against. */
import {
  exactly,
  judge,
  meanInterval,
  type Claim,
  type Estimate,
  type Expectation,
  type JudgedClaim,
} from '@bitnet-notebooks/lib';
import { MARGIN } from '../sizes/margin.js';
import { differenceBySeed } from '../sweep/by-seed.js';
import { divergedEverywhere, resultOf, type ArmResult } from './results.js';
import { table4 } from './table.js';
import type { CurvePoint, FinishedRun } from '../sweep/finished-run.js';

const B1 = 'BitNet (2310.11453), Table 4';
const B158 = 'BitNet b1.58 (2402.17764), Table 1';
const TIPS = 'b1.58 Training Tips and FAQ';

/** A "better" that is surely smaller than this counts as none: one percent of perplexity. */
const LEAST = 0.01;

/** Better by anything that counts: our interval must lie beyond zero. */
const MORE: Expectation = { above: 0, least: LEAST, ours: 'what counts as an effect' };
const LESS: Expectation = { below: 0, least: LEAST, ours: 'what counts as an effect' };

type Draft = Omit<Claim, 'ours' | 'kind'> & { ours: Estimate | undefined };

/** Every claim whose arms have results. */
export function ablationClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  const arm = (name: string): ArmResult | undefined => resultOf(name, finished);
  const difference = (name: string, against: string): Estimate | undefined => {
    const [one, other] = [arm(name), arm(against)];
    return one && other && differenceBySeed(one.bySeed, other.bySeed);
  };
  const drafts = [
    ...normClaims(finished, difference),
    ...levelClaims(finished, arm, difference),
    ...activationClaims(arm, difference),
    ...scheduleClaims(arm, difference),
  ];
  return drafts.flatMap(({ ours, ...draft }) =>
    ours === undefined ? [] : [judge({ ...draft, ours, kind: 'trained models' })],
  );
}

type DifferenceOf = (arm: string, against: string) => Estimate | undefined;
type ArmOf = (arm: string) => ArmResult | undefined;

function normClaims(finished: readonly FinishedRun[], difference: DifferenceOf): Draft[] {
  const cells = table4(finished);
  const matched = (arm: string): ArmResult | undefined => cells.find((cell) => cell.arm === arm)?.matched;
  const [elastic, absmax] = [matched('table4-elastic-preln'), matched('table4-absmax-preln')];
  return [
    {
      claim: 'SubLN helps: Pre-LN loses against it',
      source: B1,
      paper: '+0.083 nats (perplexity 22.11, not 20.34)',
      measure: 'Pre-LN − SubLN, b1 with absmax, nats',
      ours: difference('table4-absmax-preln', 'weights-sign'),
      expected: MORE,
    },
    {
      claim: 'SubLN is better than the architecture of BMT',
      source: B1,
      paper: '+0.122 nats (perplexity 22.98, not 20.34)',
      measure: 'BMT − SubLN, b1 with absmax, nats',
      ours: difference('table4-absmax-bmt', 'weights-sign'),
      expected: MORE,
    },
    {
      claim: 'Absmax is better than a learned (elastic) scale',
      source: B1,
      paper: '+0.084 nats (24.05, not 22.11), at an eighth of the learning rate',
      measure: 'elastic − absmax, b1 with Pre-LN, at one learning rate, nats',
      ours: elastic && absmax && differenceBySeed(elastic.bySeed, absmax.bySeed),
      expected: MORE,
    },
  ];
}

function levelClaims(finished: readonly FinishedRun[], arm: ArmOf, difference: DifferenceOf): Draft[] {
  const [ternary, full] = [arm('b1.58'), arm('full-precision')];
  return [
    {
      claim: 'Ternary weights beat binary ones',
      source: TIPS,
      paper: '{−1, 1} is worse, most of all in small models',
      measure: '{−1, 1} − ternary, nats',
      ours: difference('weights-sign', 'b1.58'),
      expected: MORE,
    },
    {
      claim: '{0, 1} is worse than ternary',
      source: TIPS,
      paper: 'diverges early',
      measure: '{0, 1} (as this project defines it) − ternary, nats',
      ours: divergedEverywhere('weights-zero-one', finished)
        ? exactly(Infinity)
        : difference('weights-zero-one', 'b1.58'),
      expected: MORE,
    },
    {
      claim: 'More levels than three are not needed',
      source: TIPS,
      paper: 'no number',
      measure: '8-bit − ternary weights, nats',
      ours: difference('weights-8bit', 'b1.58'),
      expected: { atLeast: -MARGIN, ours: 'the margin' },
    },
    {
      claim: 'Ternary meets full precision at configuration A (0.8 M)',
      source: B158,
      paper: '+0.043 nats at 700 M (12.87, not 12.33), −0.013 at 3 B (9.91, not 10.04)',
      measure: 'b1.58 − full precision at configuration A, nats',
      ours: difference('a-b1.58', 'a-full-precision'),
      expected: { atMost: MARGIN, ours: 'the margin' },
    },
    {
      claim: 'The three values are about equally frequent',
      source: TIPS,
      paper: 'near uniform',
      measure: 'share of zeros in trained b1.58',
      ours: ternary && overSeeds(ternary, (last) => last.diagnostics?.zeros),
      expected: { atLeast: 1 / 3 - 0.05, atMost: 1 / 3 + 0.05, ours: 'the margin' },
    },
    {
      claim: 'Ternary models want a larger learning rate',
      source: `${TIPS}, table of sizes`,
      paper: '6 times (1.5e-3, not 2.5e-4, at 700 M)',
      measure: 'best rate of b1.58 / best rate in full precision',
      // Each of the two is known to a step of the grid, from one seed.
      ours: ternary && full && toAStep(ternary.rate / full.rate),
      digits: 1,
      repeats: { of: 'seeds for each rate', count: 1 },
      expected: { above: 1 },
    },
  ];
}

function activationClaims(arm: ArmOf, difference: DifferenceOf): Draft[] {
  const reference = arm('b1.58');
  return [
    {
      claim: '4-bit activations hurt',
      source: TIPS,
      paper: 'no number',
      measure: 'int4 − int8, absmax, nats',
      ours: difference('activations-int4-absmax', 'b1.58'),
      expected: MORE,
    },
    {
      claim: '… at the input of the down projection: with int8 there, they do not',
      source: TIPS,
      paper: 'no number',
      measure: 'int4 but for down_proj − int8, nats',
      ours: difference('activations-int4-not-down', 'b1.58'),
      expected: { atMost: MARGIN, ours: 'the margin' },
    },
    {
      claim: 'Most of what enters the down projection is zero',
      source: `${TIPS}; a4.8 (2411.04965)`,
      paper: 'over 80 %',
      measure: 'share of zeros in trained b1.58',
      ours: reference && overSeeds(reference, (last) => last.diagnostics?.activationZeros),
      expected: { atLeast: 0.8 },
    },
  ];
}

function scheduleClaims(arm: ArmOf, difference: DifferenceOf): Draft[] {
  const stages = arm('two-stage');
  return [
    {
      claim: 'The two-stage schedule helps ternary models',
      source: `${TIPS}, section 1`,
      paper: 'a figure, no number',
      measure: 'two stages − cosine, b1.58, nats',
      ours: difference('two-stage', 'b1.58'),
      expected: LESS,
    },
    {
      claim: '… and does not help full precision',
      source: `${TIPS}, section 1`,
      paper: 'no benefit',
      measure: 'two stages − cosine, full precision, nats',
      ours: difference('full-precision-two-stage', 'full-precision'),
      expected: { atLeast: -LEAST, ours: 'the margin' },
    },
    {
      claim: 'Weight decay is better dropped in stage two',
      source: `${TIPS}, section 1`,
      paper: 'a figure, no number',
      measure: 'dropped − constant weight decay, two stages, nats',
      ours: difference('two-stage', 'two-stage-decay'),
      expected: LESS,
    },
    {
      claim: 'The loss is S-shaped: it falls faster after the drop of the learning rate than before',
      source: `${TIPS}, section 1`,
      paper: 'a figure, no number',
      measure: 'fall in the tenth of the steps after the drop − in the tenth before it, nats',
      ours: stages && sShape(stages),
      expected: MORE,
    },
  ];
}

/** A ratio of two rates of a grid of factor 2. */
function toAStep(ratio: number): Estimate {
  return { value: ratio, low: ratio / 2, high: ratio * 2, count: 1 };
}

/** The curves that reach the end: that of a run which diverged stops before. */
function wholeCurves({ curves, losses }: ArmResult): CurvePoint[][] {
  return curves.filter((_, i) => losses[i] < Infinity);
}

function overSeeds(arm: ArmResult, valueOf: (last: CurvePoint) => number | undefined): Estimate | undefined {
  const values = wholeCurves(arm)
    .map((curve) => curve.at(-1))
    .map((last) => last && valueOf(last))
    .filter((value) => value !== undefined);
  return values.length > 0 ? meanInterval(values) : undefined;
}

/** Two tenths of the steps around the middle, where stage two begins. */
function sShape(arm: ArmResult): Estimate | undefined {
  const bends = wholeCurves(arm).map((curve) => {
    const steps = curve.at(-1)?.step ?? 0;
    const at = (share: number): number | undefined =>
      curve.find(({ step }) => step >= share * steps)?.validationLoss;
    const [before, drop, after] = [at(0.4), at(0.5), at(0.6)];
    return before === undefined || drop === undefined || after === undefined
      ? undefined
      : drop - after - (before - drop);
  });
  const known = bends.filter((bend) => bend !== undefined);
  return known.length > 0 ? meanInterval(known) : undefined;
}
