/** A tokenizer.json made of a GGUF file's tokenizer keys. */
import type { GgufTokenizer } from '../tokenizer-source.js';
import { TokenizerError } from '../../io/tokenizer-error.js';

/** Kinds of tokens, as ggml numbers them; the others (unknown, byte) stand in the vocabulary like normal ones. */
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/** How Llama-3 cuts text before it merges: contractions, words, digits in threes, punctuation, line breaks, spaces. */
const LLAMA_3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const LLAMA_3_PRE_TOKENIZER = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: LLAMA_3_PATTERN }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
};
const GPT_2_PRE_TOKENIZER = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};

/** ggml's names for ways to cut text. */
const PRE_TOKENIZERS: Readonly<Record<string, object>> = {
  'llama-bpe': LLAMA_3_PRE_TOKENIZER,
  'llama-v3': LLAMA_3_PRE_TOKENIZER,
  llama3: LLAMA_3_PRE_TOKENIZER,
  'gpt-2': GPT_2_PRE_TOKENIZER,
};

/**
 * Builds a tokenizer.json from what a GGUF file says. A file that names no pre-tokenizer gets Llama-3's: the published
 * 2B4T file names none, and that is the one it was trained with.
 * @throws TokenizerError for other models than byte-level BPE, unknown pre-tokenizers, a token that is there twice, or
 * lists that do not fit together
 */
export function ggufTokenizerJson(source: GgufTokenizer): Record<string, unknown> {
  if (source.model !== 'gpt2') {
    throw new TokenizerError(
      `load tokenizer: tokenizer.ggml.model must be gpt2 (byte-level BPE), got ${JSON.stringify(source.model)}. ` +
        "Load the model from its Hugging Face folder, or put a tokenizer.json into the file's metadata.",
    );
  }
  const pre = source.pre ?? 'llama-bpe';
  const preTokenizer = Object.hasOwn(PRE_TOKENIZERS, pre) ? PRE_TOKENIZERS[pre] : undefined;
  if (preTokenizer === undefined) {
    throw new TokenizerError(
      `load tokenizer: tokenizer.ggml.pre must be one of ${Object.keys(PRE_TOKENIZERS).join(', ')}, ` +
        `got ${JSON.stringify(pre)}. Load the model from its Hugging Face folder.`,
    );
  }
  const isLlama3 = preTokenizer === LLAMA_3_PRE_TOKENIZER;
  const { vocabulary, added } = sortTokens(source);
  return {
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: bosProcessor(source, isLlama3),
    decoder: { type: 'ByteLevel' },
    // Llama-3 takes a piece of text that is itself a token whole, before any merge.
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(vocabulary),
      merges: source.merges,
      ignore_merges: isLlama3,
    },
  };
}

interface AddedToken {
  id: number;
  content: string;
  special: boolean;
  normalized: false;
}

function sortTokens({ tokens, tokenTypes }: GgufTokenizer): {
  vocabulary: Map<string, number>;
  added: AddedToken[];
} {
  if (tokenTypes !== undefined && tokenTypes.length !== tokens.length) {
    throw new TokenizerError(
      `load tokenizer: tokenizer.ggml.token_type must have ${tokens.length} entries, one a token, got ${tokenTypes.length}.`,
    );
  }
  const vocabulary = new Map<string, number>();
  const added: AddedToken[] = [];
  for (const [id, content] of tokens.entries()) {
    const type = tokenTypes?.[id];
    if (type === UNUSED) continue; // rows of the embedding that stand for nothing
    if (type === CONTROL || type === USER_DEFINED) {
      added.push({ id, content, special: type === CONTROL, normalized: false });
      continue;
    }
    const earlier = vocabulary.get(content);
    if (earlier !== undefined) {
      throw new TokenizerError(
        `load tokenizer: every token of tokenizer.ggml.tokens must occur once, got ${JSON.stringify(content)} as ids ${earlier} and ${id}.`,
      );
    }
    vocabulary.set(content, id);
  }
  return { vocabulary, added };
}

/** Puts the BOS token before every text, if the file asks for it. Without a word on it, Llama-3's do and GPT-2's do not. */
function bosProcessor({ tokens, bosTokenId, addBosToken }: GgufTokenizer, isLlama3: boolean): object | null {
  const isWanted = addBosToken ?? (isLlama3 && bosTokenId !== undefined);
  if (!isWanted) return null;
  const bos = bosTokenId === undefined ? undefined : tokens[bosTokenId];
  if (bosTokenId === undefined || bos === undefined) {
    throw new TokenizerError(
      `load tokenizer: tokenizer.ggml.bos_token_id must be one of ${tokens.length} tokens, since add_bos_token is true, got ${bosTokenId}.`,
    );
  }
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { [bos]: { id: bos, ids: [bosTokenId], tokens: [bos] } },
  };
}
