import { formatEstimate, formatExpectation, isByItselfOnly, type JudgedClaim } from '@bitnet-notebooks/lib';

/** A judged claim as a row of a table. */
export interface ClaimRow {
  claim: string;
  /** With what the family of claims leaves of it, where that is less. */
  verdict: string;
  /** Source, and its number or words. */
  paper: string;
  /** Our number, and what it measures. */
  here: string;
  expected: string;
}

/** Judged claims as rows for `table`, the paper's number beside ours. */
export function claimRows(claims: readonly JudgedClaim[]): ClaimRow[] {
  return claims.map((judged) => {
    const { claim, verdict, source, paper, measure, ours, digits, expected } = judged;
    return {
      claim,
      verdict: isByItselfOnly(judged) ? `${verdict}, by itself only` : verdict,
      paper: `${source}: ${paper}`,
      // The interval stays in one line.
      here: `${formatEstimate(ours, digits).replaceAll(' ', '\u00a0')}\n${measure}`,
      expected: formatExpectation(expected),
    };
  });
}
