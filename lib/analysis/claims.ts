/** A paper's claim held against our measurement, by a rule that can fail. */
import type { Estimate } from './statistics.js';

/**
 * - `reproduced`: all of our interval lies where the claim puts it.
 * - `contradicted`: none of it does.
 * - `not at this scale`: our measurement does not decide, or the paper claims it for models larger than ours alone.
 */
export const VERDICTS = ['reproduced', 'not at this scale', 'contradicted'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Where a claim says that a value lies. Bounds belong to it; absent ones are infinite. */
export interface Expectation {
  atLeast?: number;
  atMost?: number;
}

/** A claim with everything that its verdict follows from. */
export interface Claim {
  /** One sentence. */
  claim: string;
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
  /** Where the paper makes the claim from a size on that is not reached here: that size. */
  claimedFrom?: string;
}

/** A claim that was judged. */
export interface JudgedClaim extends Claim {
  verdict: Verdict;
}

/**
 * The verdict by the interval's place: inside what is expected, outside, or across its edge. A miss counts as
 * `not at this scale` where the paper makes the claim for larger models alone.
 */
export function judge(claim: Claim): JudgedClaim {
  const { ours, expected, claimedFrom } = claim;
  const { atLeast = -Infinity, atMost = Infinity } = expected;
  if (!(atLeast <= atMost) || (atLeast === -Infinity && atMost === Infinity)) {
    throw new Error(
      `judge: a claim must leave something to fail, got at least ${atLeast} and at most ${atMost} for "${claim.claim}".`,
    );
  }
  if (!(ours.low <= ours.value && ours.value <= ours.high)) {
    throw new Error(
      `judge: the interval must hold its value, got ${ours.value} in [${ours.low}, ${ours.high}] for "${claim.claim}".`,
    );
  }
  const isInside = ours.low >= atLeast && ours.high <= atMost;
  const isOutside = ours.high < atLeast || ours.low > atMost;
  const missed: Verdict = claimedFrom === undefined ? 'contradicted' : 'not at this scale';
  return { ...claim, verdict: isInside ? 'reproduced' : isOutside ? missed : 'not at this scale' };
}

/** `0.12 [0.10, 0.14]`, with a real minus sign. A value that is known exactly stands alone. */
export function formatEstimate({ value, low, high }: Estimate, digits = 3): string {
  const number = (x: number): string =>
    (Math.abs(x) === Infinity ? `${x < 0 ? '−' : ''}∞` : x.toFixed(digits)).replace('-', '−');
  return low === high ? number(value) : `${number(value)} [${number(low)}, ${number(high)}]`;
}

/** `≥ 0`, `≤ 0.02`, `−0.02 to 0.02`: what a claim expects, in short. */
export function formatExpectation({ atLeast, atMost }: Expectation): string {
  const number = (x: number): string => String(Number(x.toFixed(3))).replace('-', '−');
  if (atLeast === undefined) return `≤ ${number(atMost ?? Infinity)}`;
  return atMost === undefined ? `≥ ${number(atLeast)}` : `${number(atLeast)} to ${number(atMost)}`;
}

/** Judged claims as lines of a Markdown table. */
export function claimsTable(claims: readonly JudgedClaim[]): string[] {
  return [
    '| claim | source | the paper | ours | expected | verdict |',
    '|---|---|---|---|---|---|',
    ...claims.map(
      ({ claim, source, paper, measure, ours, digits, expected, verdict }) =>
        `| ${claim} | ${source} | ${paper} | ${measure}: ${formatEstimate(ours, digits)} | ${formatExpectation(expected)} | **${verdict}** |`,
    ),
  ];
}
