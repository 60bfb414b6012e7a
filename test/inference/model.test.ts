import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { saveModelFolder } from '../../lib/checkpoint/model-folder.js';
import { FULL_PRECISION } from '../../lib/ablation-options.js';
import type { GenerateOptions } from '../../lib/inference/generation.js';
import { loadModel } from '../../lib/inference/load-model.js';
import type { Model } from '../../lib/inference/model.js';
import type { SpeedOptions } from '../../lib/inference/speed.js';
import { compileKernel } from '../kernel/compiled.js';
import { temporaryFolder } from '../temporary-folder.js';
import { goldenModel, MANIFEST, STRICT } from './golden-model.js';
import { oddConfig, randomTensors, smallCheckpoint } from './small-checkpoint.js';

beforeAll(compileKernel);

const [{ prompt_ids: PROMPT, continuation_ids: CONTINUATION }] = STRICT.greedy;

async function idsOf(
  model: Model,
  prompt: Parameters<Model['generate']>[0],
  options: GenerateOptions,
): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of model.generate(prompt, options)) ids.push(id);
  return ids;
}

describe('logits', () => {
  it('do not depend on how a prompt is split into prefill and decoding', async () => {
    const model = await goldenModel('packed', { threads: 2 });
    const { vocab_size: vocab } = model.config;
    const text = MANIFEST.ppl_text.ids;
    const all = await model.logits(text);
    // Each probability comes from decoding on top of a prefill of another length.
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: text.length - 1 }), async (length) => {
        const row = all.subarray((length - 1) * vocab, length * vocab);
        const best = row.indexOf(row.reduce((most, logit) => Math.max(most, logit), -Infinity));
        const generation = model.generate(text.slice(0, length), { maxTokens: 1, stop: [] });
        for await (const { id, logProbability } of generation) {
          expect(id).toBe(best);
          const total = row.reduce((sum, logit) => sum + Math.exp(logit - row[best]), 0);
          expect(logProbability).toBeCloseTo(-Math.log(total), 5);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('are the same for a text and its beginning, whatever was computed before', async () => {
    const model = await goldenModel('packed');
    const { vocab_size: vocab } = model.config;
    const text = MANIFEST.ppl_text.ids.slice(0, 70);
    const whole = await model.logits(text);
    for (const length of [1, 2, 31, 32, 33, 64, 65]) {
      expect(await model.logits(text.slice(0, length)), `${length} tokens`).toEqual(
        whole.subarray(0, length * vocab),
      );
    }
  });

  it.each([
    [[600], 'logits: ids must be whole numbers from 0 to 599, got 600 at position 0.'],
    [[0, -1], 'logits: ids must be whole numbers from 0 to 599, got -1 at position 1.'],
    [[0, 1.5], 'logits: ids must be whole numbers from 0 to 599, got 1.5 at position 1.'],
    [[Number.NaN], 'logits: ids must be whole numbers from 0 to 599, got NaN at position 0.'],
    [[], 'logits: there must be at least one token, got none.'],
    [undefined as unknown as number[], 'logits: ids must be a list of token ids, got undefined.'],
    [
      Array.from({ length: 257 }, () => 1),
      'logits: there must be at most 256 tokens, as contextLength 256 allows, got 257.',
    ],
  ])('refuse ids %o', async (ids, message) => {
    const model = await goldenModel('packed');
    await expect(model.logits(ids)).rejects.toThrow(message);
  });
});

describe('generate', () => {
  it('says why it ended: a stop token, enough tokens, or a full context', async () => {
    const model = await goldenModel('packed', { contextLength: 20 });
    const end = async (options: GenerateOptions): Promise<[string | undefined, number]> => {
      const generation = model.generate(PROMPT, options);
      let count = 0;
      for await (const _ of generation) count += 1;
      return [generation.finishReason, count];
    };
    expect(await end({ maxTokens: 3, stop: [] })).toEqual(['max-tokens', 3]);
    expect(await end({ maxTokens: 0 })).toEqual(['max-tokens', 0]);
    expect(await end({ stop: [CONTINUATION[2]] })).toEqual(['stop', CONTINUATION.indexOf(CONTINUATION[2])]);
    expect(await end({ stop: [] })).toEqual(['context-full', 20 - PROMPT.length]);
  });

  it("stops at the checkpoint's own ids unless told otherwise", async () => {
    const model = await goldenModel('packed');
    expect(model.generationConfig.eosTokenIds).toEqual([585, 593]);
    const found = await idsOf(model, PROMPT, { maxTokens: 60, temperature: 5, seed: 4 });
    const free = await idsOf(model, PROMPT, { maxTokens: 60, temperature: 5, seed: 4, stop: [] });
    const end = free.findIndex((id) => id === 585 || id === 593);
    expect(found).toEqual(end === -1 ? free : free.slice(0, end));
  });

  it('samples the same tokens from the same seed, whatever the threads', async () => {
    const options = { maxTokens: 24, temperature: 1, topK: 40, topP: 0.95, stop: [] };
    const [one, three] = [await goldenModel('packed'), await goldenModel('packed', { threads: 3 })];
    const expected = await idsOf(one, PROMPT, { ...options, seed: 7 });
    expect(await idsOf(three, PROMPT, { ...options, seed: 7 })).toEqual(expected);
    expect(await idsOf(one, PROMPT, { ...options, seed: 8 })).not.toEqual(expected);
  });

  it('takes text and conversations, with what the tokenizer adds', async () => {
    const model = await goldenModel('packed');
    const { text, ids } = MANIFEST.prompts[0];
    expect(model.generate(text).promptIds).toEqual(ids);
    const messages = [{ role: 'user', content: 'How many boats?' }];
    const chat = model.tokenizer.encode(model.tokenizer.applyChatTemplate(messages));
    expect(model.generate(messages).promptIds).toEqual(chat);
    expect(chat[0]).toBe(model.config.bos_token_id);
  });

  it('gives text that is the decoding of its ids', async () => {
    const model = await goldenModel('packed');
    for (const seed of [1, 2, 3]) {
      let text = '';
      const ids: number[] = [];
      const options = { maxTokens: 40, temperature: 1.5, seed, stop: [] };
      for await (const token of model.generate('Boats', options)) {
        text += token.text;
        ids.push(token.id);
      }
      expect(text).toBe(model.tokenizer.decode(ids));
    }
  });

  it('works on ids alone where the checkpoint has no tokenizer', async () => {
    const model = await loadModel(await smallCheckpoint(oddConfig()), { threads: 1 });
    onTestFinished(() => model.close());
    const tokens = [];
    for await (const token of model.generate([1, 2, 3], { maxTokens: 5 })) tokens.push(token);
    expect(tokens.map(({ text }) => text).join('')).toBe('');
    expect(tokens).toHaveLength(5);
    expect(() => model.generate('text')).toThrow('load tokenizer: the checkpoint must have a tokenizer');
  });

  it('lets generations and other calls take turns without changing any of them', async () => {
    const model = await goldenModel('packed');
    const expected = STRICT.greedy.map((greedy) => greedy.continuation_ids);
    const generations = STRICT.greedy.map(({ prompt_ids: prompt }) =>
      model.generate(prompt, { maxTokens: 32, stop: [] })[Symbol.asyncIterator](),
    );
    const found: number[][] = generations.map(() => []);
    for (let i = 0; i < 32; i++) {
      const tokens = await Promise.all(generations.map((generation) => generation.next()));
      for (const [g, token] of tokens.entries()) found[g].push((token.value as { id: number }).id);
      if (i === 16)
        await Promise.all([model.logits([1, 2, 3]), model.perplexity(PROMPT), model.trace([4, 5])]);
    }
    expect(found).toEqual(expected);
  });

  it('ends with the reason of the signal: before, between tokens, and during a long prompt', async () => {
    const model = await goldenModel('packed');
    const reason = new Error('enough');
    await expect(idsOf(model, PROMPT, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    let count = 0;
    const run = async (): Promise<void> => {
      for await (const _ of model.generate(PROMPT, { signal: controller.signal, stop: [] })) {
        if (++count === 3) controller.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(count).toBe(3);
    // The model goes on as if nothing had been.
    expect(await idsOf(model, PROMPT, { maxTokens: 32, stop: [] })).toEqual(CONTINUATION);
    const slow = await goldenModel('packed', { kernel: 'reference' });
    const signal = AbortSignal.timeout(50);
    await expect(slow.logits(MANIFEST.ppl_text.ids, { signal })).rejects.toThrow('aborted due to timeout');
    expect(signal.aborted).toBe(true);
  });

  it('can be left early, and started again', async () => {
    const model = await goldenModel('packed');
    for await (const { id } of model.generate(PROMPT, { stop: [] })) {
      expect(id).toBe(CONTINUATION[0]);
      break;
    }
    expect(await idsOf(model, PROMPT, { maxTokens: 32, stop: [] })).toEqual(CONTINUATION);
  });

  it.each([
    [{ maxTokens: -1 }, 'generate: maxTokens must be a whole number of at least 0, got -1.'],
    [{ maxTokens: 1.5 }, 'generate: maxTokens must be a whole number of at least 0, got 1.5.'],
    [{ stop: [600] }, 'generate: ids must be whole numbers from 0 to 599, got 600 at a stop token.'],
    [{ stop: 5 as never }, 'generate: stop must be a list of token ids, got 5.'],
    [{ stop: new Set([1]) as never }, 'generate: stop must be a list of token ids, got {}.'],
    [{ topK: 0 }, 'generate: topK must be a whole number of at least 1, got 0.'],
    [{ topP: 0 }, 'generate: topP must be above 0 and at most 1, got 0.'],
    [{ temperature: NaN }, 'generate: temperature must be a number of at least 0, got NaN.'],
    [{ maxTokens: NaN }, 'generate: maxTokens must be a whole number of at least 0, got NaN.'],
    [{ topP: 2 }, 'generate: topP must be above 0 and at most 1, got 2.'],
  ])('refuses options %o at once', async (options, message) => {
    const model = await goldenModel('packed');
    expect(() => model.generate(PROMPT, options)).toThrow(message);
  });

  it('says so where the logits are no numbers, instead of one token for ever', async () => {
    const config = oddConfig({ quantization_config: undefined, bitlm: FULL_PRECISION });
    const tensors = randomTensors(config).map((tensor) => ({
      ...tensor,
      data: tensor.name.includes('_proj') ? tensor.data.map((weight) => weight * 1e18) : tensor.data,
    }));
    const folder = join(await temporaryFolder(), 'model');
    await saveModelFolder(folder, { config, tensors });
    const model = await loadModel(folder, { threads: 1 });
    for (const temperature of [0, 1]) {
      await expect(model.generate([1, 2], { temperature, maxTokens: 2 }).next()).rejects.toThrow(
        'generate: logits must be finite, got NaN',
      );
    }
    await expect(model.logits([1, 2])).rejects.toThrow(
      'logits: logits must be finite, got NaN at token 0, id 0.',
    );
    await expect(model.perplexity([1, 2])).rejects.toThrow(
      'perplexity: logits must be finite, got NaN at token 1.',
    );
    await model.close();
  });

  it('refuses an empty prompt, ids out of range and a prompt that fills the context', async () => {
    const model = await goldenModel('packed', { contextLength: 8 });
    expect(() => model.generate([])).toThrow('generate: there must be at least one token, got none.');
    expect(() => model.generate([600])).toThrow('generate: ids must be whole numbers from 0 to 599, got 600');
    expect(() => model.generate([1, 2, 3, 4, 5, 6, 7, 8])).toThrow(
      'generate: there must be at most 7 tokens, as contextLength 8 allows, got 8.',
    );
  });
});

describe('perplexity', () => {
  it('takes text, and cuts what is longer than the context into pieces', async () => {
    const { text, ids } = MANIFEST.ppl_text;
    const model = await goldenModel('packed');
    expect(await model.perplexity(text)).toBe(await model.perplexity(ids));
    const short = await goldenModel('packed', { contextLength: 100 });
    const pieces = [ids.slice(0, 100), ids.slice(100)];
    const sums = await Promise.all(
      pieces.map(async (piece) => Math.log(await short.perplexity(piece)) * (piece.length - 1)),
    );
    const expected = (sums[0] + sums[1]) / (ids.length - 2);
    expect(Math.log(await short.perplexity(ids))).toBeCloseTo(expected, 10);
  });

  it('needs a token to predict', async () => {
    const model = await goldenModel('packed');
    await expect(model.perplexity([5])).rejects.toThrow('perplexity: the text must have at least 2 tokens');
    const narrow = await goldenModel('packed', { contextLength: 1 });
    await expect(narrow.perplexity([5, 6])).rejects.toThrow('contextLength must be at least 2');
  });
});

describe('memory', () => {
  it('says how many bytes each part takes', async () => {
    const model = await goldenModel('packed', { contextLength: 100 });
    const bytes = model.memory();
    // 3 layers of 3 · 256 · 256 - 256 · 128 … weights at two bits, and 19 rows of gains.
    const weights = 3 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 512);
    expect(bytes.weights).toBeGreaterThanOrEqual(weights / 4);
    expect(bytes.weights).toBeLessThan(weights / 4 + 32_000);
    expect(bytes.embedding).toBe(600 * 256 * 2 + 64);
    expect(bytes.kvCache).toBe(3 * 2 * 2 * 100 * 64 * 4);
    const { total, ...parts } = bytes;
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(total);
  });
});

describe('measureSpeed', () => {
  it('gives every part a time and a share of the memory speed', async () => {
    const model = await goldenModel('packed', { threads: 2 });
    const speed = await model.measureSpeed({ repeats: 3 });
    for (const part of [speed.layers, speed.head]) {
      expect(part.ms).toBeGreaterThan(0);
      expect(part.bytesPerSecond / speed.memoryBytesPerSecond).toBeCloseTo(part.shareOfMemorySpeed, 6);
    }
    expect(speed.shortlist).toBeUndefined();
    expect(await idsOf(model, PROMPT, { maxTokens: 32, stop: [] })).toEqual(CONTINUATION);
  });

  it('stays within a context of one token', async () => {
    const model = await goldenModel('packed', { threads: 1, contextLength: 1 });
    const before = await model.logits([PROMPT[0]]);
    const speed = await model.measureSpeed({ repeats: 1 });
    expect(speed.layers.ms).toBeGreaterThan(0);
    expect(await model.logits([PROMPT[0]])).toEqual(before);
  });

  it('refuses counts that are none', async () => {
    const model = await goldenModel('packed', { threads: 1 });
    const refusal = (options: SpeedOptions): Promise<unknown> =>
      model.measureSpeed(options).catch((error: Error) => error.message);
    expect(await refusal({ repeats: 0 })).toBe('measureSpeed: repeats must be a whole number from 1, got 0.');
    expect(await refusal({ contextTokens: 1.5 })).toMatch(
      'contextTokens must be a whole number from 0, got 1.5',
    );
  });
});

describe('close', () => {
  it('ends the model: every call afterwards says so, and closing again does nothing', async () => {
    const model = await goldenModel('packed', { threads: 2 });
    const generation = model.generate(PROMPT, { stop: [] });
    await generation.next();
    await model.close();
    await model.close();
    const closed = 'model: it has been closed. Load it again with loadModel.';
    await expect(generation.next()).rejects.toThrow(closed);
    await expect(model.logits([1])).rejects.toThrow(closed);
    await expect(model.perplexity([1, 2])).rejects.toThrow(closed);
    expect(() => model.generate([1])).toThrow(closed);
    expect(() => model.ternaryShares()).toThrow(closed);
  });

  it('during a call lets that call fail instead of hang', async () => {
    const model = await goldenModel('packed', { kernel: 'reference', threads: 2 });
    const closeSoon = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await model.close();
    };
    await Promise.all([expect(model.logits(MANIFEST.ppl_text.ids)).rejects.toThrow(/closed/), closeSoon()]);
  });
});

describe('shortlist', () => {
  it('chooses the tokens that all logits would, and gives their exact probabilities', async () => {
    const config = oddConfig({ vocab_size: 16_500, hidden_size: 48, tie_word_embeddings: true });
    const folder = await smallCheckpoint(config, { dtype: 'BF16' });
    const [quick, plain] = await Promise.all(
      [true, false].map(async (shortlist) => {
        const model = await loadModel(folder, { threads: 2, shortlist });
        onTestFinished(() => model.close());
        return model;
      }),
    );
    expect(quick.memory().shortlist).toBeGreaterThan(0);
    expect(plain.memory().shortlist).toBe(0);
    for (const options of [
      {},
      { temperature: 0.8, topK: 5 },
      { temperature: 1, topK: 200, topP: 0.7, seed: 5 },
    ]) {
      const all = { maxTokens: 30, stop: [], ...options };
      expect(await idsOf(quick, [1, 2], all)).toEqual(await idsOf(plain, [1, 2], all));
    }
    const tokens = async (model: Model): Promise<[number, number][]> => {
      const found: [number, number][] = [];
      for await (const token of model.generate([3, 4], { maxTokens: 4, stop: [] })) {
        found.push([token.id, token.logProbability]);
      }
      return found;
    };
    expect(await tokens(quick)).toEqual(await tokens(plain));
    // Also when it is read later, in any order.
    const late = [];
    for await (const token of quick.generate([3, 4], { maxTokens: 4, stop: [] })) late.push(token);
    const expected = await tokens(plain);
    for (const i of [2, 0, 3, 1]) expect(late[i].logProbability).toBe(expected[i][1]);
    await quick.close();
    // Once read it stays, without the model.
    expect(late[0].logProbability).toBe(expected[0][1]);
  });
});
