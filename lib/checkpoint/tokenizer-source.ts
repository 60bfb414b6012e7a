/** What a checkpoint says about its tokenizer, before a tokenizer is made of it. */

/** The files of Hugging Face's layout, parsed as JSON and otherwise as they are. */
export interface HuggingFaceTokenizer {
  kind: 'huggingface';
  /** tokenizer.json. */
  tokenizer: Readonly<Record<string, unknown>>;
  /** tokenizer_config.json, or an empty object where there is none. */
  config: Readonly<Record<string, unknown>>;
  /** The Jinja template: chat_template.jinja, else `chat_template` of tokenizer_config.json. */
  chatTemplate?: string;
}

/** The `tokenizer.*` keys of a GGUF file. */
export interface GgufTokenizer {
  kind: 'gguf';
  /** `gpt2` stands for byte-level BPE. */
  model: string;
  /** The kind of pre-tokenizer, such as `llama-bpe`; the published 2B4T file names none. */
  pre?: string;
  tokens: readonly string[];
  /** 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; one a token. */
  tokenTypes?: readonly number[];
  /** Two tokens with a space between, best first. */
  merges: readonly string[];
  bosTokenId?: number;
  eosTokenId?: number;
  addBosToken?: boolean;
  /** As the file has it. Microsoft's conversion of 2B4T carries a wrong one. */
  chatTemplate?: string;
}

/** `none`: the checkpoint is the network alone, and works on ids. */
export type TokenizerSource = HuggingFaceTokenizer | GgufTokenizer | { kind: 'none' };
