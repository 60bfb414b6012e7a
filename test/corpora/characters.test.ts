import { Tokenizer } from '@huggingface/tokenizers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CharacterTokenizer } from '../../lib/corpora/characters.js';
import golden from '../golden/tokenizers/characters.json' with { type: 'json' };
import { anyText } from '../any-text.js';

const trained = CharacterTokenizer.fromText(golden.training_text);

describe('CharacterTokenizer', () => {
  it('has every character of the text once, in the order of code points', () => {
    expect(CharacterTokenizer.fromText('hello 🌊 héß\n').vocabulary).toEqual([
      '\n',
      ' ',
      'e',
      'h',
      'l',
      'o',
      'ß',
      'é',
      '🌊',
    ]);
  });

  it('orders characters by code point where UTF-16 would order otherwise', () => {
    expect(CharacterTokenizer.fromText('🌊\uff5e').vocabulary).toEqual(['\uff5e', '🌊']);
  });

  it('gives back any text that its vocabulary covers', () => {
    fc.assert(
      fc.property(anyText({ minLength: 1 }), (text) => {
        const tokenizer = CharacterTokenizer.fromText(text);
        const ids = tokenizer.encode(text);
        expect(ids.length).toBe(Array.from(text).length);
        expect(tokenizer.decode(ids)).toBe(text);
      }),
    );
  });

  it('names the unknown character, its code point and its position in characters', () => {
    const tokenizer = CharacterTokenizer.fromText('ab🌊');
    expect(() => tokenizer.encode('🌊aЖb')).toThrow(
      /one of the 3 in the vocabulary, got "Ж" \(U\+0416\) at position 2/,
    );
    expect(() => tokenizer.encode('a\ud83c')).toThrow(/got U\+D83C at position 1/);
    expect(() => tokenizer.encode('🌋')).toThrow(/U\+1F30B\) at position 0/);
  });

  it.each([[[3]], [[-1]], [[0.5]], [[Number.NaN]]])('rejects the ids %j', (ids) => {
    expect(() => CharacterTokenizer.fromText('abc').decode(ids)).toThrow(
      /decode ids: ids must be 0 to 2, got .* at position 0/,
    );
  });

  it('rejects vocabularies that are empty, too large, of more than characters, or with one twice', () => {
    expect(() => new CharacterTokenizer([])).toThrow(/1 to 65536 characters, got 0/);
    expect(() => new CharacterTokenizer(['ab'])).toThrow(/entry 0 must be one character, got "ab"/);
    expect(() => new CharacterTokenizer(['a', ''])).toThrow(/entry 1 must be one character, got ""/);
    expect(() => new CharacterTokenizer(['a', 'b', 'a'])).toThrow(
      /"a" \(U\+0061\) must occur once, got it as ids 0 and 2/,
    );
    const many = Array.from({ length: 65_537 }, (_, n) => String.fromCodePoint(0x10000 + n));
    expect(() => new CharacterTokenizer(many)).toThrow(/got 65537/);
  });
});

describe("CharacterTokenizer's tokenizer.json", () => {
  it('is the very file that Python read for the golden ids', () => {
    expect(JSON.parse(JSON.stringify(trained))).toEqual(golden.tokenizer_json);
    expect(trained.vocabSize).toBe(golden.vocab_size);
  });

  it.each(golden.cases)(
    'encodes and decodes as Python’s tokenizers and transformers: $text',
    ({ text, ids, decoded }) => {
      expect([...trained.encode(text)]).toEqual(ids);
      expect(trained.decode(ids)).toBe(decoded);
    },
  );

  it('raises an error where Python raises one: no unknown character passes in silence', () => {
    expect(golden.unknown.error).toMatch(/Missing \[UNK\] token/);
    expect(() => trained.encode(golden.unknown.text)).toThrow(/got "Ж"/);
  });

  it('is loaded by @huggingface/tokenizers, with the same ids and texts', async () => {
    // Otherwise decoding would take the space out of " ." and its like.
    const library = new Tokenizer(JSON.parse(JSON.stringify(trained)), {
      clean_up_tokenization_spaces: false,
    });
    for (const { text, ids } of golden.cases) expect(library.encode(text).ids).toEqual(ids);
    // The library refuses to decode nothing.
    for (const { text, ids } of golden.cases.slice(1)) expect(library.decode(ids)).toBe(text);
  });
});
