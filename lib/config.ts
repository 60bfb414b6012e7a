/**
 * The one architecture of the project, named as Hugging Face transformers names it (`BitNetForCausalLM`).
 * Both engines read this: training (TensorFlow.js) and inference (WASM). config.json on disk is the interface
 * between them, so the names here are those of config.json, letter for letter.
 */

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

/** `quantization_config` of a config.json, as transformers writes it for BitNet. */
export interface QuantizationConfig {
  quant_method: 'bitnet';
  /** `autobitlinear`: weight_scale multiplies. `bitlinear`: weight_scale divides. */
  linear_class: 'autobitlinear' | 'bitlinear';
  /** `online`: weights are stored in full and quantized in every forward. `offline`: stored packed, two bits each. */
  quantization_mode: 'online' | 'offline';
}

/** config.json of a BitNet checkpoint. */
export interface ModelConfig {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  /** `relu2`: gated squared ReLU (2B4T). `silu`: SwiGLU (b1.58). `gelu`: without a gate, in the body of `bitnet-b1` alone. */
  hidden_act: 'relu2' | 'silu' | 'gelu';
  max_position_embeddings: number;
  initializer_range: number;
  rms_norm_eps: number;
  rope_theta: number;
  tie_word_embeddings: boolean;
  bos_token_id: number | null;
  eos_token_id: number | null;
  /** Absent: the checkpoint holds ordinary full-precision linear layers. */
  quantization_config?: QuantizationConfig;
  /** Only in models trained here with something other than 2B4T's choices. */
  bitlm?: AblationOptions;
}

/** Thrown for a configuration that no model can be built from. The message names the key and what was found. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Largest value accepted for any size in a config: far above real models, far below what overflows an index. */
const MAX_SIZE = 2 ** 24;

/**
 * Checks a parsed config.json and fills in transformers' defaults.
 * @param json what JSON.parse returned; untrusted
 * @param source the file or object it came from, for the error message
 * @throws ConfigError naming the key, what was found and what is expected
 */
export function parseModelConfig(json: unknown, source = 'config'): ModelConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(
      `${source}: must be a JSON object, got ${Array.isArray(json) ? 'an array' : String(json)}.`,
    );
  }
  const raw = json as Record<string, unknown>;
  const { fail, size, positive, oneOf, tokenId } = fieldReaders(raw, source);
  const tied = raw.tie_word_embeddings ?? false;
  if (typeof tied !== 'boolean') return fail('tie_word_embeddings', 'true or false');

  const heads = size('num_attention_heads');
  const hidden = size('hidden_size');
  const config: ModelConfig = {
    vocab_size: size('vocab_size'),
    hidden_size: hidden,
    intermediate_size: size('intermediate_size'),
    num_hidden_layers: size('num_hidden_layers'),
    num_attention_heads: heads,
    num_key_value_heads: size('num_key_value_heads', heads),
    head_dim: size('head_dim', hidden % heads === 0 ? hidden / heads : undefined),
    hidden_act: oneOf('hidden_act', ['relu2', 'silu', 'gelu'], 'relu2'),
    max_position_embeddings: size('max_position_embeddings', 2048),
    initializer_range: positive('initializer_range', 0.02),
    rms_norm_eps: positive('rms_norm_eps', 1e-5),
    rope_theta: positive('rope_theta', 500_000),
    tie_word_embeddings: tied,
    bos_token_id: tokenId('bos_token_id'),
    eos_token_id: tokenId('eos_token_id'),
  };
  if (raw.quantization_config != null) {
    config.quantization_config = parseQuantizationConfig(raw.quantization_config, source);
  }
  if (raw.bitlm != null) config.bitlm = parseAblationOptions(raw.bitlm, source);
  checkModelConfig(config, source);
  return config;
}

/** Readers of one field each, which fail with the field's name. */
function fieldReaders(raw: Readonly<Record<string, unknown>>, source: string) {
  const fail = (key: string, expected: string): never => {
    throw new ConfigError(`${source}: ${key} must be ${expected}, got ${quote(raw[key])}.`);
  };
  const size = (key: string, fallback?: number): number => {
    const value = raw[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MAX_SIZE) {
      return fail(key, `a whole number from 1 to ${MAX_SIZE}`);
    }
    return value;
  };
  const positive = (key: string, fallback: number): number => {
    const value = raw[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      return fail(key, 'a positive number');
    return value;
  };
  const oneOf = <T extends string>(key: string, choices: readonly T[], fallback: T): T => {
    const value = raw[key] ?? fallback;
    return choices.includes(value as T) ? (value as T) : fail(key, `one of ${choices.join(', ')}`);
  };
  const tokenId = (key: string): number | null => {
    const value = raw[key] ?? null;
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
      return fail(key, 'a token id or null');
    return value;
  };
  return { fail, size, positive, oneOf, tokenId };
}

function parseQuantizationConfig(json: unknown, source: string): QuantizationConfig {
  const raw = json as Record<string, unknown>;
  const expect = <T extends string>(key: string, choices: readonly T[], fallback?: T): T => {
    const value = raw[key] ?? fallback;
    if (choices.includes(value as T)) return value as T;
    throw new ConfigError(
      `${source}: quantization_config.${key} must be one of ${choices.join(', ')}, got ${quote(raw[key])}.`,
    );
  };
  return {
    quant_method: expect('quant_method', ['bitnet']),
    linear_class: expect('linear_class', ['autobitlinear', 'bitlinear'], 'bitlinear'),
    quantization_mode: expect('quantization_mode', ['online', 'offline'], 'offline'),
  };
}

/** Checks the options of an ablation; missing keys take 2B4T's choice. */
function parseAblationOptions(json: unknown, source = 'config'): AblationOptions {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(`${source}: bitlm must be an object of model options, got ${quote(json)}.`);
  }
  const raw = json as Record<string, unknown>;
  const options: Record<string, string | number> = { ...BITNET_B158 };
  for (const [key, value] of Object.entries(raw)) {
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

/**
 * Checks that the sizes fit together: heads divide, head_dim is even (rotary pairs), token ids lie in the vocabulary.
 * @throws ConfigError
 */
export function checkModelConfig(config: ModelConfig, source = 'config'): void {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim } = config;
  if (heads % kvHeads !== 0) {
    throw new ConfigError(
      `${source}: num_attention_heads must be a multiple of num_key_value_heads, got ${heads} and ${kvHeads}.`,
    );
  }
  if (headDim % 2 !== 0) {
    throw new ConfigError(
      `${source}: head_dim must be even, since RoPE turns pairs of values, got ${headDim}.`,
    );
  }
  const isB1 = config.bitlm?.body === 'bitnet-b1';
  if (isB1 !== (config.hidden_act === 'gelu')) {
    throw new ConfigError(
      `${source}: hidden_act must be gelu in the body of bitnet-b1 and nowhere else, got ${config.hidden_act} in ` +
        `${isB1 ? 'that body' : 'that of 2B4T'}.`,
    );
  }
  checkGroups(config, source);
  for (const key of ['bos_token_id', 'eos_token_id'] as const) {
    const id = config[key];
    if (id !== null && id >= config.vocab_size) {
      throw new ConfigError(`${source}: ${key} must be below vocab_size ${config.vocab_size}, got ${id}.`);
    }
  }
}

/** Every quantized matrix must have whole groups, of rows or within them. */
function checkGroups(config: ModelConfig, source: string): void {
  const { weight_groups: groups = 1, weight_group_size: size = 1 } = config.bitlm ?? {};
  const { hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, head_dim } = config;
  const queries = num_attention_heads * head_dim;
  const rows = [hidden_size, intermediate_size, queries, num_key_value_heads * head_dim];
  const odd = rows.find((count) => count % groups !== 0);
  if (odd !== undefined) {
    throw new ConfigError(
      `${source}: bitlm.weight_groups must divide the rows of every quantized matrix, got ${groups} for ${odd} rows.`,
    );
  }
  const ragged = [hidden_size, intermediate_size, queries].find(
    (count) => count > size && count % size !== 0,
  );
  if (ragged !== undefined) {
    throw new ConfigError(
      `${source}: bitlm.weight_group_size must divide every longer row of a quantized matrix, got ${size} for ${ragged} inputs.`,
    );
  }
}

/** The ablation options that a config stands for: `bitlm` if it is there, else by its quantization_config. */
export function ablationOptions(config: ModelConfig): AblationOptions {
  return config.bitlm ?? (config.quantization_config ? { ...BITNET_B158 } : { ...FULL_PRECISION });
}
