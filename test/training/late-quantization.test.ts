/** Runs that train in full precision first (`quantizeFrom`): late quantization-aware training. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { BITNET_B158, FULL_PRECISION, type AblationOptions } from '../../lib/ablation-options.js';
import { BitLM } from '../../lib/model/bitlm.js';
import { train } from '../../lib/training/train.js';
import type { RunOptions, TrainingOptions, TrainingPoint } from '../../lib/training/types.js';
import { temporaryFolder } from '../temporary-folder.js';
import { config, corpus, options as shortOptions } from './small-run.js';

const STEPS = 104;
/** Both parts are long enough to be compiled. */
const FROM = 52;
const options: TrainingOptions = { ...shortOptions(STEPS), quantizeFrom: FROM };

function fresh(bitlm: Partial<AblationOptions> = {}): BitLM {
  const { quantization_config: _, ...shape } = config;
  return new BitLM({ ...shape, bitlm: { ...BITNET_B158, ...bitlm } }, { seed: 1 });
}

async function points(
  model: BitLM,
  given: TrainingOptions,
  run: RunOptions = {},
  until = Infinity,
): Promise<TrainingPoint[]> {
  const found: TrainingPoint[] = [];
  for await (const point of train(model, corpus, given, run)) {
    found.push(point);
    if (point.step >= until) break;
  }
  return found;
}

const losses = (found: readonly TrainingPoint[]): (number | undefined)[] =>
  found.flatMap(({ trainLoss, gradientNorm, validationLoss }) => [trainLoss, gradientNorm, validationLoss]);

describe('quantizeFrom', () => {
  beforeAll(() => startTensorFlow());

  it('trains as full precision does up to its step, and as the quantized model from there', async () => {
    const late = fresh();
    const full = fresh(FULL_PRECISION);
    const found = await points(late, options);
    const { quantizeFrom: _, ...plain } = options;
    // Both stop at the switch; the full run's weights then go through one forward pass with quantizers.
    const before = await points(full, plain, {}, FROM);
    expect(losses(found.slice(0, FROM))).toEqual(losses(before));
    const { inputs, targets } = corpus.sampleBatch(
      FROM,
      options.seeds.batches,
      options.batch,
      options.context,
    );
    const again = fresh();
    again.setWeights(new Map(full.tensors().map(({ name, data }) => [name, data])));
    const loss = await forwardLoss(again, inputs, targets, options.batch);
    expect(found[FROM].trainLoss).toBeCloseTo(loss, 5);
    expect(found[FROM].trainLoss).not.toBeCloseTo(await forwardLoss(full, inputs, targets, options.batch), 3);
    expect(late.quantizes).toBe(true);
    for (const model of [late, full, again]) model.dispose();
  });

  it('gives the same bits compiled and eager, for ternary and for grouped weights', async () => {
    for (const change of [
      {},
      { weight_quantizer: 'absmax-4bit', weight_group_size: 8, activation_quantizer: 'none' },
    ] as const) {
      const [compiled, eager] = [fresh(change), fresh(change)];
      const [one, other] = [await points(compiled, options), await points(eager, options, { form: 'eager' })];
      expect(losses(one)).toEqual(losses(other));
      expect(compiled.tensors()).toEqual(eager.tensors());
      for (const model of [compiled, eager]) model.dispose();
    }
  });

  it('is resumed from before, at and after the switch as if it had never stopped', async () => {
    const whole = fresh();
    const unbroken = losses(await points(whole, options));
    const folder = join(await temporaryFolder(), 'run');
    for (const until of [20, FROM, 80]) {
      const model = fresh();
      await points(model, options, { folder }, until);
      model.dispose();
    }
    const last = fresh();
    expect(losses(await points(last, options, { folder }))).toEqual(unbroken);
    expect(last.tensors()).toEqual(whole.tensors());
    for (const model of [whole, last]) model.dispose();
  });

  it('leaves a model that quantizes, though its training was stopped before it did', async () => {
    const model = fresh();
    await points(model, options, {}, 10);
    expect(model.quantizes).toBe(true);
    model.dispose();
  });

  it('is refused where it would never come in, and beside a learned step', async () => {
    const model = fresh();
    await expect(points(model, { ...options, quantizeFrom: STEPS })).rejects.toThrow(
      'quantizeFrom must be below the 104 steps, got 104',
    );
    await expect(points(model, { ...options, quantizeFrom: -1 })).rejects.toThrow('a whole number from 0');
    const elastic = fresh({ activation_quantizer: 'elastic-int8' });
    await expect(points(elastic, options)).rejects.toThrow('must be 0 beside elastic-int8');
    for (const one of [model, elastic]) one.dispose();
  });
});

/** Mean loss of one batch. */
async function forwardLoss(
  model: BitLM,
  inputs: Int32Array,
  targets: Int32Array,
  batch: number,
): Promise<number> {
  const tf = await import('@tensorflow/tfjs');
  const value = tf.tidy(() => model.loss(tf.tensor1d(inputs, 'int32'), tf.tensor1d(targets, 'int32'), batch));
  const [loss] = value.dataSync<'float32'>();
  value.dispose();
  return loss;
}
