/**
 * Text to ids and back. `@huggingface/tokenizers` cuts the text; merging (byte-pairs.ts), decoding and all checks stand
 * here.
 */
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { readTokenizerFiles } from '../checkpoint/tokenizer-files.js';
import type { TokenizerSource } from '../checkpoint/tokenizer-source.js';
import { quote } from '../io/quote.js';
import { TimeError, withinTime } from '../io/within-time.js';
import { BytePairs } from './byte-pairs.js';
import {
  BITNET_CHAT_TEMPLATE,
  ChatTemplateError,
  renderChatTemplate,
  type ChatMessage,
} from './chat-template.js';
import { ggufTokenizerJson } from '../checkpoint/gguf/tokenizer-json.js';
import { TextStream } from './text-stream.js';
import { TokenizerError } from '../io/tokenizer-error.js';
import type { TokenizerJson } from './tokenizer-json.js';
import { readVocabulary, type Vocabulary } from './vocabulary.js';

/** Options of a {@link Tokenizer}. */
export interface TokenizerOptions {
  /** Rows of the model's embedding, if there are more than tokens; the others decode to nothing. */
  vocabSize?: number;
  /** Most time for a text, besides 50 μs a character: patterns of a file can take for ever. Default 10 s. */
  textLimitMs?: number;
}

/** Options of {@link Tokenizer.encode}. */
export interface EncodeOptions {
  /** Whether to add what the tokenizer's post-processor adds: for 2B4T the beginning-of-text token. Default true. */
  addSpecialTokens?: boolean;
}

/** Options of {@link Tokenizer.decode}. */
export interface DecodeOptions {
  /** Whether to leave out special tokens, such as the end of a turn. Default false. */
  skipSpecialTokens?: boolean;
}

/** Options of {@link Tokenizer.applyChatTemplate}. */
export interface ChatOptions {
  /** Whether to end with the opening of the assistant's turn, for the model to go on. Default true. */
  addGenerationPrompt?: boolean;
}

/** What is used of the library, whose own declarations cannot be read by a project of ES modules. */
interface Encoder {
  encode(
    text: string,
    options: { add_special_tokens: boolean },
  ): { ids: (number | undefined)[]; tokens: string[] };
  /** The model for byte pairs has `bpe`, which merges one word. */
  model: { bpe?: (word: string) => readonly string[] };
}

/** The library asks for every part of tokenizer.json, where files may leave some out. */
const OPTIONAL_PARTS = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null };

/** Time that a text may take, and more for each character: real patterns take a microsecond for one. */
const TEXT_LIMIT_MS = 10_000;
const CHARACTER_LIMIT_MS = 0.05;
const BUILD_LIMIT_MS = 60_000;

/** A model's tokenizer. */
export class Tokenizer {
  /** Number of ids that can be decoded: those of the tokenizer, or of the model if it has more rows. */
  readonly vocabSize: number;
  /** The token that begins a text; undefined if there is none. */
  readonly bosTokenId: number | undefined;
  /** The token that ends a text; undefined if there is none. */
  readonly eosTokenId: number | undefined;
  readonly #vocabulary: Vocabulary;
  readonly #json: Readonly<Record<string, unknown>>;
  readonly #chatTemplate: string | undefined;
  /** Whether the ids of a text hold exactly its bytes, so that a loss can be noticed. */
  readonly #isLossless: boolean;
  readonly #textLimitMs: number;
  #encoder: Encoder | undefined;

  /**
   * @param source what a checkpoint says about its tokenizer
   * @throws TokenizerError if there is no tokenizer, or one that cannot be used
   */
  constructor(
    source: TokenizerSource,
    { vocabSize = 0, textLimitMs = TEXT_LIMIT_MS }: TokenizerOptions = {},
  ) {
    if (source.kind === 'none') {
      throw new TokenizerError(
        'load tokenizer: the checkpoint must have a tokenizer, got none. Put its tokenizer.json into the folder, or work with ids.',
      );
    }
    this.#json = source.kind === 'gguf' ? ggufTokenizerJson(source) : source.tokenizer;
    this.#vocabulary = readVocabulary(this.#json);
    this.#textLimitMs = textLimitMs;
    this.vocabSize = Math.max(vocabSize, this.#vocabulary.contents.length);
    if (source.kind === 'gguf') {
      // The template inside Microsoft's conversion of 2B4T is a wrong one.
      this.#chatTemplate = undefined;
      this.bosTokenId = source.bosTokenId;
      this.eosTokenId = source.eosTokenId;
    } else {
      this.#chatTemplate = source.chatTemplate;
      this.bosTokenId = this.#configuredToken(source.config.bos_token);
      this.eosTokenId = this.#configuredToken(source.config.eos_token);
    }
    const { normalizer, added_tokens: added = [] } = this.#json as unknown as TokenizerJson;
    this.#isLossless =
      normalizer == null && !added.some(({ lstrip, rstrip }) => lstrip === true || rstrip === true);
  }

  /** tokenizer.json, as Hugging Face's tokenizers read it. */
  toJSON(): object {
    return this.#json;
  }

  /**
   * Ids of a text. Special tokens that are spelled out in it, such as `<|eot_id|>`, become their ids.
   * @throws TokenizerError if the vocabulary has no tokens for a part of the text
   */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): number[] {
    if (typeof text !== 'string') {
      throw new TokenizerError(`encode text: text must be a string, got ${typeof text}.`);
    }
    const { ids, tokens } = this.#encodeByLibrary(text, addSpecialTokens);
    const unknown = ids.indexOf(undefined);
    if (unknown !== -1) {
      throw new TokenizerError(
        `encode text: every part must be in the vocabulary of ${this.vocabSize} tokens, got ${JSON.stringify(tokens[unknown])}. ` +
          'Leave it out of the text.',
      );
    }
    const known = ids as number[];
    if (this.#isLossless)
      this.#checkBytes(known, Buffer.byteLength(text) + this.#addedBytes(addSpecialTokens));
    return known;
  }

  /**
   * Text of ids. Bytes that are no UTF-8 become U+FFFD.
   * @throws TokenizerError for an id out of range, naming it and its position
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    if (typeof (ids as { length?: unknown } | null | undefined)?.length !== 'number') {
      throw new TokenizerError(`decode ids: ids must be a list of token ids, got ${quote(ids)}.`);
    }
    const stream = this.stream(options);
    let text = '';
    for (let at = 0; at < ids.length; at++) {
      this.#checkId(ids[at], at);
      text += stream.push(ids[at]);
    }
    return text + stream.end();
  }

  /** A decoder for ids that come one by one. */
  stream({ skipSpecialTokens = false }: DecodeOptions = {}): TextStream {
    const nothing = new Uint8Array(0);
    return new TextStream((id) => {
      this.#checkId(id);
      return skipSpecialTokens && this.#vocabulary.special.has(id) ? nothing : this.#vocabulary.bytesOf(id);
    });
  }

  /**
   * The text that a conversation stands for, by the checkpoint's own template or, without one, by that of 2B4T. It has
   * no beginning-of-text token: `encode` adds it.
   * @throws ChatTemplateError for messages that are no conversation, or a tokenizer that knows no end of a turn
   */
  applyChatTemplate(
    messages: readonly ChatMessage[],
    { addGenerationPrompt = true }: ChatOptions = {},
  ): string {
    if (this.#chatTemplate === undefined && this.#vocabulary.idOf('<|eot_id|>') === undefined) {
      throw new ChatTemplateError(
        'apply chat template: the tokenizer must have a template or the token <|eot_id|>, got neither. ' +
          'This model was not trained to chat: pass the prompt as text.',
      );
    }
    return renderChatTemplate(this.#chatTemplate ?? BITNET_CHAT_TEMPLATE, messages, {
      addGenerationPrompt,
      bosToken: this.#contentOf(this.bosTokenId),
      eosToken: this.#contentOf(this.eosTokenId),
    });
  }

  /** Ids of a conversation, with one beginning-of-text token even if the template has its own. */
  encodeChat(messages: readonly ChatMessage[], options: ChatOptions = {}): number[] {
    const text = this.applyChatTemplate(messages, options);
    const bos = this.#contentOf(this.bosTokenId);
    return this.encode(text, { addSpecialTokens: bos === undefined || !text.startsWith(bos) });
  }

  /** The id of a token by its content as the vocabulary spells it, such as `<|eot_id|>`; undefined if it has none. */
  idOf(content: string): number | undefined {
    return this.#vocabulary.idOf(content);
  }

  #encodeByLibrary(text: string, addSpecialTokens: boolean): ReturnType<Encoder['encode']> {
    const limit = Math.ceil(this.#textLimitMs + CHARACTER_LIMIT_MS * text.length);
    try {
      // Built at the first use: 128,256 tokens and 280,147 merges take longer than opening the rest of a model.
      this.#encoder ??= withinTime(BUILD_LIMIT_MS, () => this.#buildEncoder());
      const encoder = this.#encoder;
      return withinTime(limit, () => encoder.encode(text, { add_special_tokens: addSpecialTokens }));
    } catch (error) {
      if (error instanceof TokenizerError) throw error;
      if (error instanceof TimeError) {
        throw new TokenizerError(
          `encode text: a text of ${text.length} characters must take at most ${limit} ms, got more. ` +
            'The patterns or steps of tokenizer.json are damaged or hostile: get the file again.',
          { cause: error },
        );
      }
      throw new TokenizerError(
        `encode text: tokenizer.json must be one that the library can use. It says: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** The library's encoder, with merging of our own where it merges: its own takes half a minute for a million letters. */
  #buildEncoder(): Encoder {
    const { model } = this.#json as unknown as TokenizerJson;
    const parts = { ...OPTIONAL_PARTS, ...this.#json };
    if (model.merges === undefined) return new LibraryTokenizer(parts, {}) as Encoder;
    const pairs = new BytePairs(model.vocab, model.merges as (string | string[])[]);
    const encoder = new LibraryTokenizer({ ...parts, model: { ...model, merges: [] } }, {}) as Encoder;
    encoder.model.bpe = (word) => pairs.split(word);
    return encoder;
  }

  /** Bytes of what the post-processor adds to every text. */
  #addedBytes(addSpecialTokens: boolean): number {
    if (!addSpecialTokens) return 0;
    const added = this.#encodeByLibrary('', true).ids;
    return this.#countBytes(added as number[]);
  }

  /** The library leaves out what it has no token for; here that is an error. */
  #checkBytes(ids: readonly number[], expected: number): void {
    const found = this.#countBytes(ids);
    if (found === expected) return;
    throw new TokenizerError(
      `encode text: the ids must hold all ${expected} bytes of the text, got ${found}. ` +
        'The vocabulary or the merges of the tokenizer are incomplete: get its file again.',
    );
  }

  #countBytes(ids: readonly number[]): number {
    return ids.reduce((sum, id) => sum + this.#vocabulary.bytesOf(id).length, 0);
  }

  #checkId(id: number, position?: number): void {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return;
    throw new TokenizerError(
      `decode ids: ids must be whole numbers from 0 to ${this.vocabSize - 1}, got ${id}` +
        `${position === undefined ? '' : ` at position ${position}`}.`,
    );
  }

  #contentOf(id: number | undefined): string | undefined {
    return id === undefined ? undefined : this.#vocabulary.contents[id];
  }

  /** tokenizer_config.json has a token as its content or as an object with it. */
  #configuredToken(token: unknown): number | undefined {
    const content: unknown =
      typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
    return typeof content === 'string' ? this.#vocabulary.idOf(content) : undefined;
  }
}

/**
 * Loads a tokenizer on its own, without its model.
 * @param source a folder with tokenizer.json, or what a checkpoint says about its tokenizer
 * @throws CheckpointError for files that are no JSON; TokenizerError if there is no tokenizer, or one that cannot be used
 */
export async function loadTokenizer(
  source: string | TokenizerSource,
  options: TokenizerOptions = {},
): Promise<Tokenizer> {
  return new Tokenizer(typeof source === 'string' ? await readTokenizerFiles(source) : source, options);
}
