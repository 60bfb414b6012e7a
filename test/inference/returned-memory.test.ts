import { describe, expect, it } from 'vitest';
import { measureShape } from '../../lib/inference/measure/shape-speed.js';
import { loadModel } from '../../lib/inference/load-model.js';
import type { Model } from '../../lib/inference/model.js';
import { checkShape } from '../../lib/papers/shapes.js';
import { oddConfig, smallCheckpoint } from './small-checkpoint.js';

/** A model of 80 MB, most of it embedding: ten of them are hard to overlook. */
const LARGE = {
  vocab_size: 48_000,
  hidden_size: 512,
  num_attention_heads: 8,
  head_dim: 64,
  tie_word_embeddings: true,
};

/** Size of this process in memory after each of some calls. */
async function sizesAfter(rounds: number, call: () => Promise<unknown>): Promise<number[]> {
  const sizes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await call();
    sizes.push(process.memoryUsage.rss());
  }
  return sizes;
}

/** How much the process grew from the second call on: the first may load code and warm up. */
function growth(sizes: readonly number[]): number {
  return Math.max(...sizes.slice(2)) - sizes[1];
}

describe('memory is the system’s again', () => {
  it('when a model is closed, whatever of it is still held', async () => {
    const folder = await smallCheckpoint(oddConfig(LARGE), { dtype: 'BF16' });
    const held: unknown[] = [];
    const sizes = await sizesAfter(10, async () => {
      const model = await loadModel(folder, { threads: 2 });
      expect(model.memory().total).toBeGreaterThan(75e6);
      const generation = model.generate([1, 2], { maxTokens: 3, stop: [] });
      held.push(model, generation, await generation.next(), await model.logits([3]));
      await model.close();
    });
    expect(held).toHaveLength(40);
    expect(growth(sizes)).toBeLessThan(75e6);
  });

  it('when a model is closed while it computes', async () => {
    const folder = await smallCheckpoint(oddConfig(LARGE), { dtype: 'BF16' });
    const held: Model[] = [];
    const sizes = await sizesAfter(5, async () => {
      const model = await loadModel(folder, { threads: 2 });
      held.push(model);
      const running = model.perplexity(Array.from({ length: 96 }, () => 5));
      await Promise.all([expect(running).rejects.toThrow(/closed/), model.close()]);
    });
    expect(growth(sizes)).toBeLessThan(75e6);
  });

  it('when loading breaks off', async () => {
    const folder = await smallCheckpoint(oddConfig(LARGE), { dtype: 'BF16' });
    const sizes = await sizesAfter(5, async () => {
      const abort = new AbortController();
      const onProgress = ({ bytes, totalBytes = 0 }: { bytes: number; totalBytes?: number }): void => {
        if (bytes > totalBytes / 2) abort.abort();
      };
      await expect(loadModel(folder, { threads: 2, signal: abort.signal, onProgress })).rejects.toThrow(
        /abort/,
      );
    });
    expect(growth(sizes)).toBeLessThan(75e6);
  });

  it('when a shape has been measured', async () => {
    const shape = checkShape({
      name: 'wide',
      hidden: 512,
      layers: 1,
      heads: 8,
      keyValueHeads: 8,
      headDim: 64,
      intermediate: 1024,
      gated: true,
      vocabulary: 32_000,
      tied: true,
    });
    const sizes = await sizesAfter(5, async () => measureShape(shape, ['fp16', 'fp32'], { rounds: 1 }));
    expect(growth(sizes)).toBeLessThan(75e6);
  });
});
