import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import {
  ACTIVATION_QUANTIZERS,
  BITNET_B158,
  NORM_PLACEMENTS,
  WEIGHT_QUANTIZERS,
  type AblationOptions,
} from '../../lib/ablation-options.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { generateTokens } from '../../lib/model/generate.js';
import { countParameters, parameterSpecs } from '../../lib/parameters.js';
import { AdamW } from '../../lib/training/adamw.js';
import { lossAndGradients, update } from '../../lib/training/step.js';
import { BACKENDS } from '../backends.js';

const SHAPE = {
  vocab_size: 11,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 12,
  tie_word_embeddings: true,
  quantization_config: { quant_method: 'bitnet', quantization_mode: 'online' },
};

function configOf(bitlm: Partial<AblationOptions> = {}, change: object = {}): ModelConfig {
  return parseModelConfig({ ...SHAPE, bitlm: { ...BITNET_B158, ...bitlm }, ...change });
}

/** Every value of every option, one changed at a time. */
const ABLATIONS: [string, Partial<AblationOptions>, object?][] = [
  ...WEIGHT_QUANTIZERS.map(
    (name) => [name, { weight_quantizer: name }] as [string, Partial<AblationOptions>],
  ),
  ...ACTIVATION_QUANTIZERS.map(
    (name) => [name, { activation_quantizer: name }] as [string, Partial<AblationOptions>],
  ),
  ...NORM_PLACEMENTS.map((name) => [name, { norm_placement: name }] as [string, Partial<AblationOptions>]),
  ['clipped', { straight_through: 'clipped' }],
  ['two groups', { weight_groups: 2 }],
  ['int3 in groups of eight', { weight_quantizer: 'absmax-3bit', weight_group_size: 8 }],
  ['two groups, clipped', { weight_groups: 2, straight_through: 'clipped' }],
  ['the body of b1', { body: 'bitnet-b1', weight_quantizer: 'sign' }, { hidden_act: 'gelu' }],
  ['the body of b1 with Pre-LN', { body: 'bitnet-b1', norm_placement: 'preln' }, { hidden_act: 'gelu' }],
  ['int8, the larger half before o_proj', { output_activation_quantizer: 'top-half-int8-token' }],
  [
    'int4 but for down',
    { activation_quantizer: 'absmax-int4-token', down_activation_quantizer: 'absmax-int8-token' },
  ],
];

const sequence = Int32Array.from({ length: 24 }, (_, i) => (i * 7) % 11);
const batch = { inputs: sequence, targets: Int32Array.from(sequence, (id) => (id + 7) % 11) };

describe.each(BACKENDS)('BitLM on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  it.each(ABLATIONS)('learns with the option %s', (_, options, change) => {
    const model = new BitLM(configOf(options, change), { seed: 1 });
    const optimizer = new AdamW(model.parameters);
    const rates = { learningRate: 0.01, weightDecay: 0, clipNorm: 1 };
    const losses = Array.from(
      { length: 15 },
      () => update(optimizer, lossAndGradients(model, batch, 2), rates).loss,
    );
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(losses[0]);
    optimizer.dispose();
    model.dispose();
  });

  it('never looks ahead: a later token changes no earlier logit', () => {
    const model = new BitLM(configOf(), { seed: 3 });
    const changed = sequence.slice(0, 12);
    changed[8] = (changed[8] + 1) % 11;
    const logits = (ids: Int32Array): Float32Array =>
      tf.tidy(() => model.logits(tf.tensor1d(ids, 'int32'), 1).dataSync<'float32'>());
    const [before, after] = [logits(sequence.slice(0, 12)), logits(changed)];
    expect([...after.subarray(0, 8 * 11)]).toEqual([...before.subarray(0, 8 * 11)]);
    expect([...after.subarray(8 * 11)]).not.toEqual([...before.subarray(8 * 11)]);
    model.dispose();
  });

  it.each([
    ['down_proj', 'down_activation_quantizer'],
    ['o_proj', 'output_activation_quantizer'],
  ] as const)('quantizes the input of %s, and no other, with a quantizer of its own', (matrix, option) => {
    const logits = (options: Partial<AblationOptions>, silent = false): number[] => {
      const model = new BitLM(configOf(options), { seed: 3 });
      for (const [name, weight] of model.parameters)
        if (silent && name.includes(matrix)) weight.assign(tf.zeros(weight.shape));
      const values = tf.tidy(() => model.logits(tf.tensor1d(sequence, 'int32'), 2).dataSync());
      model.dispose();
      return [...values];
    };
    const int4 = { activation_quantizer: 'absmax-int4-token' } as const;
    const mixed = { ...int4, [option]: 'absmax-int8-token' } as const;
    expect(logits({ ...int4, [option]: 'absmax-int4-token' })).toEqual(logits(int4));
    expect(logits(mixed)).not.toEqual(logits(int4));
    expect(logits(mixed)).not.toEqual(logits({}));
    // Where the matrix is silent its input does not matter.
    expect(logits(mixed, true)).toEqual(logits(int4, true));
  });

  it('has neither gate nor norm gains in the body of b1', () => {
    const names = parameterSpecs(configOf({ body: 'bitnet-b1' }, { hidden_act: 'gelu' })).map(
      ({ name }) => name,
    );
    expect(names.filter((name) => /gate|norm/.test(name))).toEqual([]);
    expect(names.filter((name) => name.endsWith('_proj.weight'))).toHaveLength(2 * 6);
  });

  it('has the parameters that countParameters counts, tied and untied', () => {
    for (const tie_word_embeddings of [true, false]) {
      const config = configOf({}, { tie_word_embeddings });
      const model = new BitLM(config, { seed: 1 });
      const held = model.tensors().reduce((sum, { data }) => sum + data.length, 0);
      expect(held).toBe(countParameters(config).total);
      expect(model.parameters.has('lm_head.weight')).toBe(!tie_word_embeddings);
      model.dispose();
    }
  });

  it('frees every tensor on dispose', () => {
    const before = tf.memory().numTensors;
    const model = new BitLM(configOf(), { seed: 1 });
    tf.tidy(() => model.loss(tf.tensor1d(batch.inputs, 'int32'), tf.tensor1d(batch.targets, 'int32'), 2));
    model.dispose();
    // One scalar may stay: the axis that all reductions share.
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
  });

  it('generates the same text for the same seed, and the likeliest at temperature 0', () => {
    const model = new BitLM(configOf(), { seed: 5 });
    const text = (options: { temperature?: number; seed?: number }): number[] => [
      ...generateTokens(model, [1, 2, 3], { tokens: 16, ...options }),
    ];
    expect(text({ seed: 4 })).toEqual(text({ seed: 4 }));
    expect(text({ temperature: 0, seed: 1 })).toEqual(text({ temperature: 0, seed: 2 }));
    expect(() => text({ temperature: -1 })).toThrow(/temperature must be a number from 0, got -1/);
    expect(() => [...generateTokens(model, [], { tokens: 1 })]).toThrow(/at least one token/);
    expect(() => [...generateTokens(model, [11], { tokens: 1 })]).toThrow(/from 0 to 10, got 11/);
    model.dispose();
  });

  it('refuses what does not fit, with both sizes', () => {
    const model = new BitLM(configOf(), { seed: 1 });
    expect(() => model.logits(tf.zeros([7], 'int32'), 2)).toThrow(/2 sequences of equal length, got 7/);
    expect(() => model.logits(tf.zeros([13], 'int32'), 1)).toThrow(/at most 12 tokens.*got 13/);
    const values = new Map(model.tensors().map(({ name, data }) => [name, data]));
    values.set('model.norm.weight', new Float32Array(3));
    expect(() => new BitLM(configOf(), { values })).toThrow(
      /model.norm.weight must hold 16 values \[16\], got 3/,
    );
    values.delete('model.norm.weight');
    expect(() => model.setWeights(values)).toThrow(/model.norm.weight .* got none/);
    model.dispose();
  });
});
