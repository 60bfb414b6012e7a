import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor, TensorFlow } from '../../lib/backend/notebook-tensorflow.js';
import { parseModelConfig } from '../../lib/config.js';
import { loadModel } from '../../lib/inference/load-model.js';
import type { QuantizerFunction } from '../../lib/quantizers/quantizer-function.js';
import { readRun } from '../../lib/runs/open-run.js';
import { loadTraining, type Training } from '../../lib/training/load-training.js';
import type { RunOptions, TrainableModel, TrainingOptions, TrainingPoint } from '../../lib/training/types.js';
import { config, corpus, options } from './small-run.js';

let training: Training;
let tf: TensorFlow;
let folder: string;

beforeAll(async () => {
  training = await loadTraining();
  ({ tf } = training);
  folder = await mkdtemp(join(tmpdir(), 'bitnet-own-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function trained(
  model: TrainableModel,
  steps: number,
  { stopAt = Infinity, ...run }: RunOptions & { stopAt?: number } = {},
  changes: Partial<TrainingOptions> = {},
): Promise<TrainingPoint[]> {
  const points: TrainingPoint[] = [];
  for await (const point of training.train(model, corpus, { ...options(steps), ...changes }, run)) {
    points.push(point);
    if (point.step === stopAt) break;
  }
  return points;
}

const losses = (points: readonly TrainingPoint[]): number[] => points.map(({ trainLoss }) => trainLoss);

/** Absmean ternary and absmax int8, as a reader would write them down. */
const absmean: QuantizerFunction = (w) => {
  const gamma = w.abs().mean().maximum(1e-5);
  return w.div(gamma).round().clipByValue(-1, 1).mul(gamma);
};
const absmax: QuantizerFunction = (x) => {
  const scale = tf.div(127, x.abs().max(-1, true).maximum(1e-5));
  return x.mul(scale).round().div(scale);
};
/** Five levels, rounded up or down at random. */
const fiveLevels: QuantizerFunction = (w, { uniform }) => {
  const step = w.abs().mean();
  return w.div(step).add(uniform()).floor().clipByValue(-2, 2).mul(step);
};

/** Absmean that blocks the gradient where it saturates. */
const ownGradient = (): QuantizerFunction =>
  tf.customGrad((w, save) => {
    save([w]);
    const gamma = w.abs().mean();
    return {
      value: w.div(gamma).round().clipByValue(-1, 1).mul(gamma),
      gradFunc: (dy, [w]) => dy.mul(tf.less(w.abs(), w.abs().mean()).cast('float32')),
    };
  });

describe('own quantizers', () => {
  it('that are those of b1.58 train as b1.58 does', async () => {
    const own = training.createModel(config, 1, { weightQuantizer: absmean, activationQuantizer: absmax });
    const named = training.createModel(config, 1);
    const [mine, theirs] = [losses(await trained(own, 12)), losses(await trained(named, 12))];
    mine.forEach((loss, step) => expect(loss).toBeCloseTo(theirs[step], 3));
    expect(mine[0]).toBeCloseTo(theirs[0], 5);
    own.dispose();
    named.dispose();
  });

  it('get the straight-through gradient, or keep their own where they call tf.customGrad', async () => {
    const own = training.createModel(config, 1, { weightQuantizer: ownGradient() });
    const bitlm = {
      weight_quantizer: 'absmean-ternary' as const,
      activation_quantizer: 'absmax-int8-token' as const,
      norm_placement: 'subln' as const,
      straight_through: 'clipped' as const,
    };
    const { quantization_config: _, ...shape } = config;
    const named = training.createModel({ ...shape, bitlm }, 1);
    const identity = training.createModel(config, 1);
    const [mine, theirs, straight] = [
      losses(await trained(own, 8)),
      losses(await trained(named, 8)),
      losses(await trained(identity, 8)),
    ];
    mine.forEach((loss, step) => expect(loss).toBeCloseTo(theirs[step], 3));
    expect(Math.abs(mine[7] - straight[7])).toBeGreaterThan(1e-3);
    for (const model of [own, named, identity]) model.dispose();
  });

  it.each<[string, () => Parameters<Training['createModel']>[2]]>([
    ['straight-through ones', () => ({ weightQuantizer: absmean, activationQuantizer: absmax })],
    ['ones with their own gradient', () => ({ weightQuantizer: ownGradient() })],
    ['random ones', () => ({ weightQuantizer: fiveLevels })],
    [
      'ones that read a value',
      () => ({ weightQuantizer: (w) => w.add(w.dataSync()[0]).sub(w.dataSync()[0]) }),
    ],
  ])('train to the same bits in compiled steps, %s', async (_, parts) => {
    const run = (form: RunOptions['form']): Promise<TrainingPoint[]> =>
      trained(training.createModel(config, 1, parts()), 52, { form });
    expect(losses(await run('compiled'))).toEqual(losses(await run('eager')));
  });

  it('draw random numbers that a resumed run draws again, and leave no tensor behind', async () => {
    const parts = { weightQuantizer: fiveLevels };
    const whole = losses(await trained(training.createModel(config, 1, parts), 20));
    const run = { folder: join(folder, 'five') };
    await trained(training.createModel(config, 1, parts), 20, { ...run, stopAt: 14 });
    const before = tf.memory().numTensors;
    const model = training.createModel(config, 1, parts);
    expect(losses(await trained(model, 20, run))).toEqual(whole);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(losses((await readRun<TrainingPoint>(run.folder)).points)).toEqual(whole);
    // Other seeds, other draws.
    const other = { seeds: { weights: 2, batches: 2 } };
    const again = training.createModel(config, 1, parts);
    expect(losses(await trained(again, 20, {}, other))).not.toEqual(whole);
  });

  it('stand in the run folder and the saved model, which no other function opens', async () => {
    const run = { folder: join(folder, 'named') };
    const model = training.createModel(config, 1, { weightQuantizer: absmean });
    await trained(model, 10, { ...run, stopAt: 7 });
    const { config: stored } = await readRun(run.folder);
    expect(stored.model.bitlm?.own_weight_quantizer).toMatch(/^absmean [0-9a-f]{16}$/);
    expect(parseModelConfig(JSON.parse(JSON.stringify(stored.model)))).toEqual(stored.model);

    const other = training.createModel(config, 1, { weightQuantizer: fiveLevels });
    await expect(trained(other, 10, run)).rejects.toThrow(
      /own_weight_quantizer: "absmean [0-9a-f]{16}" in the folder, "fiveLevels [0-9a-f]{16}" now/,
    );
    const saved = join(folder, 'saved');
    await model.save(saved);
    await expect(training.openModel(saved)).rejects.toThrow(
      /weightQuantizer must be the function absmean [0-9a-f]{16}, .* got none.* openModel\(folder, \{ weightQuantizer \}\)/,
    );
    await expect(training.openModel(saved, { weightQuantizer: fiveLevels })).rejects.toThrow(
      /got fiveLevels/,
    );
    const opened = await training.openModel(saved, { weightQuantizer: absmean });
    expect(opened.evaluate(corpus, 4, 16)).toBe(model.evaluate(corpus, 4, 16));
    await expect(loadModel(saved)).rejects.toThrow(/own_weight_quantizer must be absent for inference/);
  });

  it('are another one where a value around the function has changed', () => {
    const make = (levels: number): QuantizerFunction =>
      function rounded(w) {
        const step = w.abs().max().div(levels);
        return w.div(step).round().mul(step);
      };
    const id = (levels: number): string | undefined =>
      training.createModel(config, 1, { weightQuantizer: make(levels) }).config.bitlm?.own_weight_quantizer;
    expect(id(3)).toBe(id(3));
    expect(id(3)).not.toBe(id(4));
  });

  it('show in diagnostics and effective weights', async () => {
    const model = training.createModel(config, 1, { weightQuantizer: fiveLevels });
    const points = await trained(model, 10, {}, { diagnostics: true });
    const { zeros, flips } = points.at(-1)!.diagnostics!;
    expect(zeros).toBeGreaterThan(0.2);
    expect(flips).toBeGreaterThan(0.1); // of a quantizer that rounds at random
    const named = training.createModel(config, 1);
    const ternary = training.createModel(config, 1, { weightQuantizer: absmean });
    const [mine, theirs] = [
      (await trained(ternary, 10, {}, { diagnostics: true })).at(-1)!.diagnostics!,
      (await trained(named, 10, {}, { diagnostics: true })).at(-1)!.diagnostics!,
    ];
    expect(mine.zeros).toBeCloseTo(theirs.zeros!, 2);
    expect(mine.flips).toBeCloseTo(theirs.flips!, 2);
    const levels = model.effectiveTensors().filter(({ name }) => name.includes('_proj'));
    for (const { data } of levels) expect(new Set(data).size).toBeLessThanOrEqual(5);
  });

  it('may return their input, and may be evaluated against the named ones', () => {
    const model = training.createModel(config, 1, {
      weightQuantizer: (w) => w,
      activationQuantizer: (x) => x,
    });
    const full = model.changed({ options: { weight_quantizer: 'none', activation_quantizer: 'none' } });
    expect(model.evaluate(corpus, 4, 16)).toBeCloseTo(full.evaluate(corpus, 4, 16), 6);
    expect(full.config.bitlm?.own_weight_quantizer).toBeUndefined();
  });
});

describe('a quantizer that cannot be used', () => {
  const refused = (weightQuantizer: unknown): (() => unknown) => {
    const before = tf.memory().numTensors;
    return () => {
      try {
        training.createModel(config, 1, { weightQuantizer: weightQuantizer as QuantizerFunction });
      } finally {
        // TensorFlow.js itself keeps one where a gradient stops in the middle.
        expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 1);
      }
    };
  };

  it.each<[string, unknown, RegExp]>([
    [
      'another shape',
      (w: Tensor) => w.transpose(),
      /a value for each that it gets, \[4, 24\], got \[24, 4\]/,
    ],
    ['one value', (w: Tensor) => w.mean(), /got \[\]\./],
    ['NaN', (w: Tensor) => w.sub(w).div(w.sub(w)), /finite values, got NaN/],
    ['nothing', (w: Tensor) => void w.round(), /must return a tensor, got nothing \(is a return missing\?\)/],
    ['an array', (w: Tensor) => [...w.dataSync()], /got an array \(make it a tensor/],
    ['a promise', async (w: Tensor) => w, /got a promise \(leave out async\)/],
    ['an error', () => tf.add([1], [1, 2]), /the function stopped on values \[4, 24\]|got \[2\]/],
    ['no function', 'sign', /must be a function on tensors, got string "sign"/],
  ])('is refused where it returns %s', (_, quantizer, message) => {
    expect(refused(quantizer)).toThrow(message);
  });

  it.each<[string, (dy: Tensor) => Tensor, RegExp]>([
    ['is zero', (dy) => tf.zerosLike(dy), /its own gradient, .* got zeros/],
    ['is NaN', (dy) => dy.mul(NaN), /got NaN/],
    ['has another shape', (dy) => dy.sum(), /its own gradient/],
  ])('is refused where its own gradient %s', (_, gradFunc, message) => {
    expect(refused(tf.customGrad((w) => ({ value: w.round(), gradFunc })))).toThrow(message);
  });

  it('is refused under another name', () => {
    const parts = { weightQuantiser: absmean } as object;
    expect(() => training.createModel(config, 1, parts)).toThrow(
      'own parts: must be weightQuantizer or activationQuantizer, got "weightQuantiser".',
    );
  });

  it('that fails on the model only stops the training with its name', async () => {
    const model = training.createModel(config, 1, {
      activationQuantizer: (x) => (x.shape[0] > 4 ? x.slice([0, 0], [1, -1]) : x),
    });
    await expect(trained(model, 8)).rejects.toThrow(/activationQuantizer: .* \[64, 16\], got \[1, 16\]/);
  });

  it('that gives NaN on the way stops the training with a word on it', async () => {
    const model = training.createModel(config, 1, {
      activationQuantizer: (x) => (x.shape[0] > 4 ? x.mul(NaN) : x),
    });
    await expect(trained(model, 8)).rejects.toThrow(
      /must be finite, .* and look for values in your quantizer/,
    );
  });
});
