/** What a reader has to know of a block beside its numbers: nothing is left out or averaged in silence. */
import type { ArmRuns } from './arm-runs.js';
import { ARMS } from './arms.js';
import { nameIn, type Block } from './blocks.js';
import { divergedEverywhere, tuningLosses } from './rates.js';

import { seedOf } from '../sweep/by-seed.js';
import { lossOf, type FinishedRun } from '../sweep/finished-run.js';
import type { PooledArms } from '@bitnet-notebooks/lib';

/** A line for each thing; none where there is nothing to say. */
export function blockNotes(
  block: Block,
  arms: readonly ArmRuns[],
  pooled: PooledArms | undefined,
  finished: readonly FinishedRun[],
): string[] {
  const name = ({ arm }: ArmRuns): string => nameIn(block, arm.name);
  const others = ARMS.map((arm) => nameIn(block, arm.name)).filter(
    (arm) =>
      tuningLosses(arm, finished).length > 0 && !arms.some((one) => name(one) === arm && one.own.length > 0),
  );
  const edges = arms.filter(({ curve }) => !curve.isInside || curve.missing !== undefined);
  return [
    ...listed('Seeds missing', arms.flatMap(missingSeeds(name))),
    ...listed(
      'Diverged, and counted as an infinite loss',
      arms.flatMap(({ all }) => all.filter((run) => lossOf(run) === Infinity).map((run) => run.name)),
    ),
    ...listed(
      'Diverged at every rate',
      others.filter((arm) => divergedEverywhere(arm, finished)),
    ),
    ...listed(
      'Tuned, but not yet reported',
      others.filter((arm) => !divergedEverywhere(arm, finished)),
    ),
    ...listed(
      'Fewer than two rates beyond the best one',
      edges.map((runs) => `${name(runs)} (${runs.curve.isInside ? runs.curve.missing : 'at the edge'})`),
    ),
    ...listed(
      'Scatter more than the other arms, and are judged by their own spread',
      (pooled?.apart ?? []).map((arm) => nameIn(block, arm)),
    ),
    ...(pooled ? [] : ['Too few runs to see a spread: no differences.']),
  ];
}

/** Seeds up to the arm's last that it lacks. */
function missingSeeds(name: (runs: ArmRuns) => string): (runs: ArmRuns) => string[] {
  return (runs) => {
    const seeds = runs.own.map(seedOf);
    const most = Math.max(0, ...seeds);
    const missing = Array.from({ length: most }, (_, i) => i + 1).filter((seed) => !seeds.includes(seed));
    return missing.length > 0 ? [`${name(runs)} (${missing.join(', ')})`] : [];
  };
}

function listed(heading: string, names: readonly string[]): string[] {
  return names.length > 0 ? [`${heading}: ${names.join(', ')}.`] : [];
}
