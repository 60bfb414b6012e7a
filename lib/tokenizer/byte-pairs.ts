/**
 * Byte-pair encoding (Sennrich et al., arXiv 1508.07909, section 3.2): of all neighbours in a word the pair that stands
 * first in the list of merges becomes one token, the leftmost where it occurs more than once, until no pair is in the
 * list. A heap finds that pair, so a word of n characters takes n · log n steps.
 */
import { quote } from '../io/quote.js';
import { TokenizerError } from '../io/tokenizer-error.js';

/** Ids stay below this, so that two of them fit into one number that JavaScript holds exactly. */
const MAX_IDS = 2 ** 24;
/** Positions in a word stay below this: no string is longer. */
const MAX_POSITIONS = 2 ** 29;
/** Words are looked up before they are merged again, if they are short; a full store is emptied. */
const CACHED_WORDS = 10_000;
const CACHED_LENGTH = 64;

const UNKNOWN = -1;
/** What stood at a position is part of the token before it. */
const MERGED = -2;

/** The merges of a vocabulary. */
export class BytePairs {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #tokens: string[] = [];
  /** Rank of each pair that merges; the first one is the best. */
  readonly #ranks = new Map<number, number>();
  /** What the pair of each rank becomes. */
  readonly #merged: Int32Array;
  readonly #cache = new Map<string, readonly string[]>();

  /**
   * @param vocabulary tokens and their ids
   * @param merges `"a b"` or `["a", "b"]`, best first
   * @throws TokenizerError for a merge of tokens, or to a token, that the vocabulary does not have
   */
  constructor(vocabulary: Readonly<Record<string, number>>, merges: readonly (string | readonly string[])[]) {
    this.#ids = new Map(Object.entries(vocabulary));
    for (const [token, id] of this.#ids) this.#tokens[id] = token;
    this.#merged = new Int32Array(merges.length);
    for (const [rank, merge] of merges.entries()) {
      const [left, right] = typeof merge === 'string' ? merge.split(' ') : merge;
      const ids = [left, right, left + right].map((token) => this.#ids.get(token));
      const missing = ids.indexOf(undefined);
      if (missing !== -1) {
        throw new TokenizerError(
          `load tokenizer: merge ${rank} must be of tokens in the vocabulary, got ${quote([left, right, left + right][missing])}. ` +
            'The vocabulary or the merges of the tokenizer are incomplete: get its file again.',
        );
      }
      this.#ranks.set(ids[0]! * MAX_IDS + ids[1]!, rank);
      this.#merged[rank] = ids[2]!;
    }
  }

  /** The tokens of a word. A character that the vocabulary does not have stands for itself. */
  split(word: string): readonly string[] {
    if (word.length > CACHED_LENGTH) return this.#merge(word);
    let tokens = this.#cache.get(word);
    if (tokens === undefined) {
      tokens = this.#merge(word);
      if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
      this.#cache.set(word, tokens);
    }
    return tokens;
  }

  #merge(word: string): readonly string[] {
    const characters = Array.from(word);
    const count = characters.length;
    const ids = Int32Array.from(characters, (character) => this.#ids.get(character) ?? UNKNOWN);
    // Neighbours by position: before the first stands -1, behind the last stands `count`.
    const before = Int32Array.from(characters, (_, at) => at - 1);
    const behind = Int32Array.from(characters, (_, at) => at + 1);
    const rankAt = (at: number): number | undefined =>
      at < 0 || behind[at] >= count || ids[at] < 0 || ids[behind[at]] < 0
        ? undefined
        : this.#ranks.get(ids[at] * MAX_IDS + ids[behind[at]]);
    /** Pairs that can merge, as rank · MAX_POSITIONS + position of the left one. */
    const heap: number[] = [];
    const offer = (at: number): void => {
      const rank = rankAt(at);
      if (rank !== undefined) push(heap, rank * MAX_POSITIONS + at);
    };
    for (let at = 0; at + 1 < count; at++) offer(at);
    while (heap.length > 0) {
      const best = pop(heap);
      const rank = Math.floor(best / MAX_POSITIONS);
      const at = best - rank * MAX_POSITIONS;
      // The pair may have changed since it was offered.
      if (rankAt(at) !== rank) continue;
      const right = behind[at];
      ids[at] = this.#merged[rank];
      ids[right] = MERGED;
      behind[at] = behind[right];
      if (behind[at] < count) before[behind[at]] = at;
      offer(before[at]);
      offer(at);
    }
    const tokens: string[] = [];
    for (let at = 0; at < count; at = behind[at]) {
      tokens.push(ids[at] === UNKNOWN ? characters[at] : this.#tokens[ids[at]]);
    }
    return tokens;
  }
}

/** Puts a number into a heap, whose smallest stands first. */
function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent] <= value) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = value;
}

/** Takes the smallest number out of a heap that has one. */
function pop(heap: number[]): number {
  const smallest = heap[0];
  const last = heap.pop()!;
  const { length } = heap;
  if (length === 0) return smallest;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && heap[child + 1] < heap[child]) child += 1;
    if (heap[child] >= last) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return smallest;
}
