/** Measured losses, as the fits of this folder take them. */

/** The loss that a model came to. */
export interface LossAtSize {
  /** N, learned values of the model. */
  parameters: number;
  /** D, tokens that it was trained on. */
  tokens?: number;
  /** Runs of one seed share their data; bootstraps draw pairs of size and seed. */
  seed: number;
  /** Nats per token; null where the run diverged. */
  loss: number | null;
}

/** A point whose run did not diverge. */
export interface MeasuredLoss extends LossAtSize {
  loss: number;
}

/** Fits see what was measured; what diverged is counted beside them, never dropped in silence. */
export function splitDiverged(points: readonly LossAtSize[]): {
  measured: MeasuredLoss[];
  diverged: LossAtSize[];
} {
  const isMeasured = (point: LossAtSize): point is MeasuredLoss =>
    point.loss !== null && Number.isFinite(point.loss);
  return {
    measured: points.filter(isMeasured),
    diverged: points.filter((point) => !isMeasured(point)),
  };
}

/** The sizes of points, ascending. */
export function sizesOf(points: readonly LossAtSize[]): number[] {
  return [...new Set(points.map(({ parameters }) => parameters))].sort((a, b) => a - b);
}

/** The mean loss of every size, ascending in size. */
export function meanBySize(points: readonly MeasuredLoss[]): { parameters: number; loss: number }[] {
  return sizesOf(points).map((parameters) => {
    const losses = points.filter((point) => point.parameters === parameters).map(({ loss }) => loss);
    return { parameters, loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length };
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
