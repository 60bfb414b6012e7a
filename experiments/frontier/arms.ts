/** What is trained: full precision, few bits from the first step on, and few bits late. */
import {
  BITNET_B158,
  FULL_PRECISION,
  type AblationOptions,
  type WeightQuantizerName,
} from '@bitnet-notebooks/lib';
import { findNamed } from '../sweep/find-named.js';
import type { ModelChange } from '../sweep/sized-model.js';

export interface FrontierArm extends ModelChange {
  name: string;
  /** In words, for tables and legends. */
  label: string;
  /** Share of the steps that is made with quantizers, at the end; 1 by default. */
  quantizedShare?: number;
  /** Lowest rate of the search at the smallest tuned shape. */
  lowestRate: number;
  /** The arm whose rate it takes, where it has none of its own. */
  rateOf?: string;
}

/** Weights that share a scale where training quantizes by absmax: as in GGUF's files. */
const TRAINED_GROUP = 32;

function arm(
  name: string,
  label: string,
  options: AblationOptions,
  change: Partial<FrontierArm> = {},
): FrontierArm {
  return { name, label, options, activation: 'relu2', lowestRate: 4e-3, ...change };
}

function trainedInteger(quantizer: WeightQuantizerName): AblationOptions {
  return { ...FULL_PRECISION, weight_quantizer: quantizer, weight_group_size: TRAINED_GROUP };
}

/** In every one of these models the embedding, which is the output matrix too, and the norms stay in 16 bits. */
export const FRONTIER_ARMS: readonly FrontierArm[] = [
  arm('full-precision', 'full precision', { ...FULL_PRECISION }, { lowestRate: 2e-3 }),
  // The papers' own baseline: Pre-LN and SwiGLU, as in LLaMA.
  arm(
    'llama',
    'full precision, LLaMA’s layers',
    { ...FULL_PRECISION, norm_placement: 'preln' },
    { activation: 'silu', lowestRate: 2e-3 },
  ),
  arm('b1.58', 'b1.58', { ...BITNET_B158 }),
  arm('b1', 'b1', { ...BITNET_B158, weight_quantizer: 'sign' }),
  arm('late-half', 'b1.58, the last half of the steps', { ...BITNET_B158 }, { quantizedShare: 1 / 2 }),
  arm('late-fifth', 'b1.58, the last fifth of the steps', { ...BITNET_B158 }, { quantizedShare: 1 / 5 }),
  arm('int3-trained', '3 bits, trained', trainedInteger('absmax-3bit'), { lowestRate: 2e-3 }),
  arm('int4-trained', '4 bits, trained', trainedInteger('absmax-4bit'), { lowestRate: 2e-3 }),
  // At 6 and 8 bits a weight moves by less than a hundredth of its group's reach: the rate is full precision's.
  arm('int6-trained', '6 bits, trained', trainedInteger('absmax-6bit'), { rateOf: 'full-precision' }),
  arm('int8-trained', '8 bits, trained', trainedInteger('absmax-8bit'), { rateOf: 'full-precision' }),
];

/** @throws Error that names the arms there are */
export function frontierArm(name: string): FrontierArm {
  return findNamed('frontier: the arm', FRONTIER_ARMS, name);
}
