/** The tokenizer at the size of the real vocabulary, that of 2B4T, against two independent implementations. */
import * as fc from 'fast-check';
import oracle from 'llama3-tokenizer-js';
import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js';
import { anyCharacter, anyText } from '../any-text.js';
import { llama3TokenizerJson, merges, tokens } from '../golden/tokenizers/llama3-vocabulary.js';
import python from '../golden/tokenizers/llama3.json' with { type: 'json' };

const CONTROL = 3;
const fromFolder = new Tokenizer({ kind: 'huggingface', tokenizer: llama3TokenizerJson(), config: {} });
const fromGguf = new Tokenizer({
  kind: 'gguf',
  model: 'gpt2',
  tokens,
  tokenTypes: tokens.map((_, id) => (id < 128_000 ? 1 : CONTROL)),
  merges,
  bosTokenId: 128_000,
  eosTokenId: 128_001,
  addBosToken: true,
});

const withoutBos = { addSpecialTokens: false };
const oracleIds = (text: string): number[] => oracle.encode(text, { bos: false, eos: false });

describe('Tokenizer with the vocabulary of 2B4T', () => {
  it('has 128,256 tokens and 280,147 merges, and the ids of the specials', () => {
    expect([tokens.length, merges.length, fromFolder.vocabSize]).toEqual([128_256, 280_147, 128_256]);
    expect(
      ['<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>'].map((token) => fromGguf.idOf(token)),
    ).toEqual([128_000, 128_001, 128_009]);
  });

  it('gives the ids and texts of Python’s tokenizers on hard texts', () => {
    for (const { text, ids, decoded } of python.cases) {
      expect(fromFolder.encode(text, withoutBos), JSON.stringify(text)).toEqual(ids);
      expect(fromFolder.encode(text)).toEqual([128_000, ...ids]);
      expect(fromFolder.decode(ids)).toBe(decoded);
    }
  });

  it('gives the same from GGUF’s keys', () => {
    for (const { text, ids, decoded } of python.cases) {
      expect(fromGguf.encode(text, withoutBos), JSON.stringify(text)).toEqual(ids);
      expect(fromGguf.decode(ids)).toBe(decoded);
    }
  });

  it('renders a conversation in the report’s form', () => {
    const ids = fromGguf.encodeChat([{ role: 'user', content: ' How many boats? ' }]);
    expect(fromGguf.decode(ids)).toBe('<|begin_of_text|>User: How many boats?<|eot_id|>Assistant: ');
    expect(ids.filter((id) => id >= 128_000)).toEqual([128_000, 128_009]);
  });
});

describe('Tokenizer against llama3-tokenizer-js', () => {
  it('agrees on texts of many kinds', () => {
    const texts = [
      'The keeper counted the boats again; there were 1234567 of them, 0.5 less than $3,141.59!',
      "I'm I'M they'VE we'Ll DON'T 'tis rock'n'roll",
      'for (let i = 0; i < n; i++) {\n\tconsole.log(`${i}: ${x[i] ?? "none"}`);\n}\n\n\n// end  \r\n',
      'naïve café, Straße, ñandú, ελληνικά, Привет, שלום, مرحبا, नमस्ते, 日本語, 한국어, ไทย 🌊🚢👨‍👩‍👧🇩🇪',
      'x<|eot_id|>y <|start_header_id|>user<|end_header_id|>\n\n<|reserved_special_token_7|> <|nothing|>',
      'a'.repeat(200) + ' '.repeat(100) + '\n'.repeat(40) + '=-'.repeat(60),
    ];
    for (const text of texts) {
      const ids = fromFolder.encode(text, withoutBos);
      expect(ids).toEqual(oracleIds(text));
      expect(fromFolder.decode(ids)).toBe(oracle.decode(ids));
    }
  });

  // JavaScript's \s, which that package uses, does not know U+0085 and knows U+FEFF; Unicode's White_Space is what the
  // reference uses. Both are in the Python cases above.
  const known = anyCharacter.filter((character) => character !== '\u0085' && character !== '\ufeff');

  it('agrees on random characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: known, maxLength: 60 }), (text) => {
        expect(fromFolder.encode(text, withoutBos)).toEqual(oracleIds(text));
      }),
      { numRuns: 300 },
    );
  });

  it('agrees on random words, digits, contractions, spaces, punctuation and special tokens', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "'s",
        "'LL",
        "'Ve",
        "'",
        ' ',
        '  ',
        '\n',
        '\r\n',
        '\t',
        '\u00a0',
        '<|eot_id|>',
        '<|',
        '|>',
        '...',
        '",',
      ),
      fc.integer({ min: 0, max: 1e9 }).map(String),
      fc
        .integer({ min: 256, max: 127_999 })
        .map((id) => fromFolder.decode([id]).replaceAll(/[\u0085\ufeff\ufffd]/g, '')),
      fc.string({ unit: fc.constantFrom('a', 'e', 'n', 't', 'É', 'ß', '1', '_'), maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        expect(fromFolder.encode(text, withoutBos)).toEqual(oracleIds(text));
      }),
      { numRuns: 500 },
    );
  });

  it('gives every text back', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 80 }), (text) => {
        expect(fromFolder.decode(fromFolder.encode(text, withoutBos))).toBe(text);
      }),
    );
  });

  it('differs where that package’s white space is not Unicode’s: Python’s tokenizers decide', () => {
    const different = python.cases.filter(({ text, ids }) => oracleIds(text).join() !== ids.join());
    expect(different.length).toBeGreaterThan(0);
    expect(different.every(({ text }) => /[\u0085\ufeff]/.test(text))).toBe(true);
  });
});
