/**
 * Claims as one family: of many that are judged at 95 %, some come out by luck. Each keeps the verdict of its own interval, and
 * says beside it whether it would survive Holm's procedure over all of them.
 */
import { comparisonOf, type JudgedClaim } from './claims.js';
import { pValue } from './contrast.js';
import { holm } from './holm.js';
import { CONFIDENCE_LEVEL } from './statistics.js';

/**
 * Adjusts the claims on trained models for their number; others have no luck in them. The p value of a claim is that of
 * its rule's nearest edge: how often chance alone would take the measurement as far to that side of it.
 * @returns all claims in the order given; those of the family with `adjustedP` and `familySize`
 */
export function asFamily(claims: readonly JudgedClaim[]): JudgedClaim[] {
  const family = claims.filter(isInFamily);
  if (family.length === 0) return [...claims];
  const decisions = holm(family.map(edgeP));
  return claims.map((claim) => {
    const at = family.indexOf(claim);
    return at === -1 ? claim : { ...claim, adjustedP: decisions[at].adjustedP, familySize: family.length };
  });
}

/** True for a claim that was decided by its own interval alone: over its family it would not be. */
export function isByItselfOnly({ verdict, adjustedP }: JudgedClaim): boolean {
  const isDecided = verdict === 'agrees' || verdict === 'disagrees';
  return isDecided && adjustedP !== undefined && adjustedP > 1 - CONFIDENCE_LEVEL;
}

function isInFamily({ kind, verdict }: JudgedClaim): boolean {
  return kind === 'trained models' && verdict !== 'untestable here';
}

function edgeP(claim: JudgedClaim): number {
  const { above, below, atLeast, atMost, least = 0 } = claim.expected;
  const isNone = claim.verdict === 'disagrees';
  const edges = [
    // "Too small to count" is judged by what counts.
    ...(above === undefined ? [] : [isNone ? above + least : above]),
    ...(below === undefined ? [] : [isNone ? below - least : below]),
    ...(atLeast === undefined ? [] : [atLeast]),
    ...(atMost === undefined ? [] : [atMost]),
  ];
  const contrast = comparisonOf(claim);
  return Math.max(...edges.map((edge) => pValue(contrast, edge)));
}
