/** What training needs of a data set. Every corpus, read from a file or generated, has this one form. */

/** Text to ids and back. Characters and byte pairs alike. */
export interface TextTokenizer {
  /** Number of different ids. */
  readonly vocabSize: number;
  encode(text: string): ArrayLike<number>;
  decode(ids: ArrayLike<number>): string;
  /** tokenizer.json, as Hugging Face's tokenizers read it. */
  toJSON(): object;
}

/** A set of windows, row after row. Legend: B windows, T tokens of context. */
export interface TokenWindows {
  /** Token ids that the model reads, [B, T]. */
  inputs: Int32Array;
  /** The ids one position later, which it has to predict, [B, T]. */
  targets: Int32Array;
}

/** One kind of position in a generated language, and what is known about predicting it. */
export interface PositionKind {
  name: string;
  /** Loss of a perfect model, nats per token. */
  entropy: number;
  /** Loss of the best prediction that knows the kind of the position and nothing else, nats per token. */
  unigramLoss: number;
}

/** What is known exactly about a generated language, so that a loss can be held against the truth. */
export interface KnownEntropy {
  kinds: readonly PositionKind[];
  /** Index into `kinds` of the target at a position (counted from 0) of every window. */
  kindOfTarget(position: number): number;
  /** Mean loss of a perfect model over windows of `context` tokens, nats per token. */
  mean(context: number): number;
  /** Loss of the best prediction that knows neither context nor position, nats per token. */
  unigramLoss: number;
}

/** A language to train on. */
export interface Corpus {
  /** Short name: `tiny-shakespeare`, `zipf-facts`, or the file's name. */
  readonly name: string;
  /** One sentence for the reader: what the data is and where it was taken from. */
  readonly source: string;
  /** Number of different token ids; ids are 0 to vocabSize − 1. */
  readonly vocabSize: number;
  /** SHA-256 of the file's bytes, or of the generator's parameters. Hexadecimal. */
  readonly hash: string;
  /** Number of tokens to draw training windows from; Infinity for a generated language. */
  readonly trainingTokens: number;
  /** Number of tokens that training never sees, to choose rates and models by; Infinity for a generated language. */
  readonly validationTokens: number;
  /** Number of tokens that neither training nor any choice sees, to report losses on; 0 where none were set apart. */
  readonly testTokens: number;
  /** Turns text into ids and back. Generated languages have none. */
  readonly tokenizer?: TextTokenizer;
  /**
   * Bytes of UTF-8 that a token stands for in the mean. A loss divided by it, and by ln 2, is in bits per byte: the unit in
   * which models of different tokenizers can be laid side by side. Generated languages have none.
   */
  readonly bytesPerToken?: Readonly<Record<'validation' | 'test', number>>;
  /** The token ids of one part, of a text: the corpus's own, not to be changed. Generated languages have none. */
  ids?(part: 'training' | 'validation' | 'test'): Uint16Array;
  /** Only generated languages know theirs. */
  readonly entropy?: KnownEntropy;

  /**
   * The batch of a training step: the same for the same arguments, whatever was drawn before.
   * @param step training step, from 0
   * @param seed of the training run
   * @param batch number of windows, B
   * @param context tokens a window, T
   * @throws CorpusError if the text is shorter than one window
   */
  sampleBatch(step: number, seed: number, batch: number, context: number): TokenWindows;

  /**
   * A fixed set of windows that training never sees. It depends on no seed, so all runs are compared on the same text.
   * @param count number of windows, B
   * @param context tokens a window, T
   * @throws CorpusError if the text has fewer windows
   */
  validationWindows(count: number, context: number): TokenWindows;

  /**
   * Windows of the test part, as fixed as those of validation.
   * @throws CorpusError if none were set apart, or fewer than asked for
   */
  testWindows(count: number, context: number): TokenWindows;
}
