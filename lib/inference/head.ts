/**
 * From the residual stream to logits and choices. The exact head multiplies the whole embedding matrix. Where only the
 * best tokens are wanted, an int8 copy of it finds, at half the bytes, the few rows that can be among them, and these
 * alone are computed exactly; the proof that none is missed stands in lib/kernel/assembly/shortlist.ts.
 */
import { FORMAT_F32, LOGIT_BLOCK, RESULT_STORE } from '../kernel/layout.js';
import type { Team } from '../kernel/team.js';
import { MAX_CANDIDATES, type ModelMemory } from './model-memory.js';

/** Groups of the head, candidates and blocks of logits that are worth another thread. */
const SHARED_BYTES = 65_536;
const SHARED_CANDIDATES = 16;
/** Most tokens that a shortlist is made for; more take the whole head. */
export const MAX_SHORTLIST_TOKENS = 256;

/** Tokens to choose from, with their exact logits. The arrays lie in the model's memory and change with the next call. */
export interface Candidates {
  count: number;
  /** Ids in rising order; undefined where all tokens stand in order. */
  ids: Int32Array | undefined;
  logits: Float32Array;
}

/** The output head of one model. */
export class Head {
  readonly #team: Team;
  readonly #memory: ModelMemory;
  readonly #largest = new Float32Array(MAX_SHORTLIST_TOKENS);

  constructor(team: Team, memory: ModelMemory) {
    this.#team = team;
    this.#memory = memory;
  }

  /** Whether the best tokens can be found without computing all logits. */
  get hasShortlist(): boolean {
    return this.#memory.shortlist !== 0;
  }

  /** Exact logits of `tokens` vectors at `memory.headInput` into `memory.logits`. */
  computeLogits(tokens: number): void {
    const { head, headInput, headPaired, hiddenWidth, logits, vocabWidth } = this.#memory;
    const { records, groups, columns, format } = head;
    const x = format === FORMAT_F32 ? headInput : headPaired;
    if (format !== FORMAT_F32) this.#pair(tokens);
    const smallest = Math.ceil(SHARED_BYTES / (columns * 8));
    this.#team.run(
      'floatProduct',
      { items: groups, smallest },
      {
        matrices: records,
        count: 1,
        columns,
        x,
        stride: hiddenWidth,
        tokens,
        out: logits,
        outStride: vocabWidth,
        mode: RESULT_STORE,
      },
    );
  }

  /** All tokens, with the logits of the first vector at `memory.headInput`. */
  all(): Candidates {
    this.computeLogits(1);
    const { logits, config } = this.#memory;
    return { count: config.vocab_size, ids: undefined, logits: this.#floats(logits, config.vocab_size) };
  }

  /**
   * A superset of the `k` best tokens of the first vector at `memory.headInput`, with their exact logits. Falls back to
   * all tokens where the bounds exclude too few.
   */
  best(k: number): Candidates {
    const { head, headInput, headPaired, shortlist, shortlistVector, lower, upper, config } = this.#memory;
    const { vocab_size: vocab, hidden_size: hidden } = config;
    if (shortlist === 0 || k > MAX_SHORTLIST_TOKENS) return this.all();
    if (!this.#team.quantizeForShortlist(headInput, hidden, shortlistVector)) return this.all();
    const smallest = Math.ceil(SHARED_BYTES / (hidden * 4));
    this.#team.run(
      'boundLogits',
      { items: head.groups, smallest },
      { shortlist, columns: hidden, quantized: shortlistVector, lower, upper },
    );
    const least = this.#kthLargest(this.#floats(lower, vocab), k);
    const upperEnds = this.#floats(upper, vocab);
    const ids = new Int32Array(this.#team.buffer, this.#memory.candidateIds, MAX_CANDIDATES);
    let count = 0;
    for (let id = 0; id < vocab; id++) {
      // Not `>=`: an upper end that is no number may not drop its row.
      if (upperEnds[id] < least) continue;
      if (count === MAX_CANDIDATES) return this.all();
      ids[count++] = id;
    }
    const x = head.format === FORMAT_F32 ? headInput : headPaired;
    if (head.format !== FORMAT_F32) this.#pair(1);
    const { candidateIds, candidateLogits } = this.#memory;
    this.#team.run(
      'floatProductOfRows',
      { items: count, smallest: SHARED_CANDIDATES },
      { matrix: head.records, columns: hidden, x, ids: candidateIds, out: candidateLogits },
    );
    return { count, ids, logits: this.#floats(candidateLogits, MAX_CANDIDATES) };
  }

  /** ln Σ e^logit of the row of logits that `all` or `computeLogits` left at `row`. */
  logSumExp(row: number): number {
    const { vocab_size: vocab } = this.#memory.config;
    const { logits, vocabWidth, logitSums } = this.#memory;
    const sums = this.#team.doubles(logitSums, 2 * Math.ceil(vocab / LOGIT_BLOCK));
    this.#team.run(
      'sumExponentials',
      { items: sums.length / 2, smallest: 8 },
      { logits: logits + 4 * row * vocabWidth, count: vocab, out: logitSums },
    );
    let largest = -Infinity;
    for (let i = 0; i < sums.length; i += 2) largest = Math.max(largest, sums[i]);
    let sum = 0;
    for (let i = 0; i < sums.length; i += 2) sum += sums[i + 1] * Math.exp(sums[i] - largest);
    return largest + Math.log(sum);
  }

  #pair(tokens: number): void {
    const { headInput, headPaired, hiddenWidth } = this.#memory;
    this.#team.run(
      'pairColumns',
      { items: tokens, smallest: 4 },
      { x: headInput, stride: hiddenWidth, columns: hiddenWidth, out: headPaired, outStride: hiddenWidth },
    );
  }

  /** Views are made for each call: a head that outlives its model then keeps none of its memory. */
  #floats(address: number, count: number): Float32Array {
    return new Float32Array(this.#team.buffer, address, count);
  }

  /** The k-th largest lower end: an insertion into a short sorted list, which few of the many ends reach. */
  #kthLargest(lowerEnds: Float32Array, k: number): number {
    const largest = this.#largest.fill(-Infinity, 0, k);
    for (let id = 0; id < lowerEnds.length; id++) {
      const value = lowerEnds[id];
      if (!(value > largest[k - 1])) continue;
      let at = k - 1;
      for (; at > 0 && largest[at - 1] < value; at--) largest[at] = largest[at - 1];
      largest[at] = value;
    }
    return largest[k - 1];
  }
}
