/** Evaluations as one call a batch give what eager ones give, to the last bit, whole batches and partial ones. */
import { afterAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import type { TokenWindows } from '../../../lib/corpora/corpus.js';
import { BitLM } from '../../../lib/model/bitlm.js';
import { evaluate, evaluateByKind, meanLosses } from '../../../lib/training/evaluate.js';
import { config } from '../small-run.js';

const HAS_TENSORFLOW = await startTensorFlow({ prefer: 'tensorflow' }).then(
  () => true,
  () => false,
);
const TOKENS = 4;
const BATCH = 64 * TOKENS;

/** Windows of ids that look random; 13 whole batches and five windows more. */
function windows(count: number): TokenWindows {
  const inputs = Int32Array.from(
    { length: count * TOKENS },
    (_, i) => (i * i * 7 + i * 3) % config.vocab_size,
  );
  return { inputs, targets: inputs.map((id) => (id * 5 + 1) % config.vocab_size) };
}

/** A part of windows. */
function cut({ inputs, targets }: TokenWindows, start: number, end: number): TokenWindows {
  return { inputs: inputs.subarray(start, end), targets: targets.subarray(start, end) };
}

describe.runIf(HAS_TENSORFLOW)('evaluation', () => {
  const model = new BitLM(config, { seed: 1 });
  afterAll(() => model.dispose());

  it('of many batches is that of each batch alone', () => {
    const all = windows(13 * 64 + 5);
    let sum = 0;
    for (let start = 0; start < all.inputs.length; start += BATCH) {
      const part = cut(all, start, start + BATCH);
      sum += evaluate(model, part, TOKENS) * part.inputs.length;
    }
    expect(evaluate(model, all, TOKENS)).toBe(sum / all.inputs.length);
  });

  it('by kinds of positions: the same', () => {
    const all = windows(13 * 64 + 5);
    const kind = (position: number): number => position % 2;
    const sums = [0, 0];
    for (let start = 0; start < all.inputs.length; start += BATCH) {
      const part = cut(all, start, start + BATCH);
      const { kinds } = evaluateByKind(model, part, TOKENS, 2, kind);
      kinds.forEach((mean, at) => (sums[at] += (mean * part.inputs.length) / 2));
    }
    const { kinds } = evaluateByKind(model, all, TOKENS, 2, kind);
    kinds.forEach((mean, at) => expect(mean).toBeCloseTo(sums[at] / (all.inputs.length / 2), 12));
  });

  it('again and again, with weights that change: whole batches and a partial one', () => {
    const all = windows(2 * 64 + 5);
    const [eager, compiled] = [meanLosses(model, 0), meanLosses(model, 20)];
    for (let i = 0; i < 20; i++) {
      model.setWeights(
        new Map(model.tensors().map(({ name, data }) => [name, data.map((weight) => weight * 1.01)])),
      );
      expect(compiled.mean(all, TOKENS)).toBe(eager.mean(all, TOKENS));
    }
    compiled.close();
  });

  it('shows every batch to a rule that looks at what enters a product', () => {
    let seen = 0;
    model.inputRule = (site, x) => {
      if (site === 'lm_head.input') seen += x.shape[0];
      return x.clone();
    };
    evaluate(model, windows(13 * 64), TOKENS);
    model.inputRule = undefined;
    expect(seen).toBe(13 * BATCH);
  });
});
