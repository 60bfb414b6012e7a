/** What an ablation changes on the model: the object `bitlm` in its config.json. */
import { ConfigError } from './io/config-error.js';
import { isObject } from './io/is-object.js';
import { quote } from './io/quote.js';

/** How a weight matrix is quantized in the forward pass. Definitions: lib/quantizers/weights.ts. */
export const WEIGHT_QUANTIZERS = [
  'none',
  'sign',
  'absmean-ternary',
  'absmedian-ternary',
  'zero-one',
  'absmax-2bit',
  'absmax-3bit',
  'absmax-4bit',
  'absmax-6bit',
  'absmax-8bit',
] as const;
export type WeightQuantizerName = (typeof WEIGHT_QUANTIZERS)[number];

/** How the input of a linear layer is quantized. Definitions: lib/quantizers/activations.ts. */
export const ACTIVATION_QUANTIZERS = [
  'none',
  'absmax-int8-token',
  'absmax-int8-tensor',
  'absmax-int4-token',
  'absmean-int4-token',
  'top-half-int8-token',
  'elastic-int8',
] as const;
export type ActivationQuantizerName = (typeof ACTIVATION_QUANTIZERS)[number];

/**
 * Where the norms stand.
 * - `subln`: 2B4T. A norm before attention and before the feed-forward, and a second one (SubLN) right before
 *   o_proj and down_proj, so that every quantizer sees a freshly normalised vector.
 * - `preln`: only the norms before attention and before the feed-forward; o_proj and down_proj see raw values.
 * - `none`: no norm before any quantizer; only the final norm before the output matrix stays.
 * - `bmt`: like binarised machine translation (Zhang et al. 2023), read here as Pre-LN plus a norm on the output
 *   of each block before the residual addition.
 */
export const NORM_PLACEMENTS = ['subln', 'preln', 'none', 'bmt'] as const;
export type NormPlacement = (typeof NORM_PLACEMENTS)[number];

/** What an ablation changes on the model. Absent from config.json means 2B4T's choice. */
export interface AblationOptions {
  weight_quantizer: WeightQuantizerName;
  activation_quantizer: ActivationQuantizerName;
  /** Another quantizer for the input of down_proj; absent: the same. `elastic-int8` cannot stand beside others. */
  down_activation_quantizer?: ActivationQuantizerName;
  /** The same for the input of o_proj. */
  output_activation_quantizer?: ActivationQuantizerName;
  /**
   * Groups of output rows that have a scale of their own (BitNet, arXiv 2310.11453, section 2.1, group quantization). Absent:
   * one scale for the whole matrix. Every quantized matrix must have a multiple of so many rows.
   */
  weight_groups?: number;
  /**
   * Weights of one output row, side by side, that share a scale; a shorter row is one group. What files of 3 to 8 bits have (32
   * in GGUF, 128 in GPTQ's). Absent: one scale for the whole matrix. Must divide every longer row. Not for `absmedian-ternary`.
   */
  weight_group_size?: number;
  /**
   * `bitnet-b1`: the layers as the first paper has them, LayerNorm without gain in place of RMSNorm, and a feed-forward block
   * without a gate, down(gelu(up(x))). Absent: those of 2B4T.
   */
  body?: 'bitnet-b1';
  norm_placement: NormPlacement;
  /** `clipped` blocks the gradient where the quantizer saturates; `identity` is the papers' choice. */
  straight_through: 'identity' | 'clipped';
  /** A quantizer that a reader wrote, by name and hash, in the place of the named one; see quantizers/own-quantizer.ts. */
  own_weight_quantizer?: string;
  own_activation_quantizer?: string;
}

/** Ids of the reader's own quantizers in a config, as {@link AblationOptions} holds them. */
export const OWN_QUANTIZERS = ['own_weight_quantizer', 'own_activation_quantizer'] as const;
const OWN_ID = /^[\p{L}\p{N}_$ .-]{1,100} [0-9a-f]{16}$/u;

/** The choices of BitNet b1.58 2B4T (arXiv 2504.12285, section 2). */
export const BITNET_B158: Readonly<AblationOptions> = Object.freeze({
  weight_quantizer: 'absmean-ternary',
  activation_quantizer: 'absmax-int8-token',
  norm_placement: 'subln',
  straight_through: 'identity',
});

/** The same network with ordinary linear layers. */
export const FULL_PRECISION: Readonly<AblationOptions> = Object.freeze({
  ...BITNET_B158,
  weight_quantizer: 'none',
  activation_quantizer: 'none',
});

/** Largest value accepted for any size in a config: far above real models, far below what overflows an index. */
export const MAX_SIZE: number = 2 ** 24;

/** Checks the options of an ablation; missing keys take 2B4T's choice. */
export function parseAblationOptions(json: unknown, source = 'config'): AblationOptions {
  if (!isObject(json)) {
    throw new ConfigError(`${source}: bitlm must be an object of model options, got ${quote(json)}.`);
  }
  const options: Record<string, string | number> = { ...BITNET_B158 };
  for (const [key, value] of Object.entries(json)) {
    const expected = expectedOf(key);
    if (expected === undefined) {
      const known = [...Object.keys(CHOICES), ...GROUPINGS].join(', ');
      throw new ConfigError(`${source}: unknown option bitlm.${key}. Known: ${known}.`);
    }
    if (!expected.holds(value)) {
      throw new ConfigError(`${source}: bitlm.${key} must be ${expected.words}, got ${quote(value)}.`);
    }
    options[key] = value as string | number;
  }
  const parsed = options as unknown as AblationOptions;
  checkTogether(parsed, source);
  return parsed;
}

/** Options that say which weights share a scale. */
const GROUPINGS = ['weight_groups', 'weight_group_size'] as const;

/** Values of the options that are a choice. */
const CHOICES: {
  [
    K in Exclude<keyof AblationOptions, (typeof OWN_QUANTIZERS | typeof GROUPINGS)[number]>
  ]-?: readonly Required<AblationOptions>[K][];
} = {
  weight_quantizer: WEIGHT_QUANTIZERS,
  activation_quantizer: ACTIVATION_QUANTIZERS,
  down_activation_quantizer: ACTIVATION_QUANTIZERS,
  output_activation_quantizer: ACTIVATION_QUANTIZERS,
  norm_placement: NORM_PLACEMENTS,
  straight_through: ['identity', 'clipped'],
  body: ['bitnet-b1'],
};

/** What an option may be, and in words; undefined for an option that there is not. */
function expectedOf(key: string): { holds: (value: unknown) => boolean; words: string } | undefined {
  if ((OWN_QUANTIZERS as readonly string[]).includes(key)) {
    return {
      holds: (value) => typeof value === 'string' && OWN_ID.test(value),
      words: 'the name and hash of a function',
    };
  }
  if ((GROUPINGS as readonly string[]).includes(key)) {
    const holds = (value: unknown): boolean =>
      typeof value === 'number' && Number.isInteger(value) && value >= 2 && value <= MAX_SIZE;
    return { holds, words: 'a whole number from 2' };
  }
  if (!Object.hasOwn(CHOICES, key)) return undefined;
  const allowed: readonly string[] = CHOICES[key as keyof typeof CHOICES];
  return { holds: (value) => allowed.includes(value as string), words: `one of ${allowed.join(', ')}` };
}

/** @throws ConfigError for options that do not go with each other */
function checkTogether(options: AblationOptions, source: string): void {
  const { activation_quantizer: others, body, norm_placement: norms } = options;
  for (const key of ['down_activation_quantizer', 'output_activation_quantizer'] as const) {
    const own = options[key] ?? others;
    if (own !== others && [own, others].includes('elastic-int8')) {
      throw new ConfigError(
        `${source}: bitlm.${key} must be left out beside elastic-int8, got ${own} and ${others}. ` +
          'A learned step belongs to all inputs of a layer or to none.',
      );
    }
  }
  const { weight_groups: rows, weight_group_size: columns, weight_quantizer: weights } = options;
  if (columns !== undefined && (rows !== undefined || weights === 'absmedian-ternary')) {
    throw new ConfigError(
      `${source}: bitlm.weight_group_size must be left out beside ${rows === undefined ? weights : 'weight_groups'}, got ${columns}.`,
    );
  }
  if (body === 'bitnet-b1' && norms !== 'subln' && norms !== 'preln') {
    throw new ConfigError(
      `${source}: bitlm.norm_placement must be subln or preln in the body of bitnet-b1, got ${norms}.`,
    );
  }
}
