import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roundToHalf } from '../../lib/checkpoint/dtypes.js';
import { FULL_PRECISION } from '../../lib/ablation-options.js';
import { loadTraining, type Training } from '../../lib/training/load-training.js';
import type { TrainableModel } from '../../lib/training/types.js';
import { withMadeOutliers } from '../../lib/quantizers/made-outliers.js';
import { PostTraining } from '../../lib/quantizers/post-training.js';
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

  it('gives statistics of what enters each quantized matrix', () => {
    const sites = full.inputStatistics(corpus, 4, CONTEXT);
    const quantized = full.tensors().filter(({ name }) => name.includes('_proj'));
    expect([...sites.values()].flatMap(({ readers }) => readers).sort()).toEqual(
      quantized.map(({ name }) => name).sort(),
    );
    // The first input comes out of an RMSNorm with gain 1: the mean square of its values is 1, but for its epsilon.
    const { moments, largest } = sites.get('model.layers.0.self_attn.input')!;
    const diagonal = moments.filter((_, i) => i % (config.hidden_size + 1) === 0);
    expect(diagonal.reduce((sum, x) => sum + x, 0) / config.hidden_size).toBeCloseTo(1, 1);
    // No mean square is above the square of the largest value.
    diagonal.forEach((square, j) => expect(square).toBeLessThanOrEqual(largest[j] ** 2 * (1 + 1e-6)));
    for (const { readers, moments: found, kurtosis } of sites.values()) {
      const { shape } = quantized.find(({ name }) => name === readers[0])!;
      expect(found.length).toBe(shape[1] ** 2);
      expect(found.every(Number.isFinite)).toBe(true);
      expect(kurtosis).toBeGreaterThan(1);
    }
  });

  it('calibrates on the training text alone', () => {
    const seen = new Proxy(corpus, {
      get: (target, name) => {
        if (name === 'validationWindows' || name === 'testWindows') throw new Error(`read ${name}`);
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    expect(full.inputStatistics(seen, 2, CONTEXT).size).toBe(8);
  });

  it('counts kurtosis as its definition does: outliers in one feature of the first input raise it', () => {
    const before = full.inputStatistics(corpus, 4, CONTEXT).get('model.layers.0.self_attn.input')!.kurtosis;
    const made = withMadeOutliers(full.tensors(), { oneIn: 16, factor: 32 });
    const changed = full.changed({ weights: new Map(made.map(({ name, data }) => [name, data])) });
    const after = changed.inputStatistics(corpus, 4, CONTEXT).get('model.layers.0.self_attn.input')!;
    // One value of 16 is 32 times as large: of normal values, (15 + 32⁴)·3 · 16 / (15 + 32²)² is 46.6.
    expect(before).toBeLessThan(6);
    expect(after.kurtosis).toBeGreaterThan(20);
    expect(changed.evaluate(corpus, 4, CONTEXT)).toBe(full.evaluate(corpus, 4, CONTEXT));
    changed.dispose();
  });

  it('computes what it did where inputs are smoothed or rotated and weights take it back', () => {
    const sites = full.inputStatistics(corpus, 4, CONTEXT);
    const tensors = full.tensors();
    const method = { bits: 8, reach: 'absmax', granularity: 'channel', rounding: 'nearest' } as const;
    const loss = full.evaluate(corpus, 4, CONTEXT);
    for (const preparation of ['smooth', 'rotate'] as const) {
      const { inputTransforms } = new PostTraining(tensors, sites).quantize({ ...method, preparation });
      expect([...inputTransforms.keys()].sort()).toEqual([...sites.keys()].sort());
      const weights = new Map(
        [...sites].flatMap(([site, { readers }]) =>
          readers.map((name): [string, Float32Array] => {
            const { data } = tensors.find((tensor) => tensor.name === name)!;
            return [name, takenBack(data, inputTransforms.get(site)!)];
          }),
        ),
      );
      const changed = full.changed({ weights, inputTransforms });
      expect(Math.abs(changed.evaluate(corpus, 4, CONTEXT) - loss)).toBeLessThan(1e-5);
      changed.dispose();
    }
  });

  it('quantizes inputs after they are transformed, by the quantizer of their place', () => {
    const identity = (size: number): Float32Array =>
      Float32Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
    const sites = full.inputStatistics(corpus, 1, CONTEXT);
    const inputTransforms = new Map(
      Array.from(sites, ([site, { largest }]) => [site, identity(largest.length)]),
    );
    const options = {
      activation_quantizer: 'absmax-int4-token',
      down_activation_quantizer: 'none',
      output_activation_quantizer: 'absmax-int8-token',
    } as const;
    const [plain, transformed] = [full.changed({ options }), full.changed({ options, inputTransforms })];
    const [loss, same] = [plain, transformed].map((model) => model.evaluate(corpus, 4, CONTEXT));
    expect(same).toBeCloseTo(loss, 5);
    expect(Math.abs(loss - full.evaluate(corpus, 4, CONTEXT))).toBeGreaterThan(1e-4);
    for (const model of [plain, transformed]) model.dispose();
  });

  it('refuses weights that are not the model’s', () => {
    expect(() => full.changed({ weights: new Map([['head', new Float32Array(1)]]) })).toThrow('got head');
  });
});

/** W·T⁻ᵀ for a diagonal or an orthogonal T. @param weights [rows, C] */
function takenBack(weights: Float32Array, transform: Float32Array): Float32Array {
  const size = Math.sqrt(transform.length);
  const isDiagonal = transform.every((value, i) => i % (size + 1) === 0 || value === 0);
  return weights.map((weight, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    if (isDiagonal) return weight / transform[column * (size + 1)];
    // Of an orthogonal one T⁻ᵀ = T: Σ_k W[row, k] · T[k, column].
    let sum = 0;
    for (let k = 0; k < size; k++) sum += weights[row * size + k] * transform[k * size + column];
    return sum;
  });
}
