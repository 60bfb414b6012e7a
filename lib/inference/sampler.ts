/** Choosing the next token: greedy, or sampled with temperature, top-k and top-p. The same seed, the same choices. */
import { RandomStream } from '../random.js';
import type { Candidates } from './head.js';

/** How the next token is drawn from the logits. */
export interface SamplingOptions {
  /** Logits are divided by it before the softmax. 0 takes the most likely token. Default 0. */
  temperature?: number;
  /** Keeps this many most likely tokens. Default: all. */
  topK?: number;
  /** Keeps the most likely tokens whose probabilities together just reach this. From 0 (exclusive) to 1. Default 1. */
  topP?: number;
  /** Whole number that the random choices follow from. Default 0. */
  seed?: number;
}

/**
 * Picks tokens. Order everywhere: the larger logit first, and of equal ones the smaller id; so the choice does not
 * depend on whether all tokens are given or only the best. As in transformers, temperature comes first, then top-k,
 * then top-p on what top-k left.
 */
export class Sampler {
  readonly temperature: number;
  /** Most tokens that can be chosen from; infinite where top-k leaves none out. */
  readonly topK: number;
  readonly topP: number;
  readonly #random: RandomStream;
  readonly #order: Int32Array;
  readonly #weights: Float64Array;

  /**
   * @param vocabSize size of the vocabulary: `pick` is never given more tokens
   * @throws RangeError naming the option
   */
  constructor(vocabSize: number, { temperature = 0, topK, topP = 1, seed = 0 }: SamplingOptions = {}) {
    checkOption(
      'temperature',
      temperature,
      'a number of at least 0',
      temperature >= 0 && temperature < Infinity,
    );
    checkOption(
      'topK',
      topK,
      'a whole number of at least 1',
      topK === undefined || (Number.isInteger(topK) && topK >= 1),
    );
    checkOption('topP', topP, 'above 0 and at most 1', topP > 0 && topP <= 1);
    checkOption('seed', seed, 'a whole number of at least 0', Number.isSafeInteger(seed) && seed >= 0);
    this.temperature = temperature;
    this.topK = topK === undefined || topK >= vocabSize ? Infinity : topK;
    this.topP = topP;
    this.#random = new RandomStream(seed, 'text');
    const slots = this.isGreedy ? 0 : vocabSize;
    this.#order = new Int32Array(slots);
    this.#weights = new Float64Array(slots);
  }

  /** Whether the choice is the most likely token, without chance. */
  get isGreedy(): boolean {
    return this.temperature === 0 || this.topK === 1;
  }

  /** Chooses; returns an index into the candidates. */
  pick({ count, logits }: Candidates): number {
    if (this.isGreedy) return largestIndex(logits, count);
    if (this.topK === Infinity && this.topP === 1) return this.#pickFromAll(logits, count);
    return this.#pickFromBest(logits, count);
  }

  /** No tokens are left out, so none has to be sorted. */
  #pickFromAll(logits: Float32Array, count: number): number {
    const largest = logits[largestIndex(logits, count)];
    const weights = this.#weights;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i] = Math.exp((logits[i] - largest) / this.temperature);
    return drawn(weights, count, this.#random.uniform() * total);
  }

  /** Takes tokens off a heap, best first, until top-k or top-p is reached; then one of them is drawn. */
  #pickFromBest(logits: Float32Array, count: number): number {
    const heap = this.#order;
    const weights = this.#weights;
    for (let i = 0; i < count; i++) heap[i] = i;
    for (let i = (count >> 1) - 1; i >= 0; i--) sink(heap, i, count, logits);
    const largest = logits[heap[0]];
    const most = Math.min(this.topK, count);
    const weigh = (index: number): number => Math.exp((logits[index] - largest) / this.temperature);
    // The best go to the end of the array that the heap shrinks from: best first from the end on.
    let total = 0;
    let taken = 0;
    const all = this.topK === Infinity ? sumAll(count, weigh) : undefined;
    while (taken < most) {
      const best = heap[0];
      const last = count - 1 - taken;
      heap[0] = heap[last];
      heap[last] = best;
      sink(heap, 0, last, logits);
      weights[taken] = weigh(best);
      total += weights[taken++];
      if (all !== undefined && total >= this.topP * all) break;
    }
    if (all === undefined && this.topP < 1) {
      let kept = 0;
      let sum = 0;
      while (kept < taken && sum < this.topP * total) sum += weights[kept++];
      taken = kept;
      total = sum;
    }
    return heap[count - 1 - drawn(weights, taken, this.#random.uniform() * total)];
  }
}

function checkOption(option: string, value: unknown, expected: string, fits: boolean): void {
  if (!fits || (value !== undefined && typeof value !== 'number'))
    throw new RangeError(`generate: ${option} must be ${expected}, got ${String(value)}.`);
}

function sumAll(count: number, weigh: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weigh(i);
  return sum;
}

/** Index of the largest logit, the first of equal ones. */
function largestIndex(logits: Float32Array, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

/** The first index at which the running sum of weights passes `target`; the last one if rounding lets none. */
function drawn(weights: Float64Array, count: number, target: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += weights[i];
    if (target < sum) return i;
  }
  return count - 1;
}

/** Restores the heap below `at`: no entry is better than its parent. */
function sink(heap: Int32Array, at: number, length: number, logits: Float32Array): void {
  const entry = heap[at];
  for (let child = 2 * at + 1; child < length; child = 2 * at + 1) {
    if (child + 1 < length && isBetter(heap[child + 1], heap[child], logits)) child++;
    if (!isBetter(heap[child], entry, logits)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = entry;
}

function isBetter(a: number, b: number, logits: Float32Array): boolean {
  return logits[a] > logits[b] || (logits[a] === logits[b] && a < b);
}
