/** What the metadata of a GGUF file says about the model and its tokenizer, in the project's terms. */
import { quote } from '../../io/quote.js';
import { parseModelConfig, type ModelConfig } from '../../config.js';
import { CheckpointError } from '../checkpoint-error.js';
import { parseGenerationConfig, type GenerationConfig } from '../generation-config.js';
import type { GgufTensor, GgufValue } from './header-reader.js';
import { parseJson } from '../../io/json-file.js';
import { toCheckpointError } from '../model-config.js';
import type { GgufTokenizer, TokenizerSource } from '../tokenizer-source.js';
import { isObject } from '../../io/is-object.js';

const operation = 'read GGUF metadata';

/** Names that converters give the architecture; the keys of the config start with them. */
const GGUF_ARCHITECTURES = ['bitnet', 'bitnet-b1.58', 'bitnet-25'] as const;

/** ggml's default where `rope.freq_base` is absent; 2B4T's files have 500000. */
const GGML_ROPE_THETA = 10_000;

type Metadata = ReadonlyMap<string, GgufValue>;

function metadataError(
  file: string,
  what: string,
  expected: string,
  found: unknown,
  hint?: string,
): CheckpointError {
  const shown = found === undefined ? 'none' : quote(typeof found === 'bigint' ? String(found) : found);
  return new CheckpointError({ operation, file, what, expected, found: shown, hint });
}

/**
 * The config that a GGUF file's metadata describes. `quantization_config` says that the weights are ready to multiply
 * (`offline`, scale multiplies); the caller replaces it where the file holds master weights.
 * @throws CheckpointError for another architecture and for missing or impossible values
 */
export function ggufModelConfig(
  metadata: Metadata,
  tensors: readonly GgufTensor[],
  file: string,
): ModelConfig {
  const architecture = metadata.get('general.architecture');
  if (!(GGUF_ARCHITECTURES as readonly unknown[]).includes(architecture)) {
    const hint = 'This project runs BitNet b1.58 models alone.';
    throw metadataError(file, 'general.architecture', GGUF_ARCHITECTURES.join(', '), architecture, hint);
  }
  const get = (key: string): GgufValue | undefined => metadata.get(`${String(architecture)}.${key}`);
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const embedding = tensors.find(({ name }) => name === 'token_embd.weight');
  const config = {
    vocab_size: get('vocab_size') ?? (Array.isArray(tokens) ? tokens.length : embedding?.dimensions[1]),
    hidden_size: get('embedding_length'),
    intermediate_size: get('feed_forward_length'),
    num_hidden_layers: get('block_count'),
    num_attention_heads: get('attention.head_count'),
    num_key_value_heads: get('attention.head_count_kv'),
    head_dim: get('attention.key_length') ?? get('rope.dimension_count'),
    hidden_act: get('hidden_activation') ?? impliedActivation(metadata),
    max_position_embeddings: get('context_length'),
    rms_norm_eps: shortestDecimal(get('attention.layer_norm_rms_epsilon')),
    rope_theta: get('rope.freq_base') ?? GGML_ROPE_THETA,
    tie_word_embeddings: !tensors.some(({ name }) => name === 'output.weight'),
    bos_token_id: metadata.get('tokenizer.ggml.bos_token_id'),
    eos_token_id: metadata.get('tokenizer.ggml.eos_token_id'),
    quantization_config: {
      quant_method: 'bitnet',
      linear_class: 'autobitlinear',
      quantization_mode: 'offline',
    },
  };
  const required = ['hidden_size', 'num_hidden_layers', 'max_position_embeddings', 'rms_norm_eps'] as const;
  for (const key of required) {
    if (config[key] === undefined) throw metadataError(file, `the key of ${key}`, 'there', undefined);
  }
  const scaling = get('rope.scaling.type');
  if (scaling !== undefined && scaling !== 'none')
    throw metadataError(file, 'rope.scaling.type', 'none', scaling);
  const rotated = get('rope.dimension_count');
  if (rotated !== undefined && rotated !== config.head_dim) {
    throw metadataError(file, 'rope.dimension_count', `the head size ${String(config.head_dim)}`, rotated);
  }
  return toCheckpointError(file, () => parseModelConfig(config, file));
}

/**
 * The activation where the file names none. Of the models with these architectures only the first b1.58 reproductions,
 * whose tokenizer is sentencepiece, have SwiGLU; 2B4T and what this project writes have squared ReLU.
 */
function impliedActivation(metadata: Metadata): 'silu' | 'relu2' {
  return metadata.get('tokenizer.ggml.model') === 'llama' ? 'silu' : 'relu2';
}

/**
 * What was taken for granted where the file says nothing. bitnet.cpp computes `bitnet-b1.58` and `bitnet-25` with squared
 * ReLU alone; `bitnet` stands for models of both kinds.
 */
export function ggufNotes(metadata: Metadata, file: string): string[] {
  if (metadata.get('general.architecture') !== 'bitnet' || metadata.has('bitnet.hidden_activation'))
    return [];
  const guess = impliedActivation(metadata) === 'silu' ? 'silu (SwiGLU)' : 'relu2 (squared ReLU)';
  return [
    `${file} does not name its activation (bitnet.hidden_activation); ${guess} is taken, as files with such a tokenizer have. ` +
      'If the model writes nonsense, load it from its Hugging Face folder, whose config.json says it.',
  ];
}

/** GGUF stores 1e-5 as the nearest 32-bit float; the shortest decimal that gives this float is what was meant. */
function shortestDecimal(value: GgufValue | undefined): GgufValue | undefined {
  if (typeof value !== 'number') return value;
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}

/**
 * Ids that end a text. Files name the end of a document alone; a chat's turn ends in `<|eot_id|>`, which llama.cpp
 * too finds by its text.
 */
export function ggufGenerationConfig(
  metadata: Metadata,
  config: ModelConfig,
  file: string,
): GenerationConfig {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const byText = Array.isArray(tokens) ? tokens.indexOf('<|eot_id|>') : -1;
  const endOfTurn = metadata.get('tokenizer.ggml.eot_token_id') ?? (byText >= 0 ? byText : null);
  const ends = [config.eos_token_id, endOfTurn].filter((id) => id !== null);
  return parseGenerationConfig({ eos_token_id: [...new Set(ends)] }, config, file);
}

/** A tokenizer.json that the file carries whole, for tokenizers that ggml's keys cannot describe. */
function wholeTokenizer(metadata: Metadata, file: string): TokenizerSource {
  const text = metadata.get('tokenizer.huggingface.json');
  if (text === undefined) return { kind: 'none' };
  const key = 'tokenizer.huggingface.json';
  if (typeof text !== 'string') throw metadataError(file, key, 'a text', text);
  const tokenizer = parseJson(text, file, `${operation} ${key}`);
  if (!isObject(tokenizer)) {
    throw metadataError(file, key, 'a JSON object', tokenizer);
  }
  const chatTemplate = metadata.get('tokenizer.chat_template');
  return {
    kind: 'huggingface',
    tokenizer: tokenizer,
    config: {},
    ...(typeof chatTemplate === 'string' ? { chatTemplate } : {}),
  };
}

/**
 * The tokenizer's metadata.
 * @returns a tokenizer.json where the file carries one instead of ggml's keys; `{ kind: 'none' }` where it has neither
 * @throws CheckpointError for lists of the wrong kind or length
 */
export function ggufTokenizer(metadata: Metadata, config: ModelConfig, file: string): TokenizerSource {
  const get = (key: string): GgufValue | undefined => metadata.get(`tokenizer.ggml.${key}`);
  const fail = (key: string, expected: string, found: unknown): never => {
    throw metadataError(file, key, expected, found);
  };
  const model = get('model');
  if (model === undefined || model === 'no_vocab' || model === 'none') {
    return wholeTokenizer(metadata, file);
  }
  const text = (key: string, value: GgufValue | undefined): string | undefined =>
    value === undefined || typeof value === 'string' ? value : fail(key, 'a text', value);
  const list = (key: string, kind: 'string' | 'number', length?: number): unknown[] | undefined => {
    const value = get(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.some((element) => typeof element !== kind)) {
      return fail(key, `a list of ${kind}s`, Array.isArray(value) ? 'another list' : value);
    }
    if (length !== undefined && value.length !== length) fail(key, `${length} long`, value.length);
    return value;
  };
  const tokens = (list('tokens', 'string') ?? fail('tokenizer.ggml.tokens', 'there', undefined)) as string[];
  const addBosToken = get('add_bos_token');
  if (addBosToken !== undefined && typeof addBosToken !== 'boolean') {
    fail('tokenizer.ggml.add_bos_token', 'true or false', addBosToken);
  }
  const source: GgufTokenizer = {
    kind: 'gguf',
    model: text('tokenizer.ggml.model', model)!,
    pre: text('tokenizer.ggml.pre', get('pre')),
    tokens,
    tokenTypes: list('token_type', 'number', tokens.length) as number[] | undefined,
    merges: (list('merges', 'string') ??
      // Without them every text would fall apart into its letters, and the model would read ids it never saw.
      (model === 'gpt2'
        ? fail('tokenizer.ggml.merges', 'there, as gpt2 needs them', undefined)
        : [])) as string[],
    bosTokenId: config.bos_token_id ?? undefined,
    eosTokenId: config.eos_token_id ?? undefined,
    addBosToken: addBosToken as boolean | undefined,
    chatTemplate: text('tokenizer.chat_template', metadata.get('tokenizer.chat_template')),
  };
  const present = Object.entries(source).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as GgufTokenizer;
}
