import { writtenRate } from '../sweep/rate-search.js';

/** A learning rate that was tuned at a width. */
export interface RateAtWidth {
  width: number;
  rate: number;
}

/** Beyond the tuned widths a rate goes on by the same power, but by no more than this factor. */
const FARTHEST = 2;

/**
 * The rate of a width from those found at others: ln rate is a line in ln width, between the tuned widths and beyond them. Three
 * digits, so that it is the same number everywhere.
 * @param tuned at least one; of one, its rate serves all widths
 */
export function rateAtWidth(tuned: readonly RateAtWidth[], width: number): number {
  const [first, last] = [tuned[0], tuned.at(-1)];
  if (first === undefined || last === undefined)
    throw new Error('rate at width: there must be a tuned width, got none.');
  if (first.width === last.width) return first.rate;
  const power = Math.log(last.rate / first.rate) / Math.log(last.width / first.width);
  const nearest = width <= first.width ? first : last;
  const factor = (width / nearest.width) ** power;
  const isBeyond = width < first.width || width > last.width;
  const kept = isBeyond ? Math.min(Math.max(factor, 1 / FARTHEST), FARTHEST) : factor;
  return writtenRate(nearest.rate * kept);
}
