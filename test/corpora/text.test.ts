import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TextTokenizer } from '../../lib/corpora/corpus.js';
import { TextCorpus } from '../../lib/corpora/text.js';

const origin = { name: 'test', source: 'a test', hash: '00' };
/** 200 characters, each different: a window's place can be read from its first id. */
const distinct = String.fromCodePoint(...Array.from({ length: 200 }, (_, n) => 0x4e00 + n));
const corpus = new TextCorpus(distinct, origin);

describe('TextCorpus', () => {
  it('splits by position: nine tenths to train on, the rest to validate', () => {
    expect([corpus.trainingTokens, corpus.validationTokens]).toEqual([180, 20]);
    expect(corpus.vocabSize).toBe(200);
  });

  it('keeps the end for test, and trains on what it trained on without', () => {
    const split = new TextCorpus(distinct, origin, { testShare: 0.05 });
    expect([split.trainingTokens, split.validationTokens, split.testTokens]).toEqual([180, 10, 10]);
    expect(split.sampleBatch(3, 1, 4, 8)).toEqual(corpus.sampleBatch(3, 1, 4, 8));
    expect([...split.validationWindows(2, 4).inputs]).toEqual([180, 181, 182, 183, 185, 186, 187, 188]);
    expect([...split.testWindows(2, 4).inputs]).toEqual([190, 191, 192, 193, 195, 196, 197, 198]);
  });

  it('has no test part unless one was set apart', () => {
    expect(corpus.testTokens).toBe(0);
    expect(() => corpus.testWindows(1, 4)).toThrow(/a test part must have been set apart.*testShare/);
    for (const testShare of [-0.1, 0.1, NaN]) {
      expect(() => new TextCorpus(distinct, origin, { testShare })).toThrow(
        /testShare must be from 0 to below 0.1/,
      );
    }
  });

  it('reads a text in parts, and by a tokenizer of the caller', () => {
    const bytes: TextTokenizer = {
      vocabSize: 256,
      encode: (text) => Buffer.from(text),
      decode: (ids) => Buffer.from(Uint8Array.from(ids)).toString('utf8'),
      toJSON: () => ({ name: 'bytes' }),
    };
    const parts = { training: 'über\nalles oder\nnichts', validation: 'ä', test: 'bc' };
    const inBytes = new TextCorpus(parts, origin, { tokenizer: bytes });
    expect([inBytes.trainingTokens, inBytes.validationTokens, inBytes.testTokens]).toEqual([23, 2, 2]);
    expect(inBytes.bytesPerToken).toEqual({ validation: 1, test: 1 });
    expect(inBytes.hash).not.toBe(origin.hash);
    const inCharacters = new TextCorpus(parts, origin);
    expect(inCharacters.bytesPerToken).toEqual({ validation: 2, test: 1 });
    expect(inCharacters.hash).toBe(origin.hash);
    expect(() => new TextCorpus(parts, origin, { testShare: 0.05 })).toThrow('takes no testShare, got 0.05');
    const huge = { ...bytes, vocabSize: 70_000 };
    expect(() => new TextCorpus(parts, origin, { tokenizer: huge })).toThrow(
      'at most 65536 tokens, got 70000',
    );
  });

  it('counts characters, not UTF-16 units', () => {
    const waves = new TextCorpus('🌊🚢'.repeat(50), origin);
    expect([waves.trainingTokens, waves.validationTokens, waves.vocabSize]).toEqual([90, 10, 2]);
  });

  it('sampleBatch gives whole windows of the training part, targets one position later', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 179 }),
        (step, seed, batch, context) => {
          const { inputs, targets } = corpus.sampleBatch(step, seed, batch, context);
          expect([inputs.length, targets.length]).toEqual([batch * context, batch * context]);
          for (let row = 0; row < batch; row++) {
            const start = inputs[row * context];
            const ids = Array.from({ length: context + 1 }, (_, t) => start + t);
            expect([...inputs.subarray(row * context, (row + 1) * context)]).toEqual(ids.slice(0, -1));
            expect([...targets.subarray(row * context, (row + 1) * context)]).toEqual(ids.slice(1));
            expect(start + context).toBeLessThan(180);
          }
        },
      ),
    );
  });

  it('sampleBatch depends on seed and step alone, not on what was drawn before', () => {
    const another = new TextCorpus(distinct, origin);
    for (const step of [7, 3, 3, 1_000_000]) {
      expect(another.sampleBatch(step, 5, 4, 16)).toEqual(corpus.sampleBatch(step, 5, 4, 16));
    }
    expect(corpus.sampleBatch(8, 5, 4, 16)).not.toEqual(corpus.sampleBatch(7, 5, 4, 16));
    expect(corpus.sampleBatch(7, 6, 4, 16)).not.toEqual(corpus.sampleBatch(7, 5, 4, 16));
  });

  it('sampleBatch starts at every place of the training part', () => {
    const starts = new Set<number>();
    for (let step = 0; step < 100; step++) {
      const { inputs } = corpus.sampleBatch(step, 1, 32, 8);
      for (let row = 0; row < 32; row++) starts.add(inputs[row * 8]);
    }
    expect(starts.size).toBe(180 - 8); // all 172 places, 3,200 draws
  });

  it('validationWindows spreads windows evenly from the first to the last place of the validation part', () => {
    const { inputs, targets } = corpus.validationWindows(4, 10);
    expect([0, 1, 2, 3].map((row) => inputs[row * 10])).toEqual([180, 183, 186, 189]);
    expect([...targets.subarray(30)]).toEqual([190, 191, 192, 193, 194, 195, 196, 197, 198, 199]);
    expect(corpus.validationWindows(1, 19).targets.at(-1)).toBe(199);
  });

  it('validationWindows gives no window twice, and says how many there are', () => {
    expect(new Set(corpus.validationWindows(10, 10).inputs.filter((_, n) => n % 10 === 0)).size).toBe(10);
    expect(() => corpus.validationWindows(11, 10)).toThrow(
      /has 10 different windows of 10 tokens, got a request for 11/,
    );
  });

  it('says how long a text must be for the context', () => {
    expect(() => corpus.sampleBatch(0, 0, 1, 180)).toThrow(
      /the training part has 180 characters, a context of 180 needs 181/,
    );
    expect(() => corpus.validationWindows(1, 20)).toThrow(
      /the validation part has 20 characters, a context of 20 needs 21/,
    );
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 24 + 1])('rejects %s as a size', (size) => {
    expect(() => corpus.sampleBatch(0, 0, size, 8)).toThrow(/batch must be a whole number/);
    expect(() => corpus.sampleBatch(0, 0, 8, size)).toThrow(/context must be a whole number/);
    expect(() => corpus.validationWindows(size, 8)).toThrow(/count must be a whole number/);
  });

  it.each(['', 'a', 'nineteen characters'])('rejects the text %j', (text) => {
    expect(() => new TextCorpus(text, origin)).toThrow(
      /test: a text to train on must have at least 20 characters/,
    );
  });
});
