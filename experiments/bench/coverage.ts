/** npm run bench -- coverage [TRIALS]: how often the intervals of a fitted law hold the truth, on made-up losses. */
import { coverage, MADE_UP_SWEEP } from '@bitnet-notebooks/lib';

/** Prints the shares for the full preset's nine sizes and three seeds. */
export function benchCoverage([trials = '500']: readonly string[]): void {
  const count = Number(trials);
  const { a, b, c, noise, sizes, seeds } = MADE_UP_SWEEP;
  console.log(
    `L(N) = ${a}·N^${b} + ${c}, noise ${noise} nat, ${sizes.length} sizes × ${seeds} seeds, ${count} trials, 95 % intervals`,
  );
  for (const [name, share] of Object.entries(coverage(count, MADE_UP_SWEEP, { draws: 300 }))) {
    console.log(`${name.padEnd(6)} held in ${(100 * share).toFixed(1)} % of trials`);
  }
}
