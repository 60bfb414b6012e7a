/** The test of a scaling law that BitNet makes (arXiv 2310.11453, section 3.2): fit the smaller models, predict the largest. */
import { bootstrap, type BootstrapOptions } from './bootstrap.js';
import { meanBySize, requirePoints, sizesOf, type MeasuredLoss } from './loss-points.js';
import { lossAt, MIN_SIZES, projected } from './scaling-law.js';
import { MIN_SEEDS } from './scaling-intervals.js';
import type { Estimate } from './statistics.js';

/** What a law of the smaller sizes says of a larger one. */
export interface SizePrediction {
  parameters: number;
  /** Of the mean loss over the seeds, nats. */
  predicted: Estimate;
  measured: number;
  /** measured − predicted, nats. */
  error: number;
  inside: boolean;
}

/**
 * Fits L(N) = a·N^b + c to all but the largest sizes and predicts those.
 * A draw of the bootstrap adds the noise of the measured mean to its prediction: the held-out runs have seeds, too.
 * @param heldOut sizes that are predicted, 2 by default
 * @throws Error for too few sizes or seeds
 */
export function predictLargest(
  points: readonly MeasuredLoss[],
  heldOut = 2,
  options: BootstrapOptions = {},
): SizePrediction[] {
  requirePoints('predict the largest sizes', points, { sizes: MIN_SIZES + heldOut, seeds: MIN_SEEDS });
  const sizes = sizesOf(points);
  const largest = sizes.slice(-heldOut);
  const smaller = points.filter(({ parameters }) => !largest.includes(parameters));
  const held = points.filter(({ parameters }) => largest.includes(parameters));
  const measured = meanBySize(held);
  const names = largest.map(String);
  const intervals = bootstrap(
    [smaller, deviations(points)],
    ([drawn, noise]) => {
      const law = projected(drawn);
      return Object.fromEntries(
        names.map((name, i) => {
          const seeds = held.filter(({ parameters }) => parameters === largest[i]).length;
          return [name, lossAt(law, largest[i]) + noiseOfMean(noise, seeds, i)];
        }),
      );
    },
    { sizes: MIN_SIZES, ...options },
  );
  const law = projected(smaller);
  return measured.map(({ parameters, loss }, i) => {
    const value = lossAt(law, parameters);
    const predicted = { ...intervals[names[i]], value };
    const inside = loss >= predicted.low && loss <= predicted.high;
    return { parameters, predicted, measured: loss, error: loss - value, inside };
  });
}

/** What seeds add: each run's loss less the mean of its size, widened for the mean being made of the same runs. */
function deviations(points: readonly MeasuredLoss[]): MeasuredLoss[] {
  const means = new Map(meanBySize(points).map(({ parameters, loss }) => [parameters, loss]));
  return points.map((point) => {
    const seeds = points.filter(({ parameters }) => parameters === point.parameters).length;
    const widened = seeds > 1 ? Math.sqrt(seeds / (seeds - 1)) : 1;
    return { ...point, loss: widened * (point.loss - means.get(point.parameters)!) };
  });
}

/** The mean of as many drawn deviations as there are seeds; each held-out size takes others of the draw. */
function noiseOfMean(drawn: readonly MeasuredLoss[], seeds: number, size: number): number {
  let sum = 0;
  for (let i = 0; i < seeds; i++) sum += drawn[(size * seeds + i) % drawn.length].loss;
  return sum / seeds;
}
