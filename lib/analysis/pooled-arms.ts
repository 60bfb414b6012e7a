/**
 * Many arms, few seeds: the spread of a run is estimated from all arms together.
 *
 * The model is additive, loss(arm, seed) = mean(arm) + shift(seed) + noise, with one variance of the noise (a randomized
 * block design, seeds the blocks; the intra-block analysis of a mixed model with random seeds). Three seeds of two arms leave
 * two degrees of freedom, the same three seeds of thirty arms fifty-eight. An arm that scatters plainly more than the others,
 * by an F test, stands apart: it keeps a variance of its own, and the others are not judged by it.
 */
import jstat from 'jstat';
import { divergedContrast, type Contrast } from './contrast.js';
import { leastSquares, quadraticForm, sumOfSquares, type LeastSquares } from './least-squares.js';
import { mean, standardDeviation } from './statistics.js';
import { UndeterminedError } from './undetermined.js';

/** The loss of one run. */
export interface ArmLoss {
  arm: string;
  seed: number;
  /** Infinity where the run diverged. */
  loss: number;
}

/** An F test below this, shared among the arms, sets one apart. */
const APART = 0.01;

/** The fitted arms. */
export class PooledArms {
  /** Standard deviation of a run around its arm and seed, in the losses' unit. */
  readonly deviation: number;
  /** Degrees of freedom of `deviation`. */
  readonly degrees: number;
  /** Arms that scatter more than the others, by name; they keep their own variance. */
  readonly apart: readonly string[];
  /** Arms with a run that diverged, by name. */
  readonly diverged: readonly string[];
  readonly #losses: Map<string, Map<number, number>>;
  readonly #fit: LeastSquares;
  readonly #columns: ReadonlyMap<string, number>;

  /**
   * @param runs of all arms of one size on one corpus; an arm and a seed at most once
   * @throws UndeterminedError for no runs, and where nothing is left to estimate the spread from; Error for a loss that is no number
   * and a run given twice
   */
  constructor(runs: readonly ArmLoss[]) {
    this.#losses = byArm(runs);
    this.diverged = [...this.#losses]
      .filter(([, seeds]) => [...seeds.values()].includes(Infinity))
      .map(([arm]) => arm);
    const finite = runs.filter(({ arm }) => !this.diverged.includes(arm));
    const all = fitArms(finite);
    this.apart = wildArms(finite, all);
    const calm = this.apart.length > 0 ? fitArms(finite.filter(({ arm }) => !this.apart.includes(arm))) : all;
    this.#fit = calm.fit;
    this.#columns = calm.columns;
    this.degrees = calm.fit.degrees;
    this.deviation = Math.sqrt(sumOfSquares(calm.fit.residuals) / calm.fit.degrees);
  }

  /**
   * The difference of two arms, arm − reference. Seeds that only one of them has count too, as far as other arms show what
   * those seeds shift.
   * @throws Error for an arm without runs
   */
  contrast(arm: string, reference: string): Contrast {
    const [own, other] = [this.#seedsOf(arm), this.#seedsOf(reference)];
    const count = Math.min(own.size, other.size);
    if (this.diverged.includes(arm) || this.diverged.includes(reference)) {
      const loss = (name: string): number => (this.diverged.includes(name) ? Infinity : 0);
      return divergedContrast(loss(arm) - loss(reference), count);
    }
    const [column, against] = [this.#columns.get(arm), this.#columns.get(reference)];
    if (column === undefined || against === undefined)
      return unequalContrast(own, other, this.deviation, count);
    const combination = this.#fit.coefficients.map(() => 0);
    combination[column] += 1;
    combination[against] -= 1;
    return {
      value: this.#fit.coefficients[column] - this.#fit.coefficients[against],
      standardError: this.deviation * Math.sqrt(quadraticForm(combination, this.#fit.unscaledCovariance)),
      degrees: this.degrees,
      count,
    };
  }

  #seedsOf(arm: string): ReadonlyMap<number, number> {
    const seeds = this.#losses.get(arm);
    if (seeds) return seeds;
    throw new Error(`PooledArms: the arm must be one of ${[...this.#losses.keys()].join(', ')}, got ${arm}.`);
  }
}

function byArm(runs: readonly ArmLoss[]): Map<string, Map<number, number>> {
  if (runs.length === 0) throw new UndeterminedError('PooledArms: there must be runs to pool, got none.');
  const losses = new Map<string, Map<number, number>>();
  for (const { arm, seed, loss } of runs) {
    if (Number.isNaN(loss))
      throw new Error(`PooledArms: a loss must be a number, got NaN for ${arm}, seed ${seed}.`);
    const seeds = losses.get(arm) ?? new Map<number, number>();
    if (seeds.has(seed))
      throw new Error(`PooledArms: an arm must have a seed once, got ${arm}, seed ${seed} twice.`);
    losses.set(arm, seeds.set(seed, loss));
  }
  return losses;
}

interface ArmsFit {
  fit: LeastSquares;
  /** Column of each arm's mean. */
  columns: Map<string, number>;
}

/** Arms as columns of their own; seeds as columns that shift all arms, the first of them as the origin. */
function fitArms(runs: readonly ArmLoss[]): ArmsFit {
  const arms = [...new Set(runs.map(({ arm }) => arm))];
  const seeds = [...new Set(runs.map(({ seed }) => seed))].slice(1);
  const design = runs.map((run) => [
    ...arms.map((arm) => (arm === run.arm ? 1 : 0)),
    ...seeds.map((seed) => (seed === run.seed ? 1 : 0)),
  ]);
  const columns = arms.length + seeds.length;
  if (runs.length <= columns) {
    throw new UndeterminedError(
      `PooledArms: there must be more runs than arms and seeds together, got ${runs.length} runs of ${arms.length} arms.`,
    );
  }
  const fit = leastSquares(
    design,
    runs.map(({ loss }) => loss),
  );
  return { fit, columns: new Map(arms.map((arm, i) => [arm, i])) };
}

/** Arms whose residuals are larger than those of the rest by more than chance allows. */
function wildArms(runs: readonly ArmLoss[], { fit, columns }: ArmsFit): string[] {
  const total = sumOfSquares(fit.residuals);
  return [...columns.keys()].filter((arm) => {
    const own = sumOfSquares(fit.residuals.filter((_, i) => runs[i].arm === arm));
    const degrees = runs.filter((run) => run.arm === arm).length - 1;
    const rest = fit.degrees - degrees;
    if (degrees < 1 || rest < 1 || total === own) return false;
    const ratio = own / degrees / ((total - own) / rest);
    return 1 - jstat.jStat.centralF.cdf(ratio, degrees, rest) < APART / columns.size;
  });
}

/** Two arms of unequal spread, over the seeds that both have, by Student's t on the differences. */
function unequalContrast(
  own: ReadonlyMap<number, number>,
  other: ReadonlyMap<number, number>,
  deviation: number,
  count: number,
): Contrast {
  const differences = [...own].flatMap(([seed, loss]) => (other.has(seed) ? [loss - other.get(seed)!] : []));
  if (differences.length === 0)
    throw new Error('PooledArms: two arms of unequal spread must share seeds, got none.');
  const n = differences.length;
  const spread = n > 1 ? standardDeviation(differences) : deviation * Math.SQRT2;
  return { value: mean(differences), standardError: spread / Math.sqrt(n), degrees: n - 1, count };
}
