import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { KERNEL_NAMES } from '../../lib/kernel/kernel.js';
import { GOLDEN_CONTAINERS, type GoldenContainer } from '../golden/containers.js';
import { compileKernel } from '../kernel/compiled.js';
import { differences, goldenModel, MANIFEST, reference, STRICT } from './golden-model.js';

/** Float32 noise on the strict prompts is about 3e-6; a wrong formula shows in the first digits. */
const LOGITS = 1e-4;

beforeAll(compileKernel);

async function greedyIds(
  name: GoldenContainer,
  options: Parameters<typeof goldenModel>[1],
): Promise<number[][]> {
  const model = await goldenModel(name, options);
  const continuations: number[][] = [];
  for (const { prompt_ids: prompt } of STRICT.greedy) {
    const ids: number[] = [];
    for await (const { id } of model.generate(prompt, { maxTokens: 32, temperature: 0, stop: [] }))
      ids.push(id);
    continuations.push(ids);
  }
  return continuations;
}

const PACKED: GoldenContainer[] = ['packed', 'i2_s', 'tq2_0', 'tq1_0'];

describe.each(PACKED)('logits of %s', (container) => {
  it('are those of transformers on every prompt', async () => {
    const [strict, packed] = await Promise.all([reference('strict_packed_fp32'), reference('packed_fp32')]);
    const model = await goldenModel(container, { threads: 2 });
    for (const [i, { ids }] of STRICT.strict_prompts.entries()) {
      const { largest } = differences(await model.logits(ids), strict(`s${i}.logits`));
      expect(largest, `strict prompt ${i}`).toBeLessThanOrEqual(LOGITS);
    }
    for (const [i, { ids }] of MANIFEST.prompts.entries()) {
      const { largest } = differences(await model.logits(ids), packed(`p${i}.logits`));
      expect(largest, `prompt ${i}`).toBeLessThanOrEqual(LOGITS);
    }
  });

  it('lead to the greedy continuations of transformers', async () => {
    expect(await greedyIds(container, { threads: 2 })).toEqual(STRICT.greedy.map((g) => g.continuation_ids));
  });

  it('give the perplexity of transformers', async () => {
    const model = await goldenModel(container);
    const { perplexity } = MANIFEST.runs.packed_fp32.ppl;
    expect(Math.abs((await model.perplexity(MANIFEST.ppl_text.ids)) / perplexity - 1)).toBeLessThan(0.005);
  });
});

describe('logits of master-bf16', () => {
  it('are those of transformers with online quantization', async () => {
    const online = await reference('online_fp32');
    const model = await goldenModel('master-bf16', { threads: 2 });
    for (const [i, { ids }] of MANIFEST.prompts.entries()) {
      const { largest, mean } = differences(await model.logits(ids), online(`p${i}.logits`));
      // One activation of prompt 3 lies on a rounding boundary.
      expect(largest, `prompt ${i}`).toBeLessThanOrEqual(i === 3 ? 0.5 : LOGITS);
      expect(mean, `prompt ${i}`).toBeLessThanOrEqual(0.02);
    }
  });
});

describe('kernels and threads', () => {
  it.each(KERNEL_NAMES)('change no bit of the logits (%s)', async (kernel) => {
    const { ids } = STRICT.strict_prompts[0];
    const strict = await reference('strict_packed_fp32');
    const expected = await (await goldenModel('packed', { kernel: 'relaxed' })).logits(ids);
    expect(differences(expected, strict('s0.logits')).largest).toBeLessThanOrEqual(LOGITS);
    for (const threads of [1, 2, 3]) {
      const model = await goldenModel('packed', { kernel, threads });
      expect(model.kernel).toBe(kernel);
      expect(model.threads).toBe(threads);
      expect(await model.logits(ids), `${threads} threads`).toEqual(expected);
    }
  });

  it.each(['relaxed', 'simd'] as const)('change nothing on a longer text (%s)', async (kernel) => {
    const ids = MANIFEST.ppl_text.ids;
    const expected = await (await goldenModel('packed', { kernel: 'relaxed' })).logits(ids);
    for (const threads of [1, 3]) {
      const model = await goldenModel('packed', { kernel, threads });
      expect(await model.logits(ids), `${threads} threads`).toEqual(expected);
    }
  });

  it('give the greedy continuations of transformers in every kernel', async () => {
    for (const kernel of KERNEL_NAMES) {
      expect(await greedyIds('packed', { kernel }), kernel).toEqual(
        STRICT.greedy.map((g) => g.continuation_ids),
      );
    }
  });

  it.each(GOLDEN_CONTAINERS)('read %s alike', async (container) => {
    const { ids } = STRICT.strict_prompts[1];
    const [first, ...others] = await Promise.all(
      KERNEL_NAMES.map(async (kernel) => (await goldenModel(container, { kernel })).logits(ids)),
    );
    for (const other of others) expect(other).toEqual(first);
  });
});

describe('log-probabilities', () => {
  it('of generated tokens are those of the logits', async () => {
    const model = await goldenModel('packed');
    const { vocab_size: vocab } = model.config;
    const [{ prompt_ids: prompt }] = STRICT.greedy;
    const ids = [...prompt];
    for await (const { id, logProbability } of model.generate(prompt, { maxTokens: 8, stop: [] })) {
      const row = (await model.logits(ids)).subarray(-vocab);
      const largest = Math.max(...row);
      const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
      expect(logProbability).toBeCloseTo(row[id] - largest - Math.log(sum), 5);
      ids.push(id);
    }
  });

  it('of a text are those of transformers', async () => {
    const model = await goldenModel('packed');
    const { ids } = MANIFEST.prompts[0];
    const { logprobs } = MANIFEST.runs.packed_fp32;
    const mean = logprobs[0].reduce((sum, value) => sum + value, 0) / logprobs[0].length;
    expect(Math.log(await model.perplexity(ids))).toBeCloseTo(-mean, 4);
  });
});

describe('ternaryWeights', () => {
  it.each(GOLDEN_CONTAINERS)(
    'gives the reference its matrices from %s, in every kernel',
    async (container) => {
      for (const kernel of KERNEL_NAMES) {
        const model = await goldenModel(container, { kernel });
        const shares = new Map(model.ternaryShares().map((entry) => [entry.name, entry]));
        for (const [name, expected] of Object.entries(MANIFEST.weights)) {
          const { values, scale } = model.ternaryWeights(name);
          const hash = createHash('sha256').update(values).digest('hex');
          expect(hash, `${name}, ${kernel}`).toBe(expected.ternary_int8_rowmajor_sha256);
          // Online, the scale is not rounded to bf16.
          expect(Math.abs(scale / expected.weight_scale - 1)).toBeLessThan(
            container === 'master-bf16' ? 2 ** -8 : 1e-7,
          );
          const { minus, zero, plus, weights } = shares.get(name)!;
          expect([minus, zero, plus].map((share) => Math.round(share * weights))).toEqual(
            ['-1', '0', '1'].map((trit) => expected.counts[trit]),
          );
        }
        expect(shares.size).toBe(Object.keys(MANIFEST.weights).length);
      }
    },
  );
});
