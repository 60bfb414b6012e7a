import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import type { HuggingFaceTokenizer } from '../../lib/checkpoint/tokenizer-source.js';
import { Tokenizer } from '../../lib/tokenizer/tokenizer.js';
import { goldenContainer } from '../golden/containers.js';

const checkpoint = await openCheckpoint(goldenContainer('packed'));
await checkpoint.close();
const sound = checkpoint.tokenizerSource as HuggingFaceTokenizer;

function changed(parts: Record<string, unknown>): HuggingFaceTokenizer {
  return { ...sound, tokenizer: { ...sound.tokenizer, ...parts } };
}

const split = (regex: string): object => ({ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated' });
const replace = (pattern: object, content: string): object => ({ type: 'Replace', pattern, content });
const sequence = (part: 'normalizers' | 'pretokenizers' | 'processors', steps: unknown): object => ({
  type: 'Sequence',
  [part]: steps,
});
const times = (count: number, step: unknown): unknown[] => Array.from({ length: count }, () => step);
const text = { Sequence: { id: 'A', type_id: 0 } };
const special = { SpecialToken: { id: '<|begin_of_text|>', type_id: 0 } };
const template = (single: unknown): object => ({
  type: 'TemplateProcessing',
  single,
  pair: [],
  special_tokens: {},
});

describe('a tokenizer.json from a stranger', () => {
  it.each(['(a+)+$', '(a|aa)+$', '(a|a?)+$', '(?:a*)*b', '(.*a){20}$'])(
    'may hold the pattern %s: a text that takes too long is refused',
    (regex) => {
      const tokenizer = new Tokenizer(changed({ pre_tokenizer: split(regex) }), { textLimitMs: 300 });
      const hard = `${'a'.repeat(60)}!`;
      expect(() => tokenizer.encode(hard)).toThrow(
        /encode text: a text of 61 characters must take at most 304 ms, got more\. .*tokenizer\.json/,
      );
      // The next text is not held up by the last one.
      expect(() => tokenizer.encode(hard)).toThrow(/at most 304 ms/);
    },
  );

  it('may not hold a normalizer that takes for ever', () => {
    const tokenizer = new Tokenizer(changed({ normalizer: replace({ Regex: '(a|aa)+$' }, 'b') }), {
      textLimitMs: 300,
    });
    expect(() => tokenizer.encode(`${'a'.repeat(60)}!`)).toThrow(/at most 304 ms/);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a thousand normalizers',
      { normalizer: sequence('normalizers', times(1000, { type: 'NFC' })) },
      /normalizer must be at most 16 steps, got "more"/,
    ],
    [
      'sequences in sequences',
      {
        normalizer: Array.from({ length: 1000 }).reduce((inner: object) => sequence('normalizers', [inner]), {
          type: 'NFC',
        }),
      },
      /normalizer must be at most 16 steps/,
    ],
    [
      'a text doubled sixteen times',
      { normalizer: sequence('normalizers', times(12, replace({ String: 'a' }, 'aa'))) },
      /normalizer must be steps that make a text at most 64 times as long, got "Replace"/,
    ],
    [
      'a letter between all letters',
      { normalizer: replace({ String: '' }, 'x'.repeat(100)) },
      /at most 64 times/,
    ],
    ['a long prefix', { normalizer: { type: 'Prepend', prepend: 'x'.repeat(100) } }, /at most 64 times/],
    [
      'bytes of bytes of bytes',
      { pre_tokenizer: sequence('pretokenizers', times(10, { type: 'ByteLevel', use_regex: false })) },
      /pre_tokenizer must be steps that make a text at most 64 times as long, got "ByteLevel"/,
    ],
    [
      'pieces of no length',
      { pre_tokenizer: { type: 'FixedLength', length: 0 } },
      /a step of pre_tokenizer must be one of .*, got "FixedLength"/,
    ],
    ['a prototype as a step', { normalizer: { type: 'constructor' } }, /got "constructor"/],
    ['a step that is none', { pre_tokenizer: sequence('pretokenizers', [5]) }, /must be an object, got 5/],
    [
      'steps that are no list',
      { normalizer: sequence('normalizers', 5) },
      /normalizer\.normalizers must be a list, got 5/,
    ],
    [
      'a pattern of a megabyte',
      { pre_tokenizer: split('a'.repeat(2 ** 20)) },
      /the pattern of a step of pre_tokenizer must be a Regex or a String of at most 10000 characters, got 1048576/,
    ],
    [
      'a split without a pattern',
      { pre_tokenizer: { type: 'Split' } },
      /must be a Regex or a String .*got undefined/,
    ],
    [
      'a template that repeats the text',
      { post_processor: template(times(100_000, text)) },
      /at most 64 pieces with the text A once, got 100000 pieces with 100000 texts/,
    ],
    [
      'templates that double it',
      { post_processor: sequence('processors', times(8, template([text, text]))) },
      /got 2 pieces/,
    ],
    [
      'a template of many tokens',
      { post_processor: template([text, ...times(1000, special)]) },
      /got 1001 pieces/,
    ],
    [
      'an added token of a megabyte',
      { added_tokens: [{ id: 599, content: 'x'.repeat(2 ** 20), special: true }] },
      /added tokens must have at most 1024 characters each/,
    ],
  ])('may not ask for %s', (_what, parts, message) => {
    expect(() => new Tokenizer(changed(parts))).toThrow(message);
  });

  it('may normalize and cut as real ones do', () => {
    const steps = [{ type: 'NFC' }, replace({ String: ' ' }, '▁'), { type: 'Prepend', prepend: '▁' }];
    const tokenizer = new Tokenizer(changed({ normalizer: sequence('normalizers', steps) }));
    expect(tokenizer.decode(tokenizer.encode('a b', { addSpecialTokens: false }))).toBe('▁a▁b');
  });
});
