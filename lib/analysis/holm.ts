/**
 * Families of comparisons. Of twenty comparisons without any effect one is beyond a 95 % interval by luck; Holm's
 * procedure keeps the chance that any is at 5 % (A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian
 * Journal of Statistics 6, 1979).
 */
import { CONFIDENCE_LEVEL } from './statistics.js';

/** What the family leaves of one comparison. */
export interface HolmDecision {
  /** The smallest family-wise error at which this comparison is still beyond chance; 0 to 1. */
  adjustedP: number;
  /** The level at which its own interval has to be drawn, so that it excludes zero exactly where the family does. */
  level: number;
}

/**
 * Adjusts the comparisons of one family.
 * @param pValues of each comparison by itself
 * @param level of the family, 0.95 by default
 * @returns in the order given
 * @throws Error for an empty family and for values outside 0 to 1
 */
export function holm(pValues: readonly number[], level: number = CONFIDENCE_LEVEL): HolmDecision[] {
  if (pValues.length === 0) throw new Error('holm: a family must have at least one comparison, got none.');
  const odd = pValues.find((p) => !(p >= 0 && p <= 1));
  if (odd !== undefined) throw new Error(`holm: p values must lie between 0 and 1, got ${odd}.`);
  const alpha = 1 - level;
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
  const decisions = pValues.map((): HolmDecision => ({ adjustedP: 1, level }));
  let largest = 0;
  let holding = pValues.length;
  let isOpen = true;
  order.forEach((index, rank) => {
    const left = pValues.length - rank;
    largest = Math.max(largest, Math.min(1, left * pValues[index]));
    // The first that fails closes the door: all after it are held to the same level.
    if (isOpen) holding = left;
    if (pValues[index] > alpha / left) isOpen = false;
    decisions[index] = { adjustedP: largest, level: 1 - alpha / holding };
  });
  return decisions;
}
