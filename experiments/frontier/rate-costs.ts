/** What not knowing the best rate costs each arm, read off its searches. */
import type { FinishedRun } from '../sweep/finished-run.js';
import { PRESETS, type Preset } from '../sweep/run-spec.js';
import { FRONTIER_ARMS, frontierArm, type FrontierArm } from './arms.js';
import type { RateCosts } from './compare.js';
import { frontierPlans } from './plan.js';
import { rateSearchOf } from './runs.js';

/** The larger cost of an arm's searches at the tuned shapes. An arm without a search, or whose curve has no lowest point, has none. */
export function rateCostsOf(corpus: string, finished: readonly FinishedRun[]): RateCosts {
  const tuned = finished.filter(({ role, corpus: { name } }) => role === 'tune' && name === corpus);
  if (tuned.length === 0) return new Map();
  return new Map(
    FRONTIER_ARMS.flatMap((arm) => {
      const own = arm.rateOf === undefined ? arm : frontierArm(arm.rateOf);
      // A record holds the runs of one preset: the first of these whose searches are all there.
      const found = PRESETS.toReversed()
        .map((preset) => costsOf(preset, corpus, own, tuned))
        .find(({ length }) => length > 0);
      return found ? [[arm.name, { cost: Math.max(...found) }] as const] : [];
    }),
  );
}

function costsOf(preset: Preset, corpus: string, arm: FrontierArm, tuned: readonly FinishedRun[]): number[] {
  return frontierPlans(preset)
    .filter((plan) => plan.corpus.name === corpus)
    .flatMap((plan) =>
      plan.tunedShapes.flatMap((shape) => rateSearchOf(plan, arm, shape, tuned).curve?.cost ?? []),
    );
}
