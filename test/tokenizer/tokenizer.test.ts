import * as fc from 'fast-check';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import type {
  GgufTokenizer,
  HuggingFaceTokenizer,
  TokenizerSource,
} from '../../lib/checkpoint/tokenizer-source.js';
import { CharacterTokenizer } from '../../lib/corpora/characters.js';
import { loadTokenizer, Tokenizer } from '../../lib/tokenizer/tokenizer.js';
import { anyText } from '../any-text.js';
import { temporaryFolder } from '../temporary-folder.js';
import { GOLDEN_CONTAINERS, goldenContainer, type GoldenContainer } from '../golden/containers.js';
import golden from '../golden/tiny/ref/tokenizer_cases.json' with { type: 'json' };

async function sourceOf(container: GoldenContainer): Promise<TokenizerSource> {
  const checkpoint = await openCheckpoint(goldenContainer(container));
  await checkpoint.close();
  return checkpoint.tokenizerSource;
}

const folder = (await sourceOf('packed')) as HuggingFaceTokenizer;
const gguf = (await sourceOf('i2_s')) as GgufTokenizer;
const tokenizer = new Tokenizer(folder);

describe.each(GOLDEN_CONTAINERS)('Tokenizer of the golden container %s', (container) => {
  it('encodes, decodes and renders conversations as the reference', async () => {
    const tokenizer = new Tokenizer(await sourceOf(container));
    const cases = golden.cases.map(({ text, ids, ids_no_special }) => ({
      text,
      ids: tokenizer.encode(text),
      ids_no_special: tokenizer.encode(text, { addSpecialTokens: false }),
      decoded: tokenizer.decode(ids),
      decoded_skip_special: tokenizer.decode(ids, { skipSpecialTokens: true }),
      again: tokenizer.decode(ids_no_special, { skipSpecialTokens: true }),
    }));
    expect(cases).toEqual(
      golden.cases.map((expected) => ({ ...expected, again: expected.decoded_skip_special })),
    );
    const chat = golden.chat.map(({ messages, add_generation_prompt }) => ({
      messages,
      add_generation_prompt,
      text: tokenizer.applyChatTemplate(messages, { addGenerationPrompt: add_generation_prompt }),
      ids_of_text_with_bos: tokenizer.encodeChat(messages, { addGenerationPrompt: add_generation_prompt }),
    }));
    expect(chat).toEqual(golden.chat);
    expect([tokenizer.vocabSize, tokenizer.bosTokenId, tokenizer.eosTokenId]).toEqual([600, 584, 585]);
    expect([tokenizer.idOf('<|eot_id|>'), tokenizer.idOf('<|none|>')]).toEqual([593, undefined]);
  });
});

describe('Tokenizer.decode', () => {
  it('gives back any text that was encoded', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false }))).toBe(text);
      }),
    );
  });

  it('takes typed arrays, and nothing at all', () => {
    expect(tokenizer.decode(Int32Array.of(39, 362, 75, 78))).toBe('Hello');
    expect(tokenizer.decode([])).toBe('');
  });

  it('does not tidy up spaces, as clean_up_tokenization_spaces would: text comes back as it was', () => {
    const text = "it 's , well . \" n't ?";
    expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true })).toBe(text);
  });

  it('shows half a character as U+FFFD', () => {
    const ids = tokenizer.encode('🌊', { addSpecialTokens: false });
    expect(ids.length).toBeGreaterThan(1);
    expect(tokenizer.decode(ids.slice(0, -1))).toBe('\ufffd');
    expect(tokenizer.decode([...ids.slice(0, -1), 64])).toBe('\ufffda');
  });

  it.each([600, -1, 0.5, Number.NaN, Infinity])(
    'names the id %s, which is out of range, and its position',
    (id) => {
      expect(() => tokenizer.decode([64, id])).toThrow(
        `ids must be whole numbers from 0 to 599, got ${id} at position 1`,
      );
    },
  );

  it('decodes rows of the embedding beyond the vocabulary to nothing', () => {
    const padded = new Tokenizer(folder, { vocabSize: 640 });
    expect(padded.vocabSize).toBe(640);
    expect(padded.decode([64, 620, 65])).toBe('ab');
    expect(() => padded.decode([640])).toThrow(/0 to 639, got 640/);
  });
});

describe('Tokenizer.stream', () => {
  it('gives piece by piece what decode gives at once, for any ids', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 599 }));
    fc.assert(
      fc.property(ids, fc.boolean(), (ids, skipSpecialTokens) => {
        const stream = tokenizer.stream({ skipSpecialTokens });
        const pieces = ids.map((id) => stream.push(id));
        expect(pieces.join('') + stream.end()).toBe(tokenizer.decode(ids, { skipSpecialTokens }));
      }),
    );
  });

  it('shows a character when its last byte has come, and never half of one', () => {
    const text = 'aé日🌊👩‍👧!';
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    const stream = tokenizer.stream();
    let shown = '';
    for (const id of ids) {
      shown += stream.push(id);
      expect(text.startsWith(shown) && !/[\ud800-\udbff]$/.test(shown)).toBe(true);
    }
    expect(shown).toBe(text);
    expect(stream.end()).toBe('');
  });

  it('keeps U+FFFD and U+FEFF that the text itself has', () => {
    const text = '\ufeffa\ufffd\ufeff';
    const stream = tokenizer.stream();
    const pieces = tokenizer.encode(text, { addSpecialTokens: false }).map((id) => stream.push(id));
    expect(pieces.join('')).toBe(text);
  });
});

describe('Tokenizer.encode', () => {
  it('takes a lone surrogate for U+FFFD, as every UTF-8 encoder does', () => {
    expect(tokenizer.encode('a\ud83cb')).toEqual(tokenizer.encode('a\ufffdb'));
  });

  it('takes long texts without places to cut', () => {
    const text = 'the '.repeat(20_000) + 'x'.repeat(20_000);
    expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true })).toBe(text);
  });

  it.each([null, undefined, 5])('refuses %s as ids', (ids) => {
    expect(() => tokenizer.decode(ids as never)).toThrow('decode ids: ids must be a list of token ids, got ');
  });

  it('refuses what is no text', () => {
    expect(() => tokenizer.encode(undefined as unknown as string)).toThrow(
      /text must be a string, got undefined/,
    );
  });

  it('refuses merges that lead to a token that is not in the vocabulary, instead of dropping text', () => {
    const json = structuredClone(folder.tokenizer) as Record<string, unknown>;
    set(json, ['model', 'merges'], ['q z', ...gguf.merges]);
    const broken = new Tokenizer({ ...folder, tokenizer: json });
    expect(() => broken.encode('fine')).toThrow(
      /merge 0 must be of tokens in the vocabulary, got "qz"\. The vocabulary or the merges/,
    );
  });

  it('notices a character that is not in the vocabulary, instead of dropping it', () => {
    const json = structuredClone(folder.tokenizer) as {
      model: { vocab: Record<string, number>; merges: unknown };
    };
    delete json.model.vocab.z;
    json.model.merges = [];
    const broken = new Tokenizer({ ...folder, tokenizer: json });
    expect(broken.decode(broken.encode('fine'))).toContain('fine');
    expect(() => broken.encode('xqzx')).toThrow(
      /the ids must hold all 21 bytes of the text, got 20\. The vocabulary or the merges/,
    );
  });
});

describe('loadTokenizer', () => {
  it('reads a folder, or takes what a checkpoint says', async () => {
    for (const source of [goldenContainer('packed'), folder, gguf]) {
      expect((await loadTokenizer(source)).encode('Hello')).toEqual([584, 39, 362, 75, 78]);
    }
  });

  it('takes the template called default from a list of templates', async () => {
    const copied = await temporaryFolder();
    await cp(goldenContainer('packed'), copied, { recursive: true });
    const chat_template = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'said: {{ messages[0].content }}' },
    ];
    await writeFile(join(copied, 'tokenizer_config.json'), JSON.stringify({ chat_template }));
    const loaded = await loadTokenizer(copied);
    expect(loaded.applyChatTemplate([{ role: 'user', content: 'hi' }])).toBe('said: hi');
  });

  it('refuses a folder without tokenizer.json, or with one that is no JSON', async () => {
    const empty = await temporaryFolder();
    await expect(loadTokenizer(empty)).rejects.toThrow(/the checkpoint must have a tokenizer, got none/);
    await writeFile(join(empty, 'tokenizer.json'), '{"model": ');
    await expect(loadTokenizer(empty)).rejects.toThrow(/tokenizer\.json/);
  });
});

describe('Tokenizer of characters', () => {
  const characters = CharacterTokenizer.fromText('First Citizen:\nBefore we proceed — é🌊');
  const source: HuggingFaceTokenizer = {
    kind: 'huggingface',
    tokenizer: JSON.parse(JSON.stringify(characters)) as Record<string, unknown>,
    config: { clean_up_tokenization_spaces: false },
  };

  it('gives the ids that training used', () => {
    const text = 'we free — é🌊\n\nBC';
    const inference = new Tokenizer(source);
    expect(inference.encode(text)).toEqual([...characters.encode(text)]);
    expect(inference.decode(characters.encode(text))).toBe(text);
    expect([inference.vocabSize, inference.bosTokenId, inference.eosTokenId]).toEqual([
      characters.vocabSize,
      undefined,
      undefined,
    ]);
  });

  it('names the character it does not have', () => {
    expect(() => new Tokenizer(source).encode('we Ж')).toThrow(
      /every part must be in the vocabulary of 22 tokens, got "Ж"/,
    );
  });

  it('says that it was not trained to chat', () => {
    expect(() => new Tokenizer(source).applyChatTemplate([{ role: 'user', content: 'we' }])).toThrow(
      /must have a template or the token <\|eot_id\|>, got neither\. This model was not trained to chat/,
    );
  });
});

describe('Tokenizer from GGUF', () => {
  it('takes Llama-3’s pre-tokenizer when the file names none, as the published 2B4T', () => {
    expect(gguf.pre).toBeUndefined();
    const named = new Tokenizer({ ...gguf, pre: 'llama-bpe' });
    const unnamed = new Tokenizer(gguf);
    for (const { text, ids } of golden.cases) {
      expect(named.encode(text)).toEqual(ids);
      expect(unnamed.encode(text)).toEqual(ids);
    }
  });

  it('cuts as GPT-2 where the file says so', () => {
    const gpt2 = new Tokenizer({ ...gguf, pre: 'gpt-2', addBosToken: undefined });
    expect(gpt2.encode('a 1234567')).not.toContain(584);
    expect(gpt2.decode(gpt2.encode('a 1234567'))).toBe('a 1234567');
  });

  it('ignores the template in the file', () => {
    const wrong = new Tokenizer({
      ...gguf,
      chatTemplate: "{% for m in messages %}Human: {{ m['content'] }}{% endfor %}",
    });
    expect(wrong.applyChatTemplate([{ role: 'user', content: 'hi' }])).toBe('User: hi<|eot_id|>Assistant: ');
  });

  it('adds no BOS when the file says so', () => {
    expect(new Tokenizer({ ...gguf, addBosToken: false }).encode('a')).toEqual([64]);
    expect(new Tokenizer({ ...gguf, addBosToken: undefined }).encode('a')).toEqual([584, 64]);
  });

  it.each<[string, Partial<GgufTokenizer>, RegExp]>([
    [
      'another model',
      { model: 'llama' },
      /tokenizer\.ggml\.model must be gpt2 \(byte-level BPE\), got "llama"/,
    ],
    ['an unknown pre-tokenizer', { pre: 'tekken' }, /must be one of llama-bpe, .*gpt-2, got "tekken"/],
    ['a pre-tokenizer named like a method', { pre: 'toString' }, /got "toString"/],
    [
      'fewer types than tokens',
      { tokenTypes: [1, 1] },
      /token_type must have 600 entries, one a token, got 2/,
    ],
    [
      'a token twice',
      { tokens: [...gguf.tokens.slice(0, 583), 'a', ...gguf.tokens.slice(584)] },
      /must occur once, got "a" as ids 64 and 583/,
    ],
    [
      'no BOS to add',
      { bosTokenId: undefined },
      /bos_token_id must be one of 600 tokens, since add_bos_token is true, got undefined/,
    ],
    ['a BOS out of range', { bosTokenId: 600 }, /got 600/],
    [
      'a merge that is none',
      { merges: ['a b', 'ab'] },
      /merge 1 must be two tokens, "a b" like the first, got "ab"/,
    ],
    [
      'no tokens',
      { tokens: [], tokenTypes: [], addBosToken: false },
      /model\.vocab must have tokens, got none/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => new Tokenizer({ ...gguf, ...change })).toThrow(message);
  });
});

describe('Tokenizer from tokenizer.json', () => {
  /** The golden tokenizer with one value of its tokenizer.json set; undefined takes it away. */
  const change = (path: string[], value: unknown): HuggingFaceTokenizer => {
    const json = structuredClone(folder.tokenizer) as Record<string, unknown>;
    set(json, path, value);
    return { ...folder, tokenizer: json };
  };

  it('reads merges as pairs, as newer files have them', () => {
    const pairs = new Tokenizer(
      change(
        ['model', 'merges'],
        gguf.merges.map((merge) => merge.split(' ')),
      ),
    );
    for (const { text, ids } of golden.cases) expect(pairs.encode(text)).toEqual(ids);
  });

  it('reads a configured token that is an object', () => {
    const config = { bos_token: { content: '<|begin_of_text|>' }, eos_token: null };
    const read = new Tokenizer({ ...folder, config });
    expect([read.bosTokenId, read.eosTokenId]).toEqual([584, undefined]);
  });

  it('reads a token that is in the vocabulary and among the added ones', () => {
    const both = new Tokenizer(change(['model', 'vocab', '<|eot_id|>'], 593));
    expect(both.encode('a<|eot_id|>')).toEqual([584, 64, 593]);
  });

  it.each<[string, string, unknown, RegExp]>([
    [
      'no model',
      'model',
      undefined,
      /model\.vocab must be an object of tokens and ids, got undefined, with model\.type undefined/,
    ],
    ['an unknown model', 'model.type', 'Unigram', /got "Unigram" with decoder "ByteLevel"/],
    ['a list as vocabulary', 'model.vocab', ['a'], /model\.vocab must be an object/],
    ['another decoder', 'decoder', { type: 'Metaspace' }, /got "BPE" with decoder "Metaspace"/],
    ['no decoder', 'decoder', null, /with decoder undefined/],
    ['an id twice', 'model.vocab.b', 64, /an id must stand for one token, got 64 for "a" and for "b"/],
    ['an added id that is taken', 'added_tokens.0.id', 64, /got 64 for "a" and for "<\|begin_of_text\|>"/],
    [
      'a token with two ids',
      'added_tokens.1.content',
      'a',
      /a token must have one id, got 64 and 585 for "a"/,
    ],
    [
      'an id that is none',
      'model.vocab.a',
      1.5,
      /the id of "a" must be a whole number from 0 to \d+, got 1\.5/,
    ],
    ['an enormous id', 'model.vocab.a', 1e12, /got 1000000000000/],
    ['an id as text', 'model.vocab.a', '64', /got "64"/],
    [
      'an added token without content',
      'added_tokens.2.content',
      '',
      /added token 2 must have a content, got ""/,
    ],
    ['added tokens that are no list', 'added_tokens', {}, /added_tokens must be a list, got \{\}/],
    ['merges that are no list', 'model.merges', 'a b', /model\.merges must be a list, got "a b"/],
    [
      'mixed merges',
      'model.merges.5',
      ['a', 'b'],
      /merge 5 must be two tokens, "a b" like the first, got \["a","b"\]/,
    ],
    ['a suffix', 'model.end_of_word_suffix', '</w>', /model\.end_of_word_suffix must be empty, got "<\/w>"/],
    ['a merge of three', 'model.merges.0', 'a b c', /merge 0 must be two tokens/],
  ])('refuses %s', (_, path, value, message) => {
    expect(() => new Tokenizer(change(path.split('.'), value))).toThrow(message);
  });

  it('names the pre-tokenizers that there are', () => {
    const source = change(['pre_tokenizer'], { type: 'Unheard' });
    expect(() => new Tokenizer(source)).toThrow(
      /a step of pre_tokenizer must be one of Sequence, .*ByteLevel, got "Unheard"/,
    );
  });

  it('names what the library says about a pattern that it cannot build', () => {
    const source = change(['pre_tokenizer'], { type: 'Split', pattern: { Regex: '(' } });
    expect(() => new Tokenizer(source).encode('a')).toThrow(
      /must be one that the library can use\. It says: Invalid regular expression/,
    );
  });

  it('survives any change of one value: an error of its own, or a tokenizer that loses no text', () => {
    const paths = leaves(folder.tokenizer);
    const values = [null, undefined, -1, 1e9, 'x', '', [], {}, true, [[]], { type: 'ByteLevel' }];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.constantFrom(...values), (path, value) => {
        expect(outcome(change(path, value))).toMatch(/^TokenizerError|counted 20260 boats/);
      }),
      { numRuns: 150 },
    );
  });

  it('refuses a checkpoint without a tokenizer', () => {
    expect(() => new Tokenizer({ kind: 'none' })).toThrow(/the checkpoint must have a tokenizer, got none/);
  });
});

/** Paths to the parts of a tokenizer.json; of long lists and the vocabulary a few. */
function leaves(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Object.keys(value);
  const some = keys.length > 20 ? keys.filter((_, index) => index % 97 === 0) : keys;
  const below = some.flatMap((key) => leaves((value as Record<string, unknown>)[key], [...path, key]));
  return path.length === 0 ? below : [path, ...below];
}

function set(json: object, path: string[], value: unknown): void {
  let at = json as Record<string, object>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, object>;
  (at as Record<string, unknown>)[path.at(-1)!] = value;
}

/** The text that comes back, or the error. */
function outcome(source: TokenizerSource): string {
  try {
    const changed = new Tokenizer(source);
    return changed.decode(changed.encode('The keeper counted 20260 boats.\n'));
  } catch (error) {
    return String(error);
  }
}
