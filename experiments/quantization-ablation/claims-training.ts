/** Claims on how BitNet is trained: schedules, learning rates, and the rates that it bears. */
import { interval, octavesBetween, type Claim } from '@bitnet-notebooks/lib';
import { BETTER, LEAST, onContrast, onSeeds, TIPS, wholeCurves, WORSE, type Drafts } from './claim-drafts.js';
import type { ArmResult, BlockResults } from './results.js';
import { octavesBorne, type StabilityResult } from './stability-results.js';
import { B1 } from '../record/sources.js';

export function recipeClaims(small: BlockResults | undefined): Drafts {
  const contrast = (arm: string, against: string) => small?.contrast(arm, against);
  const source = `${TIPS}, section 1`;
  return [
    onContrast(contrast('two-stage', 'b1.58'), {
      claim: 'Two stages help ternary models',
      source,
      paper: 'a figure, no number',
      measure: 'two stages − cosine, b1.58, nats a character',
      expected: BETTER,
    }),
    onContrast(contrast('full-precision-two-stage', 'full-precision'), {
      claim: '… and do not help full precision',
      source,
      paper: 'no benefit',
      measure: 'two stages − cosine, full precision, nats a character',
      expected: { atLeast: -LEAST, ours: 'the margin' },
    }),
    onContrast(contrast('two-stage', 'two-stage-decay'), {
      claim: 'Weight decay is better dropped in stage two',
      source,
      paper: 'a figure, no number',
      measure: 'dropped − constant weight decay, two stages, nats a character',
      expected: BETTER,
    }),
    onSeeds(bends(small?.arms.find(({ arm }) => arm === 'two-stage')), {
      claim: 'The loss is S-shaped: it falls faster after the drop of the learning rate than before',
      source,
      paper: 'a figure, no number',
      measure:
        'fall in the tenth of the steps after the drop − in the tenth before it, validation, nats a character',
      expected: WORSE,
    }),
  ];
}

/** Two tenths of the steps around the middle, where stage two begins. */
function bends(arm: ArmResult | undefined): number[] {
  return wholeCurves(arm).flatMap((curve) => {
    const steps = curve.at(-1)?.step ?? 0;
    const at = (share: number): number | undefined =>
      curve.find(({ step }) => step >= share * steps)?.validationLoss;
    const [before, drop, after] = [at(0.4), at(0.5), at(0.6)];
    return before === undefined || drop === undefined || after === undefined
      ? []
      : drop - after - (before - drop);
  });
}

export function rateClaims(small: BlockResults | undefined, stability: readonly StabilityResult[]): Drafts {
  const curveOf = (name: string) => small?.arms.find(({ arm }) => arm === name)?.curve;
  const [ternary, full] = [curveOf('b1.58'), curveOf('full-precision')];
  const octaves = ternary && full && octavesBetween(ternary, full);
  return [
    octaves && {
      claim: 'Ternary models want a larger learning rate',
      kind: 'trained models',
      source: `${TIPS}, table of sizes`,
      paper: '6 times, 2.6 octaves, at 700M (1.5e-3, not 2.5e-4)',
      measure:
        'log₂(best rate of b1.58 / of full precision, same body), lowest points of both curves, octaves',
      ours: interval(octaves),
      contrast: octaves,
      repeats: { of: 'tuning seeds a rate', count: octaves.count },
      digits: 2,
      expected: { above: 0 },
    },
    ...['weights-sign', 'b1.58'].map((arm) => bornClaim(arm, stability)),
  ];
}

/** BitNet's Figure 5: which arm bears the larger rates? */
function bornClaim(arm: string, stability: readonly StabilityResult[]): Claim | undefined {
  const [own, full] = [arm, 'full-precision'].map((name) => stability.find((one) => one.arm === name));
  const octaves = own && full && octavesBorne(own, full);
  if (octaves === undefined) return undefined;
  const isB1 = arm === 'weights-sign';
  return {
    claim: `${isB1 ? 'b1' : 'b1.58'} bears larger learning rates than full precision`,
    kind: 'trained models',
    source: `${B1}, Figure 5`,
    paper: isB1 ? 'a figure, no number' : 'a figure of b1, no number',
    measure:
      `log₂(largest rate of ${isB1 ? 'b1' : 'b1.58'} / of full precision) within 0.1 nats of the lowest mean loss, ` +
      `octaves${own!.isBeyond ? ', a lower bound: no rate was too large' : ''}`,
    ours: octaves,
    digits: 2,
    expected: { above: 0 },
    ...(full!.isBeyond && { untestable: 'full precision bears every rate that was tried' }),
  };
}
