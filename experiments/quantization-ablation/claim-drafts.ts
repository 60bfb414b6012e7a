/** How the claims of the ablation are put: sources, rules, and a claim from a comparison of two arms. */
import { interval, meanInterval, type Claim, type Contrast, type Expectation } from '@bitnet-notebooks/lib';
import { MARGIN } from '../record/margin.js';
import type { CurvePoint } from '../sweep/finished-run.js';
import type { ArmResult } from './results.js';

export const TIPS = 'b1.58 Training Tips and FAQ';

/** A "better" that is surely smaller than this counts as none: one percent of perplexity. */
export const LEAST = 0.01;

/** Worse by anything that counts: our interval must lie above zero. */
export const WORSE: Expectation = { above: 0, least: LEAST, ours: 'what counts as an effect' };
/** Better by anything that counts: our interval must lie below zero. */
export const BETTER: Expectation = { below: 0, least: LEAST, ours: 'what counts as an effect' };
/** Neither better nor worse by more than the margin. */
export const MATCHES: Expectation = { atLeast: -MARGIN, atMost: MARGIN, ours: 'the margin' };

/** Claims as far as they can be judged: undefined where runs are missing. */
export type Drafts = (Claim | undefined)[];

/** What a claim says beside its comparison. */
export type Said = Pick<Claim, 'claim' | 'source' | 'paper' | 'measure' | 'expected'> &
  Partial<Pick<Claim, 'kind' | 'headline' | 'digits' | 'repeats' | 'untestable'>>;

/** A claim on a difference of two arms; undefined where one of them has no runs. */
export function onContrast(contrast: Contrast | undefined, said: Said): Claim | undefined {
  return contrast && { kind: 'trained models', ...said, ours: interval(contrast), contrast };
}

/** A claim on a value that each seed's run has; undefined where none has it. */
export function onSeeds(values: readonly number[], said: Said): Claim | undefined {
  return values.length === 0 ? undefined : { kind: 'trained models', ...said, ours: meanInterval(values) };
}

/** A diagnostic of the trained models, seed by seed; runs that diverged have none. */
export function atTheEnd(
  arm: ArmResult | undefined,
  valueOf: (last: CurvePoint) => number | undefined,
): number[] {
  return wholeCurves(arm).flatMap((curve) => {
    const last = curve.at(-1);
    return (last && valueOf(last)) ?? [];
  });
}

/** The curves that reach the end: that of a run which diverged stops before. */
export function wholeCurves(arm: ArmResult | undefined): CurvePoint[][] {
  return arm ? arm.curves.filter((_, i) => arm.losses[i] < Infinity) : [];
}
