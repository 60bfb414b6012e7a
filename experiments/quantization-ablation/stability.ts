/** Stability against the learning rate (arXiv 2310.11453, Figure 5): which rates does an arm bear? */

export const STABILITY_ARMS = ['full-precision', 'b1.58', 'weights-sign'] as const;

/** Peak rates, each twice the one before. */
export const STABILITY_RATES: readonly number[] = Array.from({ length: 8 }, (_, i) => 1.5e-3 * 2 ** i);

/** The name under which an arm's runs at all rates stand in a record. */
export function stabilityName(arm: string): string {
  return `stability-${arm}`;
}
