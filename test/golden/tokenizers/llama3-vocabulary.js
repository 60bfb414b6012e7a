/**
 * The Llama-3 tokenizer, that of 2B4T, as a tokenizer.json: vocabulary and merges from llama3-tokenizer-js, whose code
 * shares nothing with the project's.
 *
 *     node test/golden/tokenizers/llama3-vocabulary.js tokenizer.json
 */
import { writeFileSync } from 'node:fs';
import oracle from 'llama3-tokenizer-js';

/** Where special tokens begin. */
const SPECIAL = 128_000;

export const tokens = oracle.vocabById;

/** Two tokens with a space between, best first. */
export const merges = [...oracle.merges].sort(([, a], [, b]) => a - b).map(([merge]) => merge);

/**
 * @returns {Record<string, unknown>} tokenizer.json of the published checkpoints with this vocabulary
 */
export function llama3TokenizerJson() {
  const pattern =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  const bos = '<|begin_of_text|>';
  const single = [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: tokens.slice(SPECIAL).map((content, index) => ({
      id: SPECIAL + index,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: 'Sequence',
      processors: [
        { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
        {
          type: 'TemplateProcessing',
          single,
          pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
          special_tokens: { [bos]: { id: bos, ids: [SPECIAL], tokens: [bos] } },
        },
      ],
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(tokens.slice(0, SPECIAL).map((token, id) => [token, id])),
      merges,
    },
  };
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(process.argv[2], JSON.stringify(llama3TokenizerJson()));
}
