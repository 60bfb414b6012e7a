import { formatEstimate, formatExpectation, type JudgedClaim } from '@bitnet-notebooks/lib';

/** A judged claim as a row of a table. */
export interface ClaimRow {
  claim: string;
  verdict: string;
  /** Source, and its number or words. */
  paper: string;
  /** Our number, and what it measures. */
  here: string;
  expected: string;
}

/** Judged claims as rows for `table`, the paper's number beside ours. */
export function claimRows(claims: readonly JudgedClaim[]): ClaimRow[] {
  return claims.map(({ claim, verdict, source, paper, measure, ours, digits, expected }) => ({
    claim,
    verdict,
    paper: `${source}: ${paper}`,
    // The interval stays in one line.
    here: `${formatEstimate(ours, digits).replaceAll(' ', '\u00a0')}\n${measure}`,
    expected: formatExpectation(expected),
  }));
}
