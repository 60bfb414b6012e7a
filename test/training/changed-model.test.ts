import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roundToHalf } from '../../lib/checkpoint/dtypes.js';
import { FULL_PRECISION } from '../../lib/config.js';
import { loadTraining, type Training } from '../../lib/training/load-training.js';
import type { TrainableModel } from '../../lib/training/types.js';
import { config, corpus } from './small-run.js';

const CONTEXT = 16;

describe('TrainableModel.changed', () => {
  let training: Training;
  let full: TrainableModel;
  let ternary: TrainableModel;

  beforeAll(async () => {
    training = await loadTraining();
    const { quantization_config: _, ...shape } = config;
    full = training.createModel({ ...shape, bitlm: { ...FULL_PRECISION } }, 1);
    ternary = training.createModel(config, 1);
  });

  afterAll(() => {
    full.dispose();
    ternary.dispose();
  });

  it('gives the loss of b1.58 when a full-precision model takes its effective weights and its activations', () => {
    const weights = new Map(ternary.effectiveTensors().map(({ name, data }) => [name, data]));
    const changed = full.changed({ weights, options: { activation_quantizer: 'absmax-int8-token' } });
    expect(changed.evaluate(corpus, 4, CONTEXT)).toBeCloseTo(ternary.evaluate(corpus, 4, CONTEXT), 6);
    changed.dispose();
  });

  it('rounds what enters every product, and leaves the model itself alone', () => {
    const before = full.evaluate(corpus, 4, CONTEXT);
    const weights = new Map(full.tensors().map(({ name, data }) => [name, roundToHalf(data)]));
    const half = full.changed({ weights, roundInputsToHalf: true });
    const loss = half.evaluate(corpus, 4, CONTEXT);
    half.dispose();
    expect(loss).not.toBe(before);
    expect(Math.abs(loss - before)).toBeLessThan(1e-3);
    expect(full.evaluate(corpus, 4, CONTEXT)).toBe(before);
  });

  it('gives the moments of what enters each quantized matrix', () => {
    const moments = full.inputMoments(corpus, 4, CONTEXT);
    const quantized = full.tensors().filter(({ name }) => name.includes('_proj'));
    expect([...moments.keys()].sort()).toEqual(quantized.map(({ name }) => name).sort());
    // The first input comes out of an RMSNorm with gain 1: the mean square of its values is 1, but for its epsilon.
    const first = moments.get('model.layers.0.self_attn.q_proj.weight')!;
    const trace = first.filter((_, i) => i % (config.hidden_size + 1) === 0).reduce((sum, x) => sum + x, 0);
    expect(trace / config.hidden_size).toBeCloseTo(1, 1);
    for (const { name, shape } of quantized) {
      const moment = moments.get(name)!;
      expect(moment.length).toBe(shape[1] ** 2);
      expect(moment.every(Number.isFinite)).toBe(true);
    }
  });

  it('refuses weights that are not the model’s', () => {
    expect(() => full.changed({ weights: new Map([['head', new Float32Array(1)]]) })).toThrow('got head');
  });
});
