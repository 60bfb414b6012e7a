/** npm run bench -- coverage [TRIALS]: how often intervals hold the truth, on made-up losses of known truth. */
import {
  ablationCoverage,
  coverage,
  gapLawCoverage,
  gridCoverage,
  MADE_UP_ABLATION,
  MADE_UP_GRID,
  MADE_UP_SWEEP,
} from '@bitnet-notebooks/lib';

/** Prints the shares for fits over sizes, over sizes and tokens, and for the ablation's comparisons of tuned arms. */
export function benchCoverage([trials = '500']: readonly string[]): void {
  const count = Number(trials);
  if (!Number.isInteger(count) || count < 1) {
    throw new Error(`coverage: the number of trials must be a whole number from 1, got ${trials}.`);
  }
  fits(count);
  grids(count);
  comparisons(count);
}

function fits(count: number): void {
  const { a, b, c, noise, sizes, seeds } = MADE_UP_SWEEP;
  console.log(
    `L(N) = ${a}·N^${b} + ${c}, noise ${noise} nat, ${sizes.length} sizes × ${seeds} seeds, ${count} trials, 95 % intervals`,
  );
  for (const [name, share] of Object.entries(coverage(count, MADE_UP_SWEEP, { draws: 300 }))) {
    console.log(`${name.padEnd(6)} held in ${(100 * share).toFixed(1)} % of trials`);
  }
}

function grids(count: number): void {
  const { A, alpha, B, beta, worth, scatter, noise, seeds, sizes, tokens } = MADE_UP_GRID;
  console.log(
    `\nL(N, D) − H = ${A}/(kN)^${alpha} + ${B}/D^${beta}, k = ${worth}; ${sizes.length} sizes × ${tokens.length} lengths × ${seeds} seeds, ` +
      `cells scatter by ${100 * scatter} %, seeds by ${noise} nat, ${count} trials, 95 % intervals`,
  );
  const held = { ...gridCoverage(count), ...gapLawCoverage(count) };
  for (const [name, share] of Object.entries(held)) {
    console.log(`${name.padEnd(14)} held in ${(100 * share).toFixed(1)} % of trials`);
  }
}

function comparisons(count: number): void {
  const { arms, seeds, tuningSeeds, rates, noise, shift, curvature, skew } = MADE_UP_ABLATION;
  console.log(
    `\n${arms} arms against a reference, ${seeds} seeds, each tuned on ${rates} rates × ${tuningSeeds} seeds; noise ${noise}, ` +
      `shift of a seed ${shift}, loss ${curvature} an octave² and ${skew} an octave³ from the best rate; ${count} trials`,
  );
  const { held, falseAlarms, familyAlarms, halfWidth } = ablationCoverage(count);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  console.log(
    `95 % intervals hold the true difference in ${percent(held)}, ± ${halfWidth.toFixed(4)} nats in the mean`,
  );
  console.log(`without any effect: ${percent(falseAlarms)} of comparisons exclude zero, each by itself`);
  console.log(`without any effect: ${percent(familyAlarms)} of families report one, by Holm`);
}
