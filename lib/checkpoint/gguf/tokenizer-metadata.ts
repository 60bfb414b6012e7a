/** A tokenizer.json as GGUF's metadata keys. */
import type { ModelConfig } from '../../config.js';
import type { GgufPair } from './write.js';
import type { TokenizerSource } from '../tokenizer-source.js';

/** Kinds of tokens, as ggml numbers them. */
const TOKEN_TYPE = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

/** The parts of tokenizer.json that a GGUF file can hold. */
interface TokenizerJson {
  model?: { type?: string; vocab?: Record<string, number>; merges?: (string | [string, string])[] };
  added_tokens?: { id: number; content: string; special?: boolean }[];
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  post_processor?: unknown;
  decoder?: { type?: string } | null;
}

/**
 * The `tokenizer.*` pairs of a GGUF file. Byte-level BPE has ggml's own keys. Any other tokenizer goes in whole,
 * under the key that the format keeps for a tokenizer.json, where this project and others find it; for llama.cpp, which
 * opens no file without a word on it, there is then `no_vocab`.
 */
export function ggufTokenizerPairs(source: TokenizerSource, config: ModelConfig): GgufPair[] {
  const none: GgufPair = ['tokenizer.ggml.model', 'STRING', 'no_vocab'];
  if (source.kind !== 'huggingface') return [none, ...idPairs(config)];
  const tokenizer = source.tokenizer as TokenizerJson;
  const pre = preTokenizer(tokenizer);
  const whole: GgufPair = ['tokenizer.huggingface.json', 'STRING', JSON.stringify(tokenizer)];
  const pairs = pre === undefined ? [none, whole, ...idPairs(config)] : bytePairs(tokenizer, pre, config);
  if (source.chatTemplate !== undefined) {
    pairs.push(['tokenizer.chat_template', 'STRING', source.chatTemplate]);
  }
  return pairs;
}

/** The ids that begin and end a text; padding is the end, as in the published 2B4T file. */
function idPairs({ bos_token_id: bos, eos_token_id: eos }: ModelConfig): GgufPair[] {
  const pairs: GgufPair[] = [];
  if (bos !== null) pairs.push(['tokenizer.ggml.bos_token_id', 'UINT32', bos]);
  if (eos !== null) {
    pairs.push(['tokenizer.ggml.eos_token_id', 'UINT32', eos]);
    pairs.push(['tokenizer.ggml.padding_token_id', 'UINT32', eos]);
  }
  return pairs;
}

function bytePairs(tokenizer: TokenizerJson, pre: string, config: ModelConfig): GgufPair[] {
  const tokens = Array.from({ length: config.vocab_size }, (_, id) => `[PAD${id}]`);
  const types = Array.from<number>({ length: config.vocab_size }).fill(TOKEN_TYPE.unused);
  for (const [token, id] of Object.entries(tokenizer.model?.vocab ?? {})) {
    tokens[id] = token;
    types[id] = TOKEN_TYPE.normal;
  }
  for (const { id, content, special } of tokenizer.added_tokens ?? []) {
    tokens[id] = content;
    types[id] = special === true ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
  }
  const merges = (tokenizer.model?.merges ?? []).map((merge) =>
    Array.isArray(merge) ? merge.join(' ') : merge,
  );
  return [
    ['tokenizer.ggml.model', 'STRING', 'gpt2'],
    ['tokenizer.ggml.pre', 'STRING', pre],
    ['tokenizer.ggml.tokens', 'STRING[]', tokens],
    ['tokenizer.ggml.token_type', 'INT32[]', types],
    ['tokenizer.ggml.merges', 'STRING[]', merges],
    ...idPairs(config),
    ['tokenizer.ggml.add_bos_token', 'BOOL', addsBos(tokenizer, config)],
  ];
}

/**
 * ggml names ways to cut text instead of storing the pattern. Llama-3's is known by its digits in threes.
 * @returns undefined for a tokenizer that ggml's keys cannot describe: another would take its place, and give other ids
 */
function preTokenizer({ model, decoder, normalizer, pre_tokenizer: pre }: TokenizerJson): string | undefined {
  const isByteLevelBpe =
    model?.type === 'BPE' && decoder?.type === 'ByteLevel' && typeof model.vocab === 'object';
  if (!isByteLevelBpe || (normalizer ?? null) !== null) return undefined;
  if (JSON.stringify(pre ?? '').includes('\\\\p{N}{1,3}')) return 'llama-bpe';
  const { type, use_regex: cuts = true } = (pre ?? {}) as { type?: unknown; use_regex?: unknown };
  return type === 'ByteLevel' && cuts === true ? 'gpt-2' : undefined;
}

/** Whether the post-processor puts the first token of every text in front. */
function addsBos(tokenizer: TokenizerJson, config: ModelConfig): boolean {
  const bos = tokenizer.added_tokens?.find(({ id }) => id === config.bos_token_id)?.content;
  return bos !== undefined && JSON.stringify(tokenizer.post_processor ?? '').includes(JSON.stringify(bos));
}
