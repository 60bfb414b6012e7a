/** Measured losses, as the fits of this folder take them. */

import { mean } from './statistics.js';

/** The loss that a model came to. */
export interface MeasuredLoss {
  /** N, learned values of the model. */
  parameters: number;
  /** Runs of one seed share their data; bootstraps draw pairs of size and seed. */
  seed: number;
  /** Nats per token. */
  loss: number;
}

/** The sizes of points, ascending. */
export function sizesOf(points: readonly MeasuredLoss[]): number[] {
  return [...new Set(points.map(({ parameters }) => parameters))].sort((a, b) => a - b);
}

/** The mean loss of every size, ascending in size. */
export function meanBySize(points: readonly MeasuredLoss[]): { parameters: number; loss: number }[] {
  return sizesOf(points).map((parameters) => {
    const losses = points.filter((point) => point.parameters === parameters).map(({ loss }) => loss);
    return { parameters, loss: mean(losses) };
  });
}

/**
 * @throws Error that says how many sizes and seeds are needed
 */
export function requirePoints(
  what: string,
  points: readonly MeasuredLoss[],
  { sizes: neededSizes, seeds: neededSeeds = 1 }: { sizes: number; seeds?: number },
): void {
  const sizes = sizesOf(points);
  if (sizes.length < neededSizes) {
    throw new Error(
      `${what}: there must be at least ${neededSizes} sizes that did not diverge, got ${sizes.length}. ` +
        'Run more sizes, or a larger preset.',
    );
  }
  const seeds = new Set(points.map(({ seed }) => seed)).size;
  if (seeds < neededSeeds) {
    throw new Error(
      `${what}: there must be at least ${neededSeeds} seeds, got ${seeds}: one seed says nothing about the noise. ` +
        'Run more seeds, or a larger preset.',
    );
  }
}
