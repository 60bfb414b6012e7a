/** Claims on the values of a weight: how many it needs, and how near that comes to full precision. */
import { atTheEnd, MATCHES, onContrast, onSeeds, TIPS, WORSE, type Drafts } from './claim-drafts.js';
import type { BlockResults } from './results.js';
import { B1, B158 } from '../record/sources.js';

/** b1.58 beside full precision, at both sizes and against both baselines. */
export function sizeClaims(small: BlockResults | undefined, a: BlockResults | undefined): Drafts {
  const sizes = [
    { results: small, size: '0.1 M parameters' },
    { results: a, size: '0.8 M parameters (configuration A)' },
  ];
  const baselines = [
    { against: 'full-precision', name: 'full precision in the same body' },
    { against: 'full-precision-papers', name: 'the papers’ baseline (full precision, Pre-LN, SwiGLU)' },
  ];
  return sizes.flatMap(({ results, size }) =>
    baselines.map(({ against, name }) =>
      onContrast(results?.contrast('b1.58', against), {
        claim: `b1.58 matches ${name}, ${size}`,
        headline: 2,
        source: `${B158}, Table 1`,
        paper: 'behind at 700M, ahead at 3B; another tokenization, so no number to compare',
        measure: `b1.58 − ${against}, nats a character`,
        expected: MATCHES,
      }),
    ),
  );
}

export function levelClaims(small: BlockResults | undefined): Drafts {
  const contrast = (arm: string, against: string) => small?.contrast(arm, against);
  const ternary = small?.arms.find(({ arm }) => arm === 'b1.58');
  return [
    onContrast(contrast('b1.58', 'weights-8bit'), {
      claim: 'Three values for a weight match 8 bits, trained alike',
      headline: 2,
      source: TIPS,
      paper: 'more levels are not needed; no number',
      measure: 'ternary − 8-bit weights, nats a character',
      expected: MATCHES,
    }),
    onContrast(contrast('weights-sign', 'b1.58'), {
      claim: 'Binary weights are worse than ternary ones',
      source: TIPS,
      paper: '{−1, 1} is worse, most of all in small models',
      measure: '{−1, 1} − ternary in the same body, nats a character',
      expected: WORSE,
    }),
    onContrast(contrast('weights-zero-one', 'b1.58'), {
      claim: '{0, 1} is worse than ternary',
      source: TIPS,
      paper: 'diverges early; no definition printed',
      measure: '{0, 1} (threshold and scale are this project’s) − ternary, nats a character',
      expected: WORSE,
    }),
    onContrast(contrast('weights-2bit', 'b1.58'), {
      claim: 'A larger γ, which makes more weights zero, is worse',
      source: TIPS,
      paper: 'no number',
      measure: 'three levels scaled by the largest weight (2-bit absmax) − by the mean, nats a character',
      expected: WORSE,
    }),
    onContrast(contrast('weights-sign-groups', 'weights-sign'), {
      claim: 'A scale for each group of a matrix costs nothing',
      source: `${B1}, section 2.1`,
      paper: 'for model parallelism; no number',
      measure: 'four scales a matrix − one, b1, nats a character',
      expected: MATCHES,
    }),
    onContrast(contrast('weights-sign-own-body', 'weights-sign'), {
      claim: 'b1 may be judged in 2B4T’s body: its own (LayerNorm, no gate) does as well',
      kind: 'self-check',
      source: 'this project',
      paper: 'b1’s paper knows its own body only',
      measure: 'b1 in its own body − in 2B4T’s, nats a character',
      expected: MATCHES,
    }),
    onSeeds(
      atTheEnd(ternary, ({ diagnostics }) => diagnostics?.zeros),
      {
        claim: 'The three values are about equally frequent',
        source: TIPS,
        paper: 'near uniform',
        measure: 'share of zeros in trained b1.58',
        expected: { atLeast: 1 / 3 - 0.05, atMost: 1 / 3 + 0.05, ours: 'the margin' },
      },
    ),
  ];
}
