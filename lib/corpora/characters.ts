/** One token for each character that occurs in a text: the vocabulary of the small models trained here. */
import { CorpusError } from './corpus-error.js';

/** Ids are stored in 16 bits. */
const MAX_CHARACTERS = 2 ** 16;

/**
 * Every character to a token of its own. A character is a Unicode code point. WordLevel, not BPE without merges: there,
 * Python's tokenizers would drop an unknown character without a word; here it raises an error.
 */
const PRE_TOKENIZER = { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false };

/** tokenizer.json of Hugging Face's tokenizers, as far as characters need it. */
export interface CharacterTokenizerJson {
  version: string;
  truncation: null;
  padding: null;
  added_tokens: [];
  normalizer: null;
  pre_tokenizer: typeof PRE_TOKENIZER;
  post_processor: null;
  decoder: { type: 'Fuse' };
  model: { type: 'WordLevel'; vocab: Record<string, number>; unk_token: string };
}

/** A vocabulary of characters. Ids follow the order of `vocabulary`. */
export class CharacterTokenizer {
  /** The characters in the order of their ids. */
  readonly vocabulary: readonly string[];
  /** Id of each code point. */
  readonly #ids = new Map<number, number>();

  /**
   * @param vocabulary one character each, none twice
   * @throws CorpusError if that does not hold, or there are none or more than 65,536
   */
  constructor(vocabulary: readonly string[]) {
    if (vocabulary.length === 0 || vocabulary.length > MAX_CHARACTERS) {
      throw new CorpusError(
        `character vocabulary: must have 1 to ${MAX_CHARACTERS} characters, got ${vocabulary.length}.`,
      );
    }
    for (const [id, character] of vocabulary.entries()) {
      const codePoint = character.codePointAt(0);
      if (codePoint === undefined || character.length !== String.fromCodePoint(codePoint).length) {
        throw new CorpusError(
          `character vocabulary: entry ${id} must be one character, got ${JSON.stringify(character)}.`,
        );
      }
      const earlier = this.#ids.get(codePoint);
      if (earlier !== undefined) {
        throw new CorpusError(
          `character vocabulary: ${describe(codePoint)} must occur once, got it as ids ${earlier} and ${id}.`,
        );
      }
      this.#ids.set(codePoint, id);
    }
    this.vocabulary = [...vocabulary];
  }

  /** The characters of a text, sorted by code point (as nanoGPT's data/shakespeare_char/prepare.py). */
  static fromText(text: string): CharacterTokenizer {
    const characters = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    return new CharacterTokenizer(characters);
  }

  get vocabSize(): number {
    return this.vocabulary.length;
  }

  /**
   * @returns one id a character (code point), so fewer than `text.length` where there are surrogate pairs
   * @throws CorpusError naming the first character that is not in the vocabulary, its position and its code point
   */
  encode(text: string): Uint16Array {
    const ids = new Uint16Array(text.length);
    let count = 0;
    for (let at = 0; at < text.length; count++) {
      const codePoint = text.codePointAt(at)!;
      const id = this.#ids.get(codePoint);
      if (id === undefined) {
        throw new CorpusError(
          `encode text: every character must be one of the ${this.vocabSize} in the vocabulary, got ${describe(codePoint)} ` +
            `at position ${count}. Leave it out, or train a model on a text that has it.`,
        );
      }
      ids[count] = id;
      at += codePoint > 0xffff ? 2 : 1;
    }
    return count === ids.length ? ids : ids.slice(0, count);
  }

  /** @throws CorpusError for an id that is not in the vocabulary, naming it and its position */
  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let at = 0; at < ids.length; at++) {
      const character = this.vocabulary[ids[at]];
      if (character === undefined) {
        throw new CorpusError(
          `decode ids: ids must be 0 to ${this.vocabSize - 1}, got ${ids[at]} at position ${at}.`,
        );
      }
      text += character;
    }
    return text;
  }

  /** tokenizer.json, as Hugging Face's tokenizers read it. */
  toJSON(): CharacterTokenizerJson {
    // fromEntries, since an assignment to the key "__proto__" would not add an entry; no one-character key can be it.
    const vocab = Object.fromEntries(this.vocabulary.map((character, id) => [character, id]));
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: PRE_TOKENIZER,
      post_processor: null,
      decoder: { type: 'Fuse' },
      model: { type: 'WordLevel', vocab, unk_token: '<unknown>' },
    };
  }
}

/** A character for an error message: itself if it can be seen, and its code point. */
function describe(codePoint: number): string {
  const code = `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
  const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return isSurrogate ? code : `${JSON.stringify(String.fromCodePoint(codePoint))} (${code})`;
}
