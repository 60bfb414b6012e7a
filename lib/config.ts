/**
 * The one architecture of the project, named as Hugging Face transformers names it (`BitNetForCausalLM`).
 * Both engines read this: training (TensorFlow.js) and inference (WASM). config.json on disk is the interface
 * between them, so the names here are those of config.json, letter for letter.
 */

import {
  BITNET_B158,
  FULL_PRECISION,
  MAX_SIZE,
  parseAblationOptions,
  type AblationOptions,
} from './ablation-options.js';
import { ConfigError } from './io/config-error.js';
import { quote } from './io/quote.js';
import { isObject } from './io/is-object.js';

/** `quantization_config` of a config.json, as transformers writes it for BitNet. */
export interface QuantizationConfig {
  quant_method: 'bitnet';
  /** `autobitlinear`: weight_scale multiplies. `bitlinear`: weight_scale divides. */
  linear_class: 'autobitlinear' | 'bitlinear';
  /** `online`: weights are stored in full and quantized in every forward. `offline`: stored packed, two bits each. */
  quantization_mode: 'online' | 'offline';
}

/** transformers' defaults, and 2B4T's choices: ε inside the root of RMSNorm, and the base of the rotary frequencies. */
export const RMS_NORM_EPS = 1e-5;
export const ROPE_THETA = 500_000;

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

/**
 * Checks a parsed config.json and fills in transformers' defaults.
 * @param json what JSON.parse returned; untrusted
 * @param source the file or object it came from, for the error message
 * @throws ConfigError naming the key, what was found and what is expected
 */
export function parseModelConfig(json: unknown, source = 'config'): ModelConfig {
  if (!isObject(json)) {
    throw new ConfigError(
      `${source}: must be a JSON object, got ${Array.isArray(json) ? 'an array' : String(json)}.`,
    );
  }
  const raw = json;
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
    rms_norm_eps: positive('rms_norm_eps', RMS_NORM_EPS),
    rope_theta: positive('rope_theta', ROPE_THETA),
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
