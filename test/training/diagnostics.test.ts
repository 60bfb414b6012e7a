import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import type { AblationOptions } from '../../lib/ablation-options.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { rmsNorm } from '../../lib/model/norm.js';
import { quantizeActivations } from '../../lib/quantizers/activations.js';
import { diagnose, weightCodes } from '../../lib/training/diagnostics.js';
import { train } from '../../lib/training/train.js';
import {
  LATENT_BINS,
  LATENT_RANGE,
  type TrainingOptions,
  type TrainingPoint,
} from '../../lib/training/types.js';
import { config, corpus, options } from './small-run.js';

const TOKENS = 16;
const windows = corpus.validationWindows(4, TOKENS);

function modelOf(bitlm: Partial<AblationOptions> = {}, change: Partial<ModelConfig> = {}): BitLM {
  return new BitLM(parseModelConfig({ ...config, ...change, bitlm }), { seed: 1 });
}

/** How a weight and a fresh model's randomness are told apart: four standard deviations of a share p of n. */
const noise = (p: number, n: number): number => 4 * Math.sqrt((p * (1 - p)) / n);

beforeAll(() => startTensorFlow());

describe('diagnose', () => {
  it('counts no flip where nothing changed, and one of n where one weight crossed its threshold', () => {
    const model = modelOf({ weight_quantizer: 'sign' });
    const before = weightCodes(model);
    const count = [...before.values()].reduce((sum, codes) => sum + codes.length, 0);
    expect(diagnose(model, before, windows, TOKENS).flips).toBe(0);

    const values = new Map(model.tensors().map(({ name, data }) => [name, data]));
    const matrix = values.get('model.layers.0.self_attn.q_proj.weight')!;
    // The weight next to the threshold: moving it hardly moves the mean, so that no other changes side.
    const nearest = matrix.indexOf(Math.min(...matrix.filter((w) => w > 0.003)));
    matrix[nearest] = -matrix[nearest];
    model.setWeights(values);
    expect(diagnose(model, before, windows, TOKENS).flips).toBe(1 / count);
    model.dispose();
  });

  it('finds the 31 % zeros of Gaussian weights, and none of binary ones', () => {
    const wide = { hidden_size: 64, intermediate_size: 128 };
    const model = modelOf({}, wide);
    const codes = weightCodes(model);
    const count = [...codes.values()].reduce((sum, { length }) => sum + length, 0);
    // P(|z| < ½·√(2/π)) of a standard normal z
    const expected = 0.310_1;
    const { zeros, latent = [] } = diagnose(model, codes, windows, TOKENS);
    expect(Math.abs(zeros! - expected)).toBeLessThan(noise(expected, count));

    expect(latent).toHaveLength(LATENT_BINS);
    expect(latent.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    const width = (2 * LATENT_RANGE) / LATENT_BINS;
    const inner = latent.filter((_, bin) => Math.abs((bin + 0.5) * width - LATENT_RANGE) < 0.5);
    const share = inner.reduce((sum, one) => sum + one, 0);
    expect(Math.abs(share - expected)).toBeLessThan(noise(expected, count));
    model.dispose();

    const binary = modelOf({ weight_quantizer: 'sign' });
    expect(diagnose(binary, weightCodes(binary), windows, TOKENS).zeros).toBe(0);
    binary.dispose();
  });

  it('sees squared ReLU silence half of what a fresh gate lets through, and SwiGLU nothing', () => {
    const [relu, silu] = (['relu2', 'silu'] as const).map((hidden_act) => {
      const model = modelOf({ weight_quantizer: 'none', activation_quantizer: 'none' }, { hidden_act });
      const { activationZeros } = diagnose(model, new Map(), windows, TOKENS);
      model.dispose();
      return activationZeros;
    });
    expect(relu).toBeGreaterThan(0.3);
    expect(relu).toBeLessThan(0.7);
    expect(silu).toBe(0);
  });

  it.each(['absmax-int8-token', 'absmax-int4-token'] as const)(
    'counts the zeros among the integers that the plain norm and %s make of it',
    (quantizer) => {
      const model = modelOf({ activation_quantizer: quantizer });
      const [ids, eps] = [tf.tensor1d(windows.inputs, 'int32'), config.rms_norm_eps];
      let [zeros, count, layer] = [0, 0, 0];
      const logits = model.logits(ids, windows.inputs.length / TOKENS, undefined, (inner) => {
        const gain = model.parameters.get(`model.layers.${layer++}.mlp.ffn_sub_norm.weight`) as tf.Tensor1D;
        const normed = rmsNorm(inner, { gain, epsilon: eps });
        const { values } = quantizeActivations(quantizer, normed.dataSync(), inner.shape[1]);
        zeros += values.filter((integer) => integer === 0).length;
        count += values.length;
      });
      const { activationZeros, integerZeros } = diagnose(model, weightCodes(model), windows, TOKENS);
      expect(integerZeros).toBeCloseTo(zeros / count, 6);
      // Rounding makes zeros, and loses none.
      expect(integerZeros).toBeGreaterThan(activationZeros);
      tf.dispose([ids, logits]);
      model.dispose();
    },
  );

  it('sees the integers of b1’s own body too, where GELU and LayerNorm leave no exact zero', () => {
    const body = {
      body: 'bitnet-b1',
      weight_quantizer: 'sign',
      activation_quantizer: 'absmax-int4-token',
    } as const;
    const model = modelOf(body, { hidden_act: 'gelu' });
    const { activationZeros, integerZeros } = diagnose(model, weightCodes(model), windows, TOKENS);
    expect(activationZeros).toBe(0);
    expect(integerZeros).toBeGreaterThan(0.02);
    model.dispose();
  });

  it('says nothing of quantized weights in full precision', () => {
    const model = modelOf({ weight_quantizer: 'none', activation_quantizer: 'none' });
    const found = diagnose(model, weightCodes(model), windows, TOKENS);
    expect(found.zeros).toBeUndefined();
    expect(found.flips).toBeUndefined();
    model.dispose();
  });
});

describe('train with diagnostics', () => {
  it('looks inside at evaluated steps and learns the very same', async () => {
    const run = async (change: Partial<TrainingOptions>): Promise<TrainingPoint[]> => {
      const model = new BitLM(config, { seed: 1 });
      const points: TrainingPoint[] = [];
      for await (const point of train(model, corpus, { ...options(20), ...change })) points.push(point);
      model.dispose();
      return points;
    };
    const [plain, watched] = [await run({}), await run({ diagnostics: true })];
    expect(watched.map(({ trainLoss }) => trainLoss)).toEqual(plain.map(({ trainLoss }) => trainLoss));
    expect(watched.filter((point) => point.diagnostics).map(({ step }) => step)).toEqual([10, 20]);
    expect(plain.every((point) => point.diagnostics === undefined)).toBe(true);
    const { flips } = watched[9].diagnostics!;
    expect(flips).toBeGreaterThan(0);
    expect(flips).toBeLessThan(0.5);
  });
});
