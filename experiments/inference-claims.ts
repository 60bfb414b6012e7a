/** The papers' claims about inference, held against what notebook 4 finds in a model and in the recorded run. */
import {
  countParameters,
  exactly,
  judge,
  mean,
  meanInterval,
  type Estimate,
  type JudgedClaim,
} from '@bitnet-notebooks/lib';
import { CONFIG_2B4T, type InferenceRecord } from './inference-2b4t.js';

/** What was found in the model that is loaded. */
export interface InferenceFindings {
  /** Shares of -1, 0 and +1, a row for each ternary matrix. */
  tritShares: readonly { minus: number; zero: number; plus: number }[];
  /** Values and bytes of the linear layers in the file. */
  linearValues: number;
  linearBytes: number;
  /** Share of zeros before down_proj, one for each layer. */
  zerosByLayer: readonly number[];
  /** Integer products that were done again by adding and subtracting, and how many of them came out the same. */
  checkedProducts: number;
  equalProducts: number;
  /** Decoding of 2B4T in milliseconds a token: of the loaded model if it is 2B4T, else as recorded at its shape. */
  tokenMs: number;
  /** Arithmetic energy of 2B4T on 512 tokens in joules, by the papers' formula. */
  energyJoules: number;
}

const GIGA = 1e9;

/** Bits that a trit of these shares carries. */
function entropy({ minus, zero, plus }: { minus: number; zero: number; plus: number }): number {
  return [minus, zero, plus].reduce((sum, p) => (p === 0 ? sum : sum - p * Math.log2(p)), 0);
}

/** Mean over layers or matrices of one model: their spread, not that of other models. */
function across(values: readonly number[]): Estimate {
  return values.length > 1 ? meanInterval(values) : exactly(mean(values));
}

/** Judges the claims. A rule is printed beside each of them. */
export function inferenceClaims(findings: InferenceFindings): JudgedClaim[] {
  const { linearValues, linearBytes, checkedProducts, equalProducts } = findings;
  const weights2B4T = countParameters(CONFIG_2B4T).quantized;
  return [
    judge({
      claim: 'A trained trit carries nearly log2(3) = 1.58 bits',
      source: 'b1.58, section 2; Training Tips, FAQ',
      paper: '1.58 bits; levels nearly equally frequent',
      measure: 'entropy of the trits, mean over matrices, bits',
      ours: across(findings.tritShares.map(entropy)),
      expected: { atLeast: 1.55, atMost: Math.log2(3) },
    }),
    judge({
      claim: 'A product with the weights needs additions only',
      source: 'b1.58, section 1',
      paper: 'integer addition, no multiplication',
      measure: 'share of products that adding and subtracting gives exactly',
      ours: exactly(equalProducts / checkedProducts),
      expected: { atLeast: 1 },
    }),
    judge({
      claim: 'Most inputs of down_proj are zero',
      source: 'Training Tips, FAQ',
      paper: 'over 80 %',
      measure: 'share of zeros, mean over layers',
      ours: across(findings.zerosByLayer),
      expected: { atLeast: 0.8 },
    }),
    judge({
      claim: '2B4T takes 0.4 GB without its embedding',
      source: '2B4T, table 1',
      paper: '0.4 GB',
      measure: `bytes a weight in this file × ${(weights2B4T / GIGA).toFixed(3)} G weights, GB`,
      ours: exactly(((linearBytes / linearValues) * weights2B4T) / GIGA),
      expected: { atLeast: 0.35, atMost: 0.45 },
    }),
    judge({
      claim: '2B4T decodes a token in 29 ms on a laptop CPU',
      source: '2B4T, table 1',
      paper: '29 ms (i7-13800H, 8 threads)',
      measure: 'decoding on this machine, ms a token',
      ours: exactly(findings.tokenMs),
      expected: { atMost: 29 },
      claimedFrom: 'an i7-13800H with 8 threads',
    }),
    judge({
      claim: '2B4T takes 0.028 J of arithmetic',
      source: '2B4T, table 1',
      paper: '0.028 J',
      measure: "the papers' formula on its shape for 512 tokens, J",
      ours: exactly(findings.energyJoules),
      expected: { atLeast: 0.0275, atMost: 0.0285 },
    }),
  ];
}

/** Milliseconds a token in the recorded run: its fastest number of threads. */
export function recordedTokenMs({ measurements }: InferenceRecord): number {
  return Math.min(...measurements.map(({ greedyMs }) => greedyMs));
}
