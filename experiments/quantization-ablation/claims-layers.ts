/** Claims on what stands around the weights: activations and norms. */
import { meanInterval, type Claim } from '@bitnet-notebooks/lib';
import { atTheEnd, MATCHES, onContrast, TIPS, WORSE, type Drafts } from './claim-drafts.js';
import type { BlockResults } from './results.js';
import { B1 } from '../record/sources.js';

const A48 = 'BitNet a4.8 (2411.04965)';

export function activationClaims(small: BlockResults | undefined): Drafts {
  const contrast = (arm: string) => small?.contrast(arm, 'b1.58');
  return [
    onContrast(contrast('activations-int4-absmax'), {
      claim: '4-bit activations hurt',
      source: TIPS,
      paper: 'no number',
      measure: 'int4 − int8, absmax at every site, nats a character',
      expected: WORSE,
    }),
    onContrast(contrast('activations-int4-not-down'), {
      claim: '… but not where the input of the down projection keeps 8 bits',
      source: TIPS,
      paper: 'no number',
      measure: 'int4 but for down_proj − int8, nats a character',
      expected: MATCHES,
    }),
    onContrast(contrast('activations-a4.8'), {
      claim: 'Int4 and int8 at the sites of a4.8 cost nothing',
      source: `${A48}, Table 1`,
      paper: 'as good as b1.58 at 3B; another tokenization, so no number to compare',
      measure: 'a4.8’s sites − int8 everywhere, trained from the start, nats a character',
      expected: MATCHES,
    }),
    onContrast(contrast('activations-int4-absmean'), {
      claim: '… and its int4 at every site does not do',
      source: A48,
      paper: 'diverges',
      measure: 'int4 absmean at every site − int8, nats a character',
      expected: WORSE,
    }),
    zerosClaim(small),
  ];
}

/**
 * "Zero" is said of the integers that enter the product: the FAQ's models have SwiGLU, which makes no exact zero before
 * rounding. Older runs have the exact zeros before norm and rounding alone, which are fewer.
 */
function zerosClaim(small: BlockResults | undefined): Claim | undefined {
  const reference = small?.arms.find(({ arm }) => arm === 'b1.58');
  const integers = atTheEnd(reference, ({ diagnostics }) => diagnostics?.integerZeros);
  const exact = atTheEnd(reference, ({ diagnostics }) => diagnostics?.activationZeros);
  const shares = integers.length > 1 ? integers : exact;
  if (shares.length === 0) return undefined;
  return {
    claim: 'Most of what enters the down projection is zero',
    kind: 'trained models',
    source: TIPS,
    paper: 'over 80 %, of the integers that are multiplied',
    ours: meanInterval(shares),
    expected: { above: 0.8 },
    ...(shares === integers
      ? { measure: `share of zeros among the integers in trained b1.58, ${shares.length} seeds` }
      : {
          measure: 'share of exact zeros before norm and rounding in trained b1.58, a lower bound',
          untestable: 'these runs have the zeros before rounding alone, a lower bound',
        }),
  };
}

export function normClaims(small: BlockResults | undefined, thin: BlockResults | undefined): Drafts {
  const blocks = [
    { results: small, size: '2 layers' },
    { results: thin, size: '12 layers' },
  ];
  const reference = small?.arms.find(({ arm }) => arm === 'weights-sign');
  return [
    ...blocks.flatMap(({ results, size }) => [
      onContrast(results?.contrast('table4-absmax-preln', 'weights-sign'), {
        claim: `SubLN is better than Pre-LN, ${size}`,
        source: `${B1}, Table 4`,
        paper: 'perplexity 20.34, not 22.11',
        measure: `Pre-LN − SubLN, b1 with absmax, ${size}, nats a character`,
        expected: WORSE,
      }),
      onContrast(results?.contrast('table4-absmax-bmt', 'weights-sign'), {
        claim: `SubLN is better than the norms of BMT, ${size}`,
        source: `${B1}, Table 4`,
        paper: 'perplexity 20.34, not 22.98',
        measure: `BMT − SubLN, b1 with absmax, ${size}, nats a character`,
        expected: WORSE,
      }),
    ]),
    onContrast(
      reference && small?.contrastAt(reference.rate, 'table4-elastic-preln', 'table4-absmax-preln'),
      {
        claim: 'Absmax is better than a learned (elastic) scale at one learning rate',
        source: `${B1}, Table 4`,
        paper: 'perplexity 22.11, not 24.05, at eight times the learning rate',
        measure: 'elastic − absmax, b1 with Pre-LN, both at the rate of absmax + SubLN, nats a character',
        expected: WORSE,
      },
    ),
    onContrast(small?.contrast('norm-none', 'b1.58'), {
      claim: 'A quantized layer needs a norm at its input',
      source: `${B1}, section 2.1`,
      paper: 'keeps the variance of the output; no number',
      measure: 'no norm before the quantizer − SubLN, nats a character',
      expected: WORSE,
    }),
  ];
}
