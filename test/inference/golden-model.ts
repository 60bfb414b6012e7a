/** The golden model, loaded, and what the reference computed from it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readSafetensors } from '../../lib/checkpoint/safetensors/safetensors.js';
import { loadModel, type LoadOptions } from '../../lib/inference/load-model.js';
import type { Model } from '../../lib/inference/model.js';
import { GOLDEN_TINY, goldenContainer, type GoldenContainer } from '../golden/containers.js';

/** Loads a golden container, and closes the model when the test ends. */
export async function goldenModel(name: GoldenContainer, options: LoadOptions = {}): Promise<Model> {
  const model = await loadModel(goldenContainer(name), { threads: 1, ...options });
  onTestFinished(() => model.close());
  return model;
}

/** Tensors of a reference file, as numbers. */
export async function reference(file: string): Promise<(name: string) => ArrayLike<number>> {
  const tensors = await readSafetensors(join(GOLDEN_TINY, 'ref', `${file}.safetensors`));
  return (name) => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${file} has no ${name}.`);
    return found.data as ArrayLike<number>;
  };
}

function json(file: string): unknown {
  return JSON.parse(readFileSync(join(GOLDEN_TINY, 'ref', file), 'utf8'));
}

/** Prompts of the references, per-token log-probabilities and perplexity. */
export const MANIFEST = json('manifest.json') as {
  prompts: { text: string; ids: number[] }[];
  ppl_text: { text: string; ids: number[] };
  runs: { packed_fp32: { logprobs: number[][]; ppl: { perplexity: number; logprobs: number[] } } };
  weights: Record<
    string,
    { ternary_int8_rowmajor_sha256: string; weight_scale: number; counts: Record<string, number> }
  >;
};

/** Prompts and continuations that no float detail can change. */
export const STRICT = json('strict.json') as {
  strict_prompts: { ids: number[] }[];
  greedy: { prompt_ids: number[]; continuation_ids: number[] }[];
};

/** Largest and mean absolute difference; NaN counts as infinite. */
export function differences(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { largest: number; mean: number } {
  if (actual.length !== expected.length) return { largest: Infinity, mean: Infinity };
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= largest)) largest = Number.isNaN(error) ? Infinity : error;
    sum += error;
  }
  return { largest, mean: sum / expected.length };
}
