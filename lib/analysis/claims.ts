/** A paper's claim held against our measurement, by a rule that can come out each way. */
import { halfWidth, seedsToDecide, smallestVisible, type Contrast } from './contrast.js';
import type { Estimate } from './statistics.js';

/**
 * - `agrees`: all of our interval lies where the claim puts it.
 * - `disagrees`: none of it does, or the effect is too small to count.
 * - `underpowered`: our interval crosses the edge; {@link Power} says what it would take.
 * - `untestable here`: what the claim speaks of cannot be measured with what this project has.
 */
export const VERDICTS = ['agrees', 'disagrees', 'underpowered', 'untestable here'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What a claim is held against. They are counted apart: arithmetic is no reproduction. */
export const CLAIM_KINDS = ['trained models', 'speed of our kernel', 'arithmetic', 'self-check'] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

/**
 * Where a claim says that a value lies. `above` and `below` are for "better": the edge itself is no part of it. `atLeast`
 * and `atMost` are for margins ("matches", "costs nothing") and for printed numbers, by their last digit. Absent
 * bounds are infinite.
 */
export interface Expectation {
  above?: number;
  below?: number;
  atLeast?: number;
  atMost?: number;
  /** With `above` or `below`: an effect that is surely smaller counts as none. */
  least?: number;
  /** Says so where a bound is this project's choice and not the paper's. */
  ours?: string;
}

/** A claim with everything that its verdict follows from. */
export interface Claim {
  /** One sentence. */
  claim: string;
  kind: ClaimKind;
  /** Paper, and table or section. */
  source: string;
  /** The paper's number with its unit, or its words where it prints none. */
  paper: string;
  /** What was measured here, in words; with its unit. */
  measure: string;
  ours: Estimate;
  /** Digits after the point that are shown; 3 by default. */
  digits?: number;
  /** What `ours` must be for the claim to hold. */
  expected: Expectation;
  /** Why nothing that can be measured here decides the claim: it is then not judged. */
  untestable?: string;
  /** What was repeated for `ours`, and how often; by default seeds, as many as its count. */
  repeats?: { of: string; count: number };
  /** The comparison behind `ours` with its degrees of freedom, where it is not Student's over the seeds. */
  contrast?: Contrast;
  /** Number of the headline that the claim stands under, where a list has headlines. */
  headline?: number;
}

/** How much a measurement can show, at 95 % intervals. */
export interface Power {
  /** The smallest true effect that four of five repetitions would show; Infinity where one seed shows no spread. */
  smallestVisible: number;
  /** How often it takes to repeat to decide, if the true value is ours; Infinity where that lies on the edge or nothing is known. */
  repeats: number;
  /** What is to be repeated. */
  of: string;
}

/** A claim that was judged. */
export interface JudgedClaim extends Claim {
  verdict: Verdict;
  /** Of an underpowered one. */
  power?: Power;
  /** Where the claim is one of a family: Holm's p value, 0 to 1, and how many the family has (`asFamily`). */
  adjustedP?: number;
  familySize?: number;
}

/**
 * The verdict by the interval's place: inside what is expected, outside, or across its edge.
 * @throws Error for a claim that cannot fail, and for an interval that does not hold its value
 */
export function judge(claim: Claim): JudgedClaim {
  requireRule(claim);
  if (claim.untestable !== undefined) return { ...claim, verdict: 'untestable here' };
  const { ours, expected } = claim;
  if (isInside(ours, expected)) return { ...claim, verdict: 'agrees' };
  if (isOutside(ours, expected)) return { ...claim, verdict: 'disagrees' };
  return { ...claim, verdict: 'underpowered', power: powerOf(claim) };
}

function bounds({ above, below, atLeast, atMost }: Expectation): number[] {
  return [above, below, atLeast, atMost].filter((bound) => bound !== undefined);
}

function requireRule({ claim, ours, expected }: Claim): void {
  const { above = -Infinity, below = Infinity, atLeast = -Infinity, atMost = Infinity } = expected;
  const [low, high] = [Math.max(above, atLeast), Math.min(below, atMost)];
  if (!(low <= high) || (low === -Infinity && high === Infinity)) {
    throw new Error(
      `judge: a claim must leave something to fail, got values from ${low} to ${high} for "${claim}".`,
    );
  }
  if (!(ours.low <= ours.value && ours.value <= ours.high)) {
    throw new Error(
      `judge: the interval must hold its value, got ${ours.value} in [${ours.low}, ${ours.high}] for "${claim}".`,
    );
  }
}

function isInside({ low, high }: Estimate, expected: Expectation): boolean {
  const { above, below, atLeast = -Infinity, atMost = Infinity } = expected;
  return (
    low >= atLeast &&
    high <= atMost &&
    (above === undefined || low > above) &&
    (below === undefined || high < below)
  );
}

function isOutside({ low, high }: Estimate, expected: Expectation): boolean {
  const { above, below, atLeast = -Infinity, atMost = Infinity, least = 0 } = expected;
  return (
    high < atLeast ||
    low > atMost ||
    (above !== undefined && (high <= above || high < above + least)) ||
    (below !== undefined && (low >= below || low > below - least))
  );
}

function powerOf(claim: Claim): Power {
  const { ours, expected, repeats } = claim;
  const { of } = repeats ?? { of: 'seeds an arm' };
  const compared = comparisonOf(claim);
  const distances = bounds(expected).map((bound) => Math.abs(ours.value - bound));
  return {
    smallestVisible: smallestVisible(compared),
    repeats: seedsToDecide(compared, Math.min(...distances)),
    of,
  };
}

/** The comparison behind a claim: its own, or the one that a Student's interval over the repetitions came from. */
export function comparisonOf({ ours, repeats, contrast }: Claim): Contrast {
  if (contrast) return contrast;
  const { value, low, high } = ours;
  const count = repeats?.count ?? ours.count;
  const degrees = count - 1;
  const unit = halfWidth({ standardError: 1, degrees });
  const isKnown = degrees >= 1 && Number.isFinite(high - low);
  return isKnown
    ? { value, standardError: (high - low) / 2 / unit, degrees, count }
    : { value, standardError: Infinity, degrees: 0, count };
}
