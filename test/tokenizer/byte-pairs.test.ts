import * as fc from 'fast-check';
import oracle from 'llama3-tokenizer-js';
import { describe, expect, it } from 'vitest';
import { BytePairs } from '../../lib/tokenizer/byte-pairs.js';
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js';
import { llama3TokenizerJson } from '../golden/tokenizers/llama3-vocabulary.js';

/** The definition, letter by letter: the best pair of the whole word is sought again after each merge. */
function mergeSlowly(merges: readonly [string, string][], word: string): string[] {
  const tokens = Array.from(word);
  for (;;) {
    let best = { rank: Infinity, at: -1 };
    for (let at = 0; at + 1 < tokens.length; at++) {
      const rank = merges.findIndex(([left, right]) => left === tokens[at] && right === tokens[at + 1]);
      if (rank !== -1 && rank < best.rank) best = { rank, at };
    }
    if (best.at === -1) return tokens;
    tokens.splice(best.at, 2, tokens[best.at] + tokens[best.at + 1]);
  }
}

/** Merges of a small alphabet, each of tokens that are letters or were merged before. */
const anyMerges: fc.Arbitrary<[string, string][]> = fc
  .array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 30 })
  .map((choices) => {
    const tokens = ['a', 'b', 'c'];
    return choices.map(([i, j]) => {
      const pair: [string, string] = [tokens[i % tokens.length], tokens[j % tokens.length]];
      if (!tokens.includes(pair.join(''))) tokens.push(pair.join(''));
      return pair;
    });
  })
  // A pair that comes twice counts where it comes last, as in Python; the definition above knows only the first.
  .map((merges) =>
    merges.filter((merge, i) => merges.findIndex((other) => other.join() === merge.join()) === i),
  );

function vocabularyOf(merges: readonly [string, string][]): Record<string, number> {
  const tokens = new Set(['a', 'b', 'c', ...merges.map((pair) => pair.join(''))]);
  return Object.fromEntries([...tokens].map((token, id) => [token, id]));
}

describe('byte pairs', () => {
  it('merge as the definition says', () => {
    fc.assert(
      fc.property(
        anyMerges,
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 80 }),
        (merges, word) => {
          const pairs = new BytePairs(vocabularyOf(merges), merges);
          expect(pairs.split(word)).toEqual(mergeSlowly(merges, word));
          expect(pairs.split(word)).toEqual(mergeSlowly(merges, word)); // from the cache
        },
      ),
      { numRuns: 500 },
    );
  });

  it('take merges as texts too, and refuse those of unknown tokens', () => {
    const vocabulary = { a: 0, b: 1, ab: 2 };
    expect(new BytePairs(vocabulary, ['a b']).split('abba')).toEqual(['ab', 'b', 'a']);
    expect(() => new BytePairs(vocabulary, ['a b', 'b a'])).toThrow(
      'load tokenizer: merge 1 must be of tokens in the vocabulary, got "ba".',
    );
  });
});

describe('a long word of 2B4T’s vocabulary', () => {
  const llama3 = new Tokenizer({ kind: 'huggingface', tokenizer: llama3TokenizerJson(), config: {} });
  const idsOf = (text: string): number[] => llama3.encode(text, { addSpecialTokens: false });

  it('becomes what the independent implementation makes of it', () => {
    for (const letters of ['a', ' ', '!', 'ab', '\n', '中', 'zzzq', '=-'])
      for (const length of [100, 3001]) {
        const text = letters.repeat(length);
        expect(idsOf(text), `${letters} ${length}`).toEqual(oracle.encode(text, { bos: false, eos: false }));
      }
  });

  it('may have a million letters', () => {
    const [id] = idsOf('a'.repeat(8));
    const ids = idsOf('a'.repeat(1_000_000));
    expect(ids).toHaveLength(125_000);
    expect(ids.every((other) => other === id)).toBe(true);
  });
});
