/** b1.58 beside full precision of another shape that costs as much, in bytes or in time. */
import type { Pair } from '../sizes/pairs.js';

/** A budget that both arms spend alike: bytes of weights, or seconds of decoding a token. */
export interface EqualBudget {
  pair: Pair;
  /** What the b1.58 model spends. */
  budget: number;
  /** Loss of a full-precision model that spends as much, between its two neighbours on the logarithm of the budget. */
  fullLoss: number;
  /** b1.58 − full precision at equal budget. */
  gap: number;
}

/** Budgets of a model in both forms. */
export type BudgetOf = (pair: Pair, form: 'full' | 'ternary') => number;

/** Bytes of the weights in memory: full precision in 16 bits; b1.58 in 2 bits and the rest in 16. */
export const bytesBudget: BudgetOf = ({ parameters, quantized }, form) =>
  form === 'full' ? 2 * parameters : quantized / 4 + 2 * (parameters - quantized);

/**
 * Each b1.58 model beside the full-precision one of equal budget, where such a one lies among those that were trained.
 * Pairs with a run that diverged are left out.
 * @param all pairs of one corpus, ascending
 */
export function atEqualBudget(all: readonly Pair[], budgetOf: BudgetOf): EqualBudget[] {
  const pairs = all.filter(
    ({ full, ternary }) => Number.isFinite(full.value) && Number.isFinite(ternary.value),
  );
  const curve = pairs.map((pair) => ({ budget: Math.log(budgetOf(pair, 'full')), loss: pair.full.value }));
  return pairs.flatMap((pair) => {
    const budget = budgetOf(pair, 'ternary');
    const above = curve.findIndex((point) => point.budget >= Math.log(budget));
    if (above < 1) return [];
    const [low, high] = [curve[above - 1], curve[above]];
    const share = (Math.log(budget) - low.budget) / (high.budget - low.budget);
    const fullLoss = low.loss + share * (high.loss - low.loss);
    return [{ pair, budget, fullLoss, gap: pair.ternary.value - fullLoss }];
  });
}
