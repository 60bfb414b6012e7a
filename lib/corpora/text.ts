/** A corpus of characters: a text, its vocabulary, and the split into training, validation and test. */
import { CharacterTokenizer } from './characters.js';
import { checkWindowSizes, CorpusError } from './corpus-error.js';
import type { Corpus, TokenWindows } from './corpus.js';
import { RandomStream } from '../random.js';

/** The first nine tenths are trained on, by position, as nanoGPT does. */
const TRAINING_SHARE = 0.9;

/** With fewer there is nothing left to validate on. */
const MIN_CHARACTERS = 20;

/** How a text is cut beyond its first nine tenths. */
export interface TextSplit {
  /** Share of the whole text, at its end, that is kept for test; the rest of the last tenth validates. Default 0. */
  testShare?: number;
}

/** A text, one token a character. */
export class TextCorpus implements Corpus {
  readonly name: string;
  readonly source: string;
  readonly hash: string;
  readonly tokenizer: CharacterTokenizer;
  readonly #training: Uint16Array;
  readonly #validation: Uint16Array;
  readonly #test: Uint16Array;

  /**
   * @param text what to train on; its vocabulary is that of the whole text, so validation holds no unknown character
   * @param origin name, where the text came from, and the SHA-256 of its bytes
   * @param split how much of the text's end is kept for test
   * @throws CorpusError for an empty or too short text, or one of fewer than 2 or more than 65,536 different characters
   */
  constructor(
    text: string,
    origin: { name: string; source: string; hash: string },
    { testShare = 0 }: TextSplit = {},
  ) {
    this.name = origin.name;
    this.source = origin.source;
    this.hash = origin.hash;
    if (text.length < MIN_CHARACTERS) {
      throw new CorpusError(
        `${origin.name}: a text to train on must have at least ${MIN_CHARACTERS} characters, got ${text.length}. ` +
          'A few hundred thousand are a good start.',
      );
    }
    this.tokenizer = CharacterTokenizer.fromText(text);
    if (this.tokenizer.vocabSize < 2) {
      throw new CorpusError(
        `${origin.name}: a text to train on must have at least 2 different characters, got ` +
          `${JSON.stringify(text.slice(0, 1))} alone. There is nothing to tell apart: take another text.`,
      );
    }
    const ids = this.tokenizer.encode(text);
    if (!(testShare >= 0 && testShare < 1 - TRAINING_SHARE)) {
      throw new CorpusError(
        `${origin.name}: testShare must be from 0 to below ${(1 - TRAINING_SHARE).toFixed(1)}, got ${testShare}.`,
      );
    }
    const validation = Math.floor(ids.length * TRAINING_SHARE);
    const test = Math.floor(ids.length * (1 - testShare));
    this.#training = ids.subarray(0, validation);
    this.#validation = ids.subarray(validation, test);
    this.#test = ids.subarray(test);
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
