/** A batch taken in parts gives the gradient of the whole, to rounding, and the same bits as one call on threads. */
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { ACTIVATION_QUANTIZERS, BITNET_B158, type AblationOptions } from '../../lib/ablation-options.js';
import type { ModelConfig } from '../../lib/config.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { isSplittable, partsOf, splitBatch } from '../../lib/training/split-batch.js';
import { lossAndGradients, type LossAndGradients } from '../../lib/training/step.js';
import { TrainingSteps } from '../../lib/training/steps.js';
import { config, corpus } from './small-run.js';

const THREADS = 3;
const HAS_TENSORFLOW = await startTensorFlow({ prefer: 'tensorflow', threads: THREADS }).then(
  () => true,
  () => false,
);

/** Five sequences, so that three threads get unequal shares. */
const SEQUENCES = 5;
const batch = corpus.sampleBatch(0, 1, SEQUENCES, 16);

function withOptions(changed: Partial<AblationOptions>): ModelConfig {
  const { quantization_config: _, ...plain } = config;
  return { ...plain, bitlm: { ...BITNET_B158, ...changed } };
}

/** Values of gradients by name; the tensors are freed. */
function read({ gradients }: LossAndGradients): Map<string, Float32Array> {
  const values = new Map(Array.from(gradients, ([name, g]) => [name, g.dataSync<'float32'>().slice()]));
  tf.dispose([...gradients.values()]);
  return values;
}

/** Largest difference of a value, to the largest value of its tensor. */
function difference(a: Map<string, Float32Array>, b: Map<string, Float32Array>): number {
  let largest = 0;
  for (const [name, values] of a) {
    const others = b.get(name)!;
    const scale = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
    values.forEach((value, at) => {
      largest = Math.max(largest, Math.abs(value - others[at]) / scale);
    });
  }
  return largest;
}

describe('splitBatch', () => {
  it('cuts a batch into whole sequences, nearly equal, none left out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 20 }), (parts, more) => {
        const sequences = parts + more;
        const inputs = Int32Array.from({ length: sequences * 3 }, (_, i) => i);
        const targets = inputs.map((id) => id + 1);
        const all = splitBatch({ inputs, targets }, sequences, parts);
        expect(all.flatMap(({ batch: { inputs } }) => [...inputs])).toEqual([...inputs]);
        expect(all.flatMap(({ batch: { targets } }) => [...targets])).toEqual([...targets]);
        const counts = all.map((part) => part.sequences);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(counts.reduce((sum, count) => sum + count)).toBe(sequences);
        for (const { sequences: count, share } of all) expect(share).toBeCloseTo(count / sequences, 12);
      }),
    );
  });
});

describe.runIf(HAS_TENSORFLOW)('a batch on three threads', () => {
  it.each(ACTIVATION_QUANTIZERS)('%s: is split if its gradient is the sum of its parts', (quantizer) => {
    const model = new BitLM(withOptions({ activation_quantizer: quantizer }), { seed: 1 });
    const whole = lossAndGradients(model, batch, SEQUENCES);
    const parts = lossAndGradients(model, batch, SEQUENCES, THREADS);
    const loss = Math.abs(parts.loss - whole.loss);
    const apart = Math.max(loss, difference(read(whole), read(parts)));
    expect(apart < 1e-5).toBe(isSplittable(model.options));
    model.dispose();
  });

  it('is one part where a scale or gradient depends on all of it, and at most one part a sequence', () => {
    expect(partsOf(BITNET_B158, SEQUENCES)).toBe(THREADS);
    expect(partsOf(BITNET_B158, 2)).toBe(2);
    expect(partsOf({ ...BITNET_B158, activation_quantizer: 'elastic-int8' }, SEQUENCES)).toBe(1);
    expect(partsOf({ ...BITNET_B158, down_activation_quantizer: 'absmax-int8-tensor' }, SEQUENCES)).toBe(1);
    expect(partsOf({ ...BITNET_B158, own_weight_quantizer: 'mine 0' }, SEQUENCES)).toBe(1);
  });

  it('one call on three threads gives the bits of the parts one after the other, step after step', () => {
    const [eager, compiled] = (['eager', 'compiled'] as const).map((form) => {
      const model = new BitLM(config, { seed: 1 });
      const steps = new TrainingSteps(model, { sequences: SEQUENCES, steps: 100, clipNorm: 0.5, form });
      const found = Array.from({ length: 50 }, (_, step) =>
        steps.step(corpus.sampleBatch(step, 1, SEQUENCES, 16), { learningRate: 1e-2, weightDecay: 0.1 }),
      );
      expect(steps.isCompiled).toBe(form === 'compiled');
      steps.close();
      const weights = model.tensors();
      model.dispose();
      return { found, weights };
    });
    expect(compiled).toEqual(eager);
  });
});
