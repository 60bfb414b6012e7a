/** A text as a corpus: its tokens, and the split into training, validation and test. */
import { createHash } from 'node:crypto';
import { CharacterTokenizer } from './characters.js';
import { checkWindowSizes, CorpusError } from './corpus-error.js';
import type { Corpus, TextTokenizer, TokenWindows } from './corpus.js';
import { RandomStream } from '../random.js';

/** The first nine tenths are trained on, by position, as nanoGPT does. */
const TRAINING_SHARE = 0.9;

/** With fewer there is nothing left to validate on. */
const MIN_CHARACTERS = 20;

/** Ids are stored in 16 bits. */
const MAX_VOCABULARY = 2 ** 16;

/** How a text is read. */
export interface TextOptions {
  /** Share of the whole text, at its end, that is kept for test; the rest of the last tenth validates. Default 0. */
  testShare?: number;
  /** Byte pairs, for example: `new Tokenizer(…)`. By default a token for each character that occurs in the text. */
  tokenizer?: TextTokenizer;
}

/** A text that is cut already: by date, for example. */
export interface TextParts {
  training: string;
  validation: string;
  test: string;
}

/** A text's tokens. */
export class TextCorpus implements Corpus {
  readonly name: string;
  readonly source: string;
  readonly hash: string;
  readonly tokenizer: TextTokenizer;
  readonly bytesPerToken: Readonly<Record<'validation' | 'test', number>>;
  readonly #training: Uint16Array;
  readonly #validation: Uint16Array;
  readonly #test: Uint16Array;

  /**
   * @param text what to train on, whole or in parts; a vocabulary of characters is that of the whole text, so validation holds
   * no unknown one
   * @param origin name, where the text came from, and the SHA-256 of its bytes; an own tokenizer's is added to it
   * @throws CorpusError for an empty or too short text, or a vocabulary of fewer than 2 or more than 65,536
   */
  constructor(
    text: string | TextParts,
    origin: { name: string; source: string; hash: string },
    { testShare = 0, tokenizer }: TextOptions = {},
  ) {
    this.name = origin.name;
    this.source = origin.source;
    this.hash = tokenizer ? hashWith(origin.hash, tokenizer) : origin.hash;
    const whole = typeof text === 'string' ? text : text.training + text.validation + text.test;
    if (whole.length < MIN_CHARACTERS) {
      throw new CorpusError(
        `${origin.name}: a text to train on must have at least ${MIN_CHARACTERS} characters, got ${whole.length}. ` +
          'A few hundred thousand are a good start.',
      );
    }
    this.tokenizer = tokenizer ?? CharacterTokenizer.fromText(whole);
    if (this.tokenizer.vocabSize > MAX_VOCABULARY) {
      throw new CorpusError(
        `${origin.name}: a tokenizer must have at most ${MAX_VOCABULARY} tokens, got ${this.tokenizer.vocabSize}.`,
      );
    }
    if (this.tokenizer.vocabSize < 2) {
      throw new CorpusError(
        `${origin.name}: a text to train on must have at least 2 different characters, got ` +
          `${JSON.stringify(whole.slice(0, 1))} alone. There is nothing to tell apart: take another text.`,
      );
    }
    const parts =
      typeof text === 'string'
        ? this.#cut(this.#encode(text), testShare)
        : this.#encodeParts(text, testShare);
    [this.#training, this.#validation, this.#test] = parts;
    this.bytesPerToken = { validation: this.#bytesOf(parts[1]), test: this.#bytesOf(parts[2]) };
  }

  /** Training, validation and test by position. */
  #cut(ids: Uint16Array, testShare: number): [Uint16Array, Uint16Array, Uint16Array] {
    if (!(testShare >= 0 && testShare < 1 - TRAINING_SHARE)) {
      throw new CorpusError(
        `${this.name}: testShare must be from 0 to below ${(1 - TRAINING_SHARE).toFixed(1)}, got ${testShare}.`,
      );
    }
    const validation = Math.floor(ids.length * TRAINING_SHARE);
    const test = Math.floor(ids.length * (1 - testShare));
    return [ids.subarray(0, validation), ids.subarray(validation, test), ids.subarray(test)];
  }

  #encodeParts(
    { training, validation, test }: TextParts,
    testShare: number,
  ): [Uint16Array, Uint16Array, Uint16Array] {
    if (testShare !== 0) {
      throw new CorpusError(
        `${this.name}: a text in parts has its own test part and takes no testShare, got ${testShare}.`,
      );
    }
    return [this.#encode(training), this.#encode(validation), this.#encode(test)];
  }

  /** Line by line, since tokenizers take more than linear time for a long text. */
  #encode(text: string): Uint16Array {
    const { tokenizer } = this;
    if (tokenizer instanceof CharacterTokenizer) return tokenizer.encode(text);
    const lines = text.match(/[^\n]*\n|[^\n]+/g) ?? [];
    const pieces = lines.map((line) => tokenizer.encode(line));
    const ids = new Uint16Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      ids.set(piece, at);
      at += piece.length;
    }
    return ids;
  }

  /** Mean bytes of UTF-8 a token; 0 for no tokens. */
  #bytesOf(ids: Uint16Array): number {
    return ids.length === 0 ? 0 : Buffer.byteLength(this.tokenizer.decode(ids)) / ids.length;
  }

  ids(part: 'training' | 'validation' | 'test'): Uint16Array {
    return { training: this.#training, validation: this.#validation, test: this.#test }[part];
  }

  get vocabSize(): number {
    return this.tokenizer.vocabSize;
  }

  get trainingTokens(): number {
    return this.#training.length;
  }

  get validationTokens(): number {
    return this.#validation.length;
  }

  get testTokens(): number {
    return this.#test.length;
  }

  /** Windows that start anywhere in the training part, each place with the same probability. */
  sampleBatch(step: number, seed: number, batch: number, context: number): TokenWindows {
    const places = this.#places('training', this.#training, context, { batch, context });
    const random = new RandomStream(seed, 'training', step);
    return this.#windows(this.#training, batch, context, () => random.below(places));
  }

  /** Windows spread evenly over the validation part, from its first character to its last. */
  validationWindows(count: number, context: number): TokenWindows {
    return this.#spread('validation', this.#validation, count, context);
  }

  /** Windows spread evenly over the test part, from its first character to its last. */
  testWindows(count: number, context: number): TokenWindows {
    if (this.testTokens === 0) {
      throw new CorpusError(
        `${this.name}: a test part must have been set apart, got none. Open the text with a testShare, such as 0.05.`,
      );
    }
    return this.#spread('test', this.#test, count, context);
  }

  #spread(part: string, ids: Uint16Array, count: number, context: number): TokenWindows {
    const places = this.#places(part, ids, context, { count, context });
    if (count > places) {
      throw new CorpusError(
        `${this.name}: the ${part} part has ${places} different windows of ${context} tokens, got a request for ${count}. ` +
          'Ask for fewer, or take a longer text.',
      );
    }
    const spacing = count === 1 ? 0 : (places - 1) / (count - 1);
    return this.#windows(ids, count, context, (row) => Math.floor(row * spacing));
  }

  /** Number of places where a window, with the token after it, can start. */
  #places(part: string, ids: Uint16Array, context: number, sizes: Record<string, number>): number {
    checkWindowSizes(sizes);
    const places = ids.length - context;
    if (places < 1) {
      throw new CorpusError(
        `${this.name}: the ${part} part has ${ids.length} characters, a context of ${context} needs ${context + 1}. ` +
          'Take a longer text or a shorter context.',
      );
    }
    return places;
  }

  #windows(ids: Uint16Array, rows: number, context: number, start: (row: number) => number): TokenWindows {
    const inputs = new Int32Array(rows * context); // [rows, context]
    const targets = new Int32Array(rows * context); // [rows, context]
    for (let row = 0; row < rows; row++) {
      const at = start(row);
      inputs.set(ids.subarray(at, at + context), row * context);
      targets.set(ids.subarray(at + 1, at + 1 + context), row * context);
    }
    return { inputs, targets };
  }
}

/** A text is other data under another tokenizer. */
function hashWith(textHash: string, tokenizer: TextTokenizer): string {
  return createHash('sha256').update(textHash).update(JSON.stringify(tokenizer.toJSON())).digest('hex');
}
