/**
 * The precision law (Kumar et al. 2024, arXiv 2411.04330) with what it leaves open fitted: an arm with coarse weights does what full precision
 * does with k·N parameters, L(N, D) − H = A/(k·N)^α + B/D^β, with A, α, B and β shared by all arms.
 */
import type { Contrast } from './contrast.js';
import { fitExcessLaw, logsOf, logSum, type GridCell } from './excess-law.js';
import { fitNonlinear, type Model } from './nonlinear-fit.js';
import { mean } from './statistics.js';

/** The fitted law. */
export interface EffectiveParameters {
  /** ln k of each arm, in the order given: what one of its parameters is worth in full precision. */
  logWorth: Contrast[];
  alpha: Contrast;
  beta: Contrast;
  /** Standard deviation of a cell around the law, as a share of its excess. */
  scatter: number;
}

/**
 * Fits all arms together.
 * @param full cells in full precision
 * @param arms cells of each other arm
 * @param entropy H, nats
 * @throws Error as `fitExcessLaw` does
 */
export function fitEffectiveParameters(
  full: readonly GridCell[],
  arms: readonly (readonly GridCell[])[],
  entropy: number,
): EffectiveParameters {
  const cells = [full, ...arms].flatMap((group, arm) => group.map((cell) => ({ ...cell, arm })));
  const logs = logsOf('fit effective parameters', cells, entropy);
  const model: Model = (c) =>
    cells.map(({ parameters, tokens, arm }) => {
      const worth = arm === 0 ? 0 : c[3 + arm];
      return logSum(c[0] - c[1] * (logs.size(parameters) + worth), c[2] - c[3] * logs.tokens(tokens));
    });
  const alone = fitExcessLaw(full, entropy);
  const half = mean(logs.excess) - Math.LN2;
  const start = [half, alone.alpha.value, half, alone.beta.value, ...arms.map(() => Math.log(0.5))];
  const fit = fitNonlinear(model, start, logs.excess);
  return {
    logWorth: arms.map((_, arm) => fit.contrast((c) => c[4 + arm])),
    alpha: fit.contrast((c) => c[1]),
    beta: fit.contrast((c) => c[3]),
    scatter: fit.scatter,
  };
}
