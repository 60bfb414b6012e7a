/** Judged claims as text. */
import {
  CLAIM_KINDS,
  VERDICTS,
  type ClaimKind,
  type Expectation,
  type JudgedClaim,
  type Verdict,
} from './claims.js';
import { isByItselfOnly } from './claim-family.js';
import type { Estimate } from './statistics.js';

/** `0.12 [0.10, 0.14]`, with a real minus sign. A value that is known exactly stands alone. */
export function formatEstimate({ value, low, high }: Estimate, digits = 3): string {
  const number = (x: number): string =>
    (Math.abs(x) === Infinity ? `${x < 0 ? '−' : ''}∞` : x.toFixed(digits)).replace('-', '−');
  if (low === high) return number(value);
  // One seed says nothing of the spread.
  if (low === -Infinity && high === Infinity) return `${number(value)} (no interval)`;
  return `${number(value)} [${number(low)}, ${number(high)}]`;
}

/** `> 0`, `≤ 0.02`, `−0.02 to 0.02 (our margin: …)`: what a claim expects, in short. */
export function formatExpectation(expected: Expectation): string {
  const { above, below, atLeast, atMost, least, ours } = expected;
  const number = (x: number): string => String(Number(x.toFixed(4))).replace('-', '−');
  const isRange = atLeast !== undefined && atMost !== undefined;
  const parts = isRange
    ? [`${number(atLeast)} to ${number(atMost)}`]
    : [
        ...(above === undefined ? [] : [`> ${number(above)}`]),
        ...(below === undefined ? [] : [`< ${number(below)}`]),
        ...(atLeast === undefined ? [] : [`≥ ${number(atLeast)}`]),
        ...(atMost === undefined ? [] : [`≤ ${number(atMost)}`]),
      ];
  const small = least === undefined ? '' : `, by ${number(least)} or more`;
  return `${parts.join(' and ')}${small}${ours === undefined ? '' : ` (ours: ${ours})`}`;
}

/** `agrees`, or the word with what explains it: the power of a measurement, the reason why there is none. */
export function formatVerdict(claim: JudgedClaim): string {
  const { verdict, power, untestable, digits = 3 } = claim;
  if (verdict === 'untestable here') return `untestable here: ${untestable}`;
  if (verdict !== 'underpowered' || power === undefined) return `${verdict}${formatFamily(claim)}`;
  const { smallestVisible, repeats, of } = power;
  if (smallestVisible === Infinity) return 'underpowered: nothing was repeated that would show its spread';
  const needed = repeats > 1000 ? 'more than 1,000' : `about ${repeats}`;
  return `underpowered: ${smallestVisible.toFixed(digits)} or more would show; ${needed} ${of} would decide it`;
}

/** What the family of a decided claim adds to its verdict; nothing where that survives. */
function formatFamily(claim: JudgedClaim): string {
  return isByItselfOnly(claim)
    ? ` by itself; not among ${claim.familySize} claims (Holm: p = ${claim.adjustedP!.toFixed(2)})`
    : '';
}

/** Judged claims as lines of a Markdown table. */
export function claimsTable(claims: readonly JudgedClaim[]): string[] {
  return [
    '| claim | source | the paper | ours | rule | verdict |',
    '|---|---|---|---|---|---|',
    ...claims.map((judged) => {
      const { claim, source, paper, measure, ours, digits, expected, verdict } = judged;
      const explained = formatVerdict(judged).slice(verdict.length);
      return (
        `| ${claim} | ${source} | ${paper} | ${measure}: ${formatEstimate(ours, digits)} | ` +
        `${formatExpectation(expected)} | **${verdict}**${explained} |`
      );
    }),
  ];
}

/** Verdicts counted by the kind of claim, as lines of a Markdown table. Kinds without a claim have no line. */
export function verdictCounts(claims: readonly JudgedClaim[]): string[] {
  const count = (kind: ClaimKind, verdict: Verdict): number =>
    claims.filter((one) => one.kind === kind && one.verdict === verdict).length;
  return [
    `| claims on | ${VERDICTS.join(' | ')} |`,
    `|---|${VERDICTS.map(() => '---|').join('')}`,
    ...CLAIM_KINDS.filter((kind) => claims.some((one) => one.kind === kind)).map(
      (kind) => `| ${kind} | ${VERDICTS.map((verdict) => count(kind, verdict)).join(' | ')} |`,
    ),
  ];
}
