/** A learning rate that was tuned at a width. */
export interface RateAtWidth {
  width: number;
  rate: number;
}

/**
 * The learning rate at a width between tuned ones: ln rate is linear in ln width, and beyond the tuned widths the
 * nearest one's rate stays. Two digits, so that it reads well and is the same number everywhere.
 * @param tuned ascending widths, at least one
 */
export function interpolateRate(tuned: readonly RateAtWidth[], width: number): number {
  if (tuned.length === 0) throw new Error('interpolate rate: there must be a tuned width, got none.');
  const above = tuned.findIndex((one) => one.width >= width);
  if (above === -1) return tuned[tuned.length - 1].rate;
  const high = tuned[above];
  if (above === 0 || high.width === width) return high.rate;
  const low = tuned[above - 1];
  const share = Math.log(width / low.width) / Math.log(high.width / low.width);
  return Number((low.rate * (high.rate / low.rate) ** share).toPrecision(2));
}
