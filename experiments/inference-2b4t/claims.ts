/** The papers' claims about inference, held against what is found in a model and in the recorded run. */
import { join } from 'node:path';
import {
  BITNET_2B4T_SHAPE,
  exactly,
  judge,
  linearWeights,
  loadModel,
  mean,
  meanInterval,
  modelEnergy,
  type Claim,
  type Estimate,
  type JudgedClaim,
  type Model,
} from '@bitnet-notebooks/lib';
import type { ClaimSource } from '../sweep/experiment.js';
import { CLONE } from '../sweep/commit.js';
import { benchCommand } from '../record/measured.js';
import { hasResults } from '../record/results-file.js';
import { INFERENCE, readInferenceRecord, type InferenceRecord } from './results.js';

/** What was found in a model, and how fast 2B4T runs here. */
export interface InferenceFindings {
  /** Shares of -1, 0 and +1, a row for each ternary matrix. */
  tritShares: readonly { minus: number; zero: number; plus: number }[];
  /** Integer products of a layer that were done again by adding and subtracting, and how many came out the same. */
  checkedProducts: number;
  equalProducts: number;
  /** Decoding of 2B4T in milliseconds a token: of the model itself if it is 2B4T, else as recorded at its shape. */
  tokenMs: number;
}

const GIGA = 1e9;
const TEXT = 'ROMEO:\nBut soft, what light through yonder window';
const SITE = 'layers.0.self_attn.q_proj';

/**
 * Looks into a model.
 * @param ids tokens that it reads
 */
export async function inferenceFindings(
  model: Model,
  ids: readonly number[],
  tokenMs: number,
): Promise<InferenceFindings> {
  const trace = await model.trace(ids);
  const { features, values: inputs } = trace.quantizedInputs.get(SITE)!;
  const sums = trace.integerProducts.get(SITE)!.values;
  const { shape, values: trits } = model.ternaryWeights(`model.${SITE}.weight`);
  const again = addAndSubtract(trits, inputs, features);
  return {
    tritShares: model.ternaryShares(),
    checkedProducts: ids.length * shape[0],
    equalProducts: again.filter((sum, i) => sum === sums[i]).length,
    tokenMs,
  };
}

/** Products of every row of inputs with every row of trits, without a multiplication: [tokens, out]. */
function addAndSubtract(trits: Int8Array, inputs: Int8Array, features: number): number[] {
  const outputs = trits.length / features;
  return Array.from({ length: (inputs.length / features) * outputs }, (_, at) => {
    const token = Math.floor(at / outputs) * features;
    const row = (at % outputs) * features;
    let sum = 0;
    for (let i = 0; i < features; i++) {
      if (trits[row + i] === 1) sum += inputs[token + i];
      else if (trits[row + i] === -1) sum -= inputs[token + i];
    }
    return sum;
  });
}

/** Bits that a trit of these shares carries. */
function entropy({ minus, zero, plus }: { minus: number; zero: number; plus: number }): number {
  return [minus, zero, plus].reduce((sum, p) => (p === 0 ? sum : sum - p * Math.log2(p)), 0);
}

/** Mean over layers or matrices of one model: their spread, not that of other models. */
function across(values: readonly number[]): Estimate {
  return values.length > 1 ? meanInterval(values) : exactly(mean(values));
}

/**
 * Judges the claims. How many inputs of down_proj are zero is counted in the notebook, among the integers that are multiplied, and
 * not judged: one text through one model is no sample.
 */
export function inferenceClaims(findings: InferenceFindings): JudgedClaim[] {
  const { checkedProducts, equalProducts } = findings;
  const weights2B4T = linearWeights(BITNET_2B4T_SHAPE);
  const claims: Claim[] = [
    {
      claim: 'A trained trit carries nearly log2(3) = 1.58 bits',
      kind: 'trained models',
      source: 'Training Tips, FAQ',
      paper: 'the levels are nearly equally frequent',
      measure: 'entropy of the trits of this model, bits, mean over matrices',
      ours: across(findings.tritShares.map(entropy)),
      expected: { atLeast: 1.55, ours: 'the bound: zeros between 24 and 44 %' },
    },
    {
      claim: 'A product with the weights needs additions only',
      kind: 'self-check',
      source: 'b1.58, section 1',
      paper: 'integer addition',
      measure: 'share of products that adding and subtracting gives exactly',
      ours: exactly(equalProducts / checkedProducts),
      expected: { atLeast: 1 },
    },
    {
      claim: '2B4T takes 0.4 GB without its embedding',
      kind: 'arithmetic',
      source: '2B4T, table 1',
      paper: '0.4 GB',
      measure: `GB of ${(weights2B4T / GIGA).toFixed(3)} G weights at 1.6 bits, five trits a byte (at two bits: ${((weights2B4T * 2) / 8 / GIGA).toFixed(3)})`,
      ours: exactly((weights2B4T * 1.6) / 8 / GIGA),
      expected: { atLeast: 0.35, atMost: 0.45 },
    },
    {
      claim: '2B4T decodes a token in 29 ms on a laptop CPU',
      kind: 'speed of our kernel',
      source: '2B4T, table 1',
      paper: '29 ms (i7-13800H, 8 threads)',
      measure: 'ms a token on this machine',
      ours: exactly(findings.tokenMs),
      expected: { atMost: 29 },
      ...(findings.tokenMs > 29 && {
        untestable: 'it takes an i7-13800H with 8 threads, or a memory as fast',
      }),
    },
    {
      claim: '2B4T takes 0.028 J of arithmetic',
      kind: 'arithmetic',
      source: '2B4T, table 1',
      paper: '0.028 J',
      measure: "J, by the papers' formula on its shape, 512 tokens",
      ours: exactly(modelEnergy(BITNET_2B4T_SHAPE, 'bitnet').total),
      expected: { atLeast: 0.0275, atMost: 0.0285 },
    },
  ];
  return claims.map(judge);
}

/** Milliseconds a token in the recorded run, with the number of threads that is fastest. */
export function recordedTokenMs({ measurements }: InferenceRecord): number {
  return Math.min(...measurements.map(({ greedyMs }) => greedyMs));
}

/** For `npm run claims`: the model in data/, and the recorded run. */
export const INFERENCE_CLAIM_SOURCE: ClaimSource = {
  name: INFERENCE,
  command: benchCommand(INFERENCE),
  claims: async () => {
    if (!hasResults(INFERENCE)) return undefined;
    const tokenMs = recordedTokenMs(await readInferenceRecord());
    const model = await loadModel(join(CLONE, 'data', 'bitlm-shakespeare'));
    try {
      return inferenceClaims(await inferenceFindings(model, model.tokenizer.encode(TEXT), tokenMs));
    } finally {
      await model.close();
    }
  },
};
