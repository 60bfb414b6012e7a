/**
 * Zipf facts: a generated language whose entropy is known exactly, so that a loss can be held against the truth.
 *
 * A text is a chain of triples (a, b, v). The keys a and b are drawn independently from a Zipf distribution over the
 * vocabulary; v is looked up in a fixed random table F[a, b], and with probability ε replaced by any token. To predict v
 * a model has to store facts, the frequent ones first, and has to reach one token back for a. The stream never ends and
 * never repeats: there is nothing to overfit.
 *
 * Legend: V vocabulary, B windows, T tokens of context.
 */
import { createHash } from 'node:crypto';
import { checkWindowSizes, CorpusError } from './corpus-error.js';
import type { Corpus, KnownEntropy, TokenWindows } from './corpus.js';
import { RandomStream } from '../random.js';

export interface ZipfFactsOptions {
  /** Number of tokens, V; the table holds V² facts. Default 128. */
  vocabSize?: number;
  /** Exponent s of the keys' distribution, p(k) ∝ k^−s. Larger: fewer facts matter. Default 1.5. */
  exponent?: number;
  /** ε, the probability that v is drawn uniformly instead of looked up. Default 0.1. */
  noise?: number;
  /** Chooses the table; a language of another seed has other facts and the same entropy. Default 0. */
  seed?: number;
  /**
   * Every window opens with a token of its own, id V, as the windows of large models do. Without one a model has to guess
   * from the tokens alone which of a, b and v comes next, and small models pay up to a tenth of a nat for it. Default false.
   */
  startToken?: boolean;
}

/** Tokens of a triple. */
const TRIPLE = 3;

/** Of one language, complete. */
type Parameters = Required<ZipfFactsOptions>;

/** A language of random facts. */
export class ZipfFacts implements Corpus {
  readonly name = 'zipf-facts';
  readonly source: string;
  readonly vocabSize: number;
  readonly hash: string;
  readonly trainingTokens: number = Infinity;
  readonly validationTokens: number = Infinity;
  readonly testTokens: number = Infinity;
  readonly entropy: KnownEntropy;
  readonly parameters: Readonly<Parameters>;
  /** Probability of each key, most frequent first, [V]. */
  readonly keyProbabilities: Float64Array;
  /** The facts: F[a · V + b] is the value of the keys a and b, [V, V]. */
  readonly facts: Uint16Array;
  /** Probability that a key is the given one or a more frequent one, [V]. */
  readonly #cumulative: Float64Array;

  /**
   * @param reason why this language was taken, if it stands in for another
   * @throws CorpusError for parameters out of range
   */
  constructor(options: ZipfFactsOptions = {}, reason?: string) {
    const { vocabSize = 128, exponent = 1.5, noise = 0.1, seed = 0, startToken = false } = options;
    this.parameters = { vocabSize, exponent, noise, seed, startToken };
    checkParameters(this.parameters);
    this.vocabSize = startToken ? vocabSize + 1 : vocabSize;
    this.source =
      `the generated language Zipf facts with ${vocabSize} tokens, exponent ${exponent}, noise ${noise} and ` +
      `table ${seed}${startToken ? ', windows opened by a token' : ''}${reason === undefined ? '' : `, because: ${reason}`}`;
    this.hash = createHash('sha256')
      .update(
        JSON.stringify({
          generator: 'zipf-facts 1',
          vocabSize,
          exponent,
          noise,
          seed,
          ...(startToken && { startToken }),
        }),
      )
      .digest('hex');
    this.keyProbabilities = zipf(vocabSize, exponent);
    this.#cumulative = cumulate(this.keyProbabilities);
    const random = new RandomStream(seed, 'table');
    this.facts = Uint16Array.from({ length: vocabSize ** 2 }, () => random.below(vocabSize));
    this.entropy = knownEntropy(this);
  }

  sampleBatch(step: number, seed: number, batch: number, context: number): TokenWindows {
    checkWindowSizes({ batch, context });
    const random = new RandomStream(seed, 'training', step);
    return this.#windows(batch, context, () => random);
  }

  /** Windows of a stream of their own, chosen by the language's seed. The first of many are the same as fewer. */
  validationWindows(count: number, context: number): TokenWindows {
    checkWindowSizes({ count, context });
    return this.#windows(count, context, (row) => new RandomStream(this.parameters.seed, 'validation', row));
  }

  /** Windows of a third stream, which neither training nor validation draws from. */
  testWindows(count: number, context: number): TokenWindows {
    checkWindowSizes({ count, context });
    return this.#windows(count, context, (row) => new RandomStream(this.parameters.seed, 'test', row));
  }

  /**
   * Every window starts with a triple: targets are b, v, a, b, v, a, … With a token before it they are a, b, v, a, …
   */
  #windows(rows: number, context: number, randomOf: (row: number) => RandomStream): TokenWindows {
    const inputs = new Int32Array(rows * context); // [rows, context]
    const targets = new Int32Array(rows * context); // [rows, context]
    const opening = this.parameters.startToken ? 1 : 0;
    const length = context + 1 - opening;
    const tokens = new Int32Array(opening + Math.ceil(length / TRIPLE) * TRIPLE);
    if (opening) tokens[0] = this.parameters.vocabSize;
    for (let row = 0; row < rows; row++) {
      const random = randomOf(row);
      for (let at = 0; at < length; at += TRIPLE) this.#triple(random, tokens, opening + at);
      inputs.set(tokens.subarray(0, context), row * context);
      targets.set(tokens.subarray(1, context + 1), row * context);
    }
    return { inputs, targets };
  }

  #triple(random: RandomStream, into: Int32Array, at: number): void {
    const a = this.#key(random.uniform());
    const b = this.#key(random.uniform());
    const isNoise = random.uniform() < this.parameters.noise;
    into[at] = a;
    into[at + 1] = b;
    const { vocabSize } = this.parameters;
    into[at + 2] = isNoise ? random.below(vocabSize) : this.facts[a * vocabSize + b];
  }

  /** The key at a place of the cumulative distribution, by bisection. */
  #key(place: number): number {
    let low = 0;
    let high = this.parameters.vocabSize - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (place < this.#cumulative[middle]) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function checkParameters({ vocabSize, exponent, noise, seed }: Parameters): void {
  const isSize = Number.isInteger(vocabSize) && vocabSize >= 2 && vocabSize <= 4096;
  check('vocabSize', vocabSize, isSize, 'a whole number from 2 to 4096');
  check('exponent', exponent, exponent >= 0 && exponent <= 100, 'a number from 0 to 100');
  check('noise', noise, noise >= 0 && noise <= 1, 'a probability from 0 to 1');
  check('seed', seed, Number.isSafeInteger(seed) && seed >= 0, 'a whole number from 0 to 2^53 − 1');
}

function check(name: string, value: number, isFine: boolean, expected: string): void {
  if (!isFine) throw new CorpusError(`Zipf facts: ${name} must be ${expected}, got ${value}.`);
}

/** p(k) ∝ (k + 1)^−s for k = 0 … V − 1. */
function zipf(size: number, exponent: number): Float64Array {
  const weights = Float64Array.from({ length: size }, (_, rank) => (rank + 1) ** -exponent);
  // The small ones first, so that they are not lost beside the large.
  const total = weights.reduceRight((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function cumulate(probabilities: Float64Array): Float64Array {
  let sum = 0;
  return probabilities.map((probability) => (sum += probability));
}

/**
 * −Σ p ln p, in nats.
 * @param probabilities sum to 1; zeros are fine
 */
export function shannonEntropy(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < probabilities.length; at++) {
    const p = probabilities[at];
    if (p > 0) sum -= p * Math.log(p);
  }
  return sum;
}

/** Windows start with a, which is then never a target: targets are b, v, a, … Behind an opening token they are a, b, v, … */
function kindOfTargetIn(startToken: boolean): KnownEntropy['kindOfTarget'] {
  return (position) => (position + (startToken ? 0 : 1)) % TRIPLE;
}

/** Closed forms: H(a) = H(b) = H(Zipf), H(v | a, b) = −(q ln q + (V − 1) r ln r) with r = ε/V and q = 1 − ε + r. */
function knownEntropy(language: ZipfFacts): KnownEntropy {
  const { parameters, keyProbabilities: key, facts } = language;
  const { vocabSize } = parameters;
  const kindOfTarget = kindOfTargetIn(parameters.startToken);
  const uniform = parameters.noise / vocabSize; // r
  const looked = 1 - parameters.noise + uniform; // q
  const ofValue = new Float64Array(vocabSize).fill(uniform);
  ofValue[0] = looked;
  const value = new Float64Array(vocabSize).fill(uniform); // [V], P(v) over all keys
  for (let a = 0; a < vocabSize; a++) {
    for (let b = 0; b < vocabSize; b++) {
      value[facts[a * vocabSize + b]] += (1 - parameters.noise) * key[a] * key[b];
    }
  }
  const anywhere = value.map((p, token) => (2 * key[token] + p) / TRIPLE);
  const ofKey = shannonEntropy(key);
  const kinds = [
    { name: 'a', entropy: ofKey, unigramLoss: ofKey },
    { name: 'b', entropy: ofKey, unigramLoss: ofKey },
    { name: 'v', entropy: shannonEntropy(ofValue), unigramLoss: shannonEntropy(value) },
  ];
  return {
    kinds,
    kindOfTarget,
    mean(context: number): number {
      let sum = 0;
      for (let position = 0; position < context; position++) sum += kinds[kindOfTarget(position)].entropy;
      return sum / context;
    },
    unigramLoss: shannonEntropy(anywhere),
  };
}
