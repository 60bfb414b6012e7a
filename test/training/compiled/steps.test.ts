/** A step as one call gives what an eager step gives, to the last bit, for every arm of the ablation and of the frontier. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { FRONTIER_ARMS } from '../../../experiments/frontier/arms.js';
import { ARMS } from '../../../experiments/quantization-ablation/arms.js';
import { native } from '../../../lib/backend/binding.js';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import { BITNET_B158, FULL_PRECISION } from '../../../lib/ablation-options.js';
import { parseModelConfig, type ModelConfig } from '../../../lib/config.js';
import type { TokenWindows } from '../../../lib/corpora/corpus.js';
import type { BitLM } from '../../../lib/model/bitlm.js';
import type { OwnParts } from '../../../lib/quantizers/quantizer-function.js';
import { TrainableBitLM } from '../../../lib/training/trainable-bitlm.js';
import { TrainingSteps, type StepsOptions } from '../../../lib/training/steps.js';
import { corpus } from '../small-run.js';

const HAS_TENSORFLOW = await startTensorFlow({ prefer: 'tensorflow' }).then(
  () => true,
  () => false,
);
const SEQUENCES = 3;
const TOKENS = 8;
const STEPS = 50;

function small(change: object): ModelConfig {
  return parseModelConfig({
    vocab_size: corpus.vocabSize,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: TOKENS,
    initializer_range: 0.1,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bitlm: { ...BITNET_B158 },
    ...change,
  });
}

function batchOf(step: number): TokenWindows {
  return corpus.sampleBatch(step, 1, SEQUENCES, TOKENS);
}

/** Rates that warm up and decay. */
function ratesAt(step: number): { learningRate: number; weightDecay: number } {
  return { learningRate: 2e-2 * Math.min(1, (step + 1) / 10), weightDecay: step < STEPS / 2 ? 0.1 : 0 };
}

/** A model and its steps, and why they stay eager. */
class Trained {
  readonly reasons: string[] = [];
  readonly model: BitLM;
  readonly steps: TrainingSteps;

  constructor(
    config: ModelConfig,
    form: 'compiled' | 'eager',
    options: Partial<StepsOptions> = {},
    parts?: OwnParts,
  ) {
    this.model = TrainableBitLM.create(config, 1, parts);
    this.steps = new TrainingSteps(this.model, {
      sequences: SEQUENCES,
      steps: 1000,
      clipNorm: 0.5,
      form,
      onEager: (reason) => this.reasons.push(reason),
      ...options,
    });
    all.push(this);
  }

  /** Losses and norms of the steps from `first` on. */
  train(first: number, end: number): number[] {
    const found: number[] = [];
    for (let step = first; step < end; step++) {
      const { loss, gradientNorm } = this.steps.step(batchOf(step), ratesAt(step));
      found.push(loss, gradientNorm);
    }
    return found;
  }

  /** Every bit that a checkpoint holds. */
  bits(): Map<string, Buffer> {
    const { updates, first, second } = this.steps.state();
    const bytes = (x: Float32Array): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
    const bits = new Map<string, Buffer>([['updates', Buffer.from(String(updates))]]);
    for (const { name, data } of this.model.tensors()) bits.set(name, bytes(data));
    for (const [name, data] of first) bits.set(`first ${name}`, bytes(data));
    for (const [name, data] of second) bits.set(`second ${name}`, bytes(data));
    return bits;
  }
}

const all: Trained[] = [];
afterEach(() => {
  for (const { steps, model } of all.splice(0)) {
    steps.close();
    model.dispose();
  }
});

/** Arms that differ in the model, not in the schedule alone. */
const MODELS = new Map(
  [...ARMS, ...FRONTIER_ARMS].map(({ name, options, activation }) => [
    JSON.stringify([options, activation]),
    { name, change: { bitlm: options, hidden_act: activation } },
  ]),
);

describe.runIf(HAS_TENSORFLOW)('steps as one call', () => {
  it.each([
    ...MODELS.values(),
    { name: 'grouped queries', change: { num_key_value_heads: 1 } },
    { name: 'a head of its own', change: { tie_word_embeddings: false } },
    {
      name: 'matrices large enough for variables of their own',
      change: { hidden_size: 64, intermediate_size: 256 },
    },
    {
      name: 'two layers, full precision, a head of its own',
      change: { num_hidden_layers: 2, tie_word_embeddings: false, bitlm: { ...FULL_PRECISION } },
    },
    ...(['sign', 'absmedian-ternary', 'zero-one', 'absmax-4bit'] as const).map((quantizer) => ({
      name: `${quantizer}, clipped`,
      change: { bitlm: { ...BITNET_B158, weight_quantizer: quantizer, straight_through: 'clipped' } },
    })),
    ...(['sign', 'absmean-ternary', 'absmax-3bit'] as const).map((quantizer) => ({
      name: `${quantizer}, a scale for eight neighbours`,
      change: { bitlm: { ...BITNET_B158, weight_quantizer: quantizer, weight_group_size: 8 } },
    })),
    {
      name: 'int4 absmean, clipped',
      change: {
        bitlm: {
          ...BITNET_B158,
          activation_quantizer: 'absmean-int4-token',
          straight_through: 'clipped',
        },
      },
    },
  ])('$name: the bits of eager steps', ({ change }) => {
    const config = small(change);
    const [eager, compiled] = [new Trained(config, 'eager'), new Trained(config, 'compiled')];
    expect(compiled.train(0, STEPS)).toEqual(eager.train(0, STEPS));
    expect(compiled.reasons).toEqual([]);
    expect([eager.steps.isCompiled, compiled.steps.isCompiled]).toEqual([false, true]);
    expect(compiled.bits()).toEqual(eager.bits());
  });

  it.each<[string, Partial<OwnParts>, ((x: tf.Tensor) => tf.Tensor)?]>([
    [
      'a weight quantizer of five levels',
      {
        weightQuantizer: (w) => {
          const step = w.abs().mean();
          return w.div(step).mul(2).round().clipByValue(-2, 2).div(2).mul(step);
        },
      },
    ],
    [
      'a quantizer of activations',
      {
        activationQuantizer: (x) => {
          const scale = x.abs().max(-1, true).maximum(1e-5);
          return x.div(scale).mul(7).round().div(7).mul(scale);
        },
      },
    ],
    ['a layer in front of each matrix', {}, (x) => tf.tidy(() => tf.add(tf.tanh(x), tf.mul(x, 0.5)))],
  ])('%s of the reader’s own: the bits of eager steps', (_, parts, layer) => {
    const both = (['eager', 'compiled'] as const).map((form) => {
      const one = new Trained(small({}), form, {}, parts);
      if (layer) one.model.inputRule = (_site, x) => layer(x);
      return one;
    });
    const [eager, compiled] = both;
    expect(compiled.train(0, STEPS)).toEqual(eager.train(0, STEPS));
    expect(compiled.reasons).toEqual([]);
    expect(compiled.steps.isCompiled).toBe(true);
    expect(compiled.bits()).toEqual(eager.bits());
  });

  it.each([
    ['eager', 'compiled'],
    ['compiled', 'eager'],
    ['compiled', 'compiled'],
  ] as const)('begun %s and resumed %s: the bits of a run left alone', (before, after) => {
    const config = small({});
    const [whole, begun] = [new Trained(config, 'eager'), new Trained(config, before)];
    const expected = whole.train(0, STEPS);
    const found = begun.train(0, STEPS / 2);
    const resumed = new Trained(config, after);
    resumed.model.setWeights(new Map(begun.model.tensors().map(({ name, data }) => [name, data])));
    resumed.steps.restore(begun.steps.state());
    expect([...found, ...resumed.train(STEPS / 2, STEPS)]).toEqual(expected);
    expect(resumed.bits()).toEqual(whole.bits());
  });

  it('a step that is not finite changes nothing, and the next one counts as if it had not been', () => {
    const config = small({});
    const both = [new Trained(config, 'eager'), new Trained(config, 'compiled')];
    const [eager, compiled] = both.map((one) => {
      one.train(0, 10);
      // Beyond what float32 holds: the next loss is NaN.
      one.steps.step(batchOf(10), { learningRate: 1e38, weightDecay: 0 });
      const ruined = one.bits();
      const { loss } = one.steps.step(batchOf(11), ratesAt(11));
      expect(loss).toBeNaN();
      expect(one.bits()).toEqual(ruined);
      // Sound weights again.
      one.model.setWeights(new Map(one.model.tensors().map(({ name, data }) => [name, data.fill(0.1)])));
      return [one.train(12, 20), one.bits()];
    });
    expect(compiled).toEqual(eager);
    expect(both[1].steps.isCompiled).toBe(true);
  });

  it('weights come out when they are read, and weights that somebody sets go in', () => {
    const config = small({});
    const found = (['eager', 'compiled'] as const).map((form) => {
      const one = new Trained(config, form);
      const seen: unknown[] = [];
      for (let step = 0; step < 20; step++) {
        seen.push(one.train(step, step + 1));
        if (step === 7) seen.push(one.model.tensors());
        if (step === 9) {
          const values = one.model
            .tensors()
            .map(({ name, data }): [string, Float32Array] => [name, data.map((weight) => weight / 2)]);
          one.model.setWeights(new Map(values));
        }
        const ids = tf.tensor1d(batchOf(step).inputs, 'int32');
        const logits = one.model.logits(ids, SEQUENCES);
        seen.push(logits.dataSync());
        tf.dispose([ids, logits]);
      }
      return seen;
    });
    expect(found[1]).toEqual(found[0]);
  });
});

describe.runIf(HAS_TENSORFLOW)('steps stay eager and say why', () => {
  const folders: string[] = [];
  const { TMPDIR } = process.env;
  afterEach(async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  /** Ten steps with a change on the way, in both forms: the same numbers. @returns why steps are eager */
  function reasonsOf(change: (one: Trained, step: number) => TokenWindows | void): string[] {
    const found = (['eager', 'compiled'] as const).map((form) => {
      const one = new Trained(small({}), form);
      const losses: number[] = [];
      for (let step = 0; step < 10; step++) {
        const batch = change(one, step) ?? batchOf(step);
        losses.push(one.steps.step(batch, ratesAt(step)).loss);
      }
      return { losses, bits: one.bits(), reasons: one.reasons, isCompiled: one.steps.isCompiled };
    });
    const [eager, compiled] = found;
    expect(compiled.losses).toEqual(eager.losses);
    expect(compiled.bits).toEqual(eager.bits);
    expect(compiled.isCompiled).toBe(false);
    return compiled.reasons;
  }

  it('where a layer reads a value', () => {
    const reasons = reasonsOf(({ model }) => {
      model.inputRule = (_, x) => tf.mul(x, tf.max(x).dataSync()[0] > 0 ? 1 : 2);
    });
    expect(reasons).toEqual(['a value of the step is read in JavaScript']);
  });

  it('where a layer draws numbers at random, or counts', () => {
    const reasons = reasonsOf(({ model }, step) => {
      model.inputRule = (_, x) => tf.mul(x, tf.randomUniform([1], 0.5, 1, 'float32', step));
    });
    expect(reasons).toEqual(['two steps in a row are not computed in the same way']);
  });

  it('where TensorFlow cannot load graphs', () => {
    const backend = native();
    const { binding } = backend;
    backend.binding = Object.create(binding, { loadSavedModel: { value: undefined } }) as typeof binding;
    try {
      expect(reasonsOf(() => {})).toEqual(['this TensorFlow cannot load graphs']);
    } finally {
      backend.binding = binding;
    }
  });

  it('where the graph cannot be written', () => {
    process.env.TMPDIR = join(tmpdir(), 'is-not-there');
    expect(reasonsOf(() => {})).toEqual([expect.stringMatching(/^it could not be loaded: ENOENT/)]);
  });

  it('where a batch has another size than the one before, from then on', () => {
    const reasons = reasonsOf((_, step) =>
      step === 6 ? corpus.sampleBatch(step, 1, SEQUENCES, TOKENS / 2) : undefined,
    );
    expect(reasons).toEqual(['a batch has 12 tokens, and the graph was made for 24']);
  });

  it('where few steps are to come: a graph would not pay', () => {
    const one = new Trained(small({}), 'compiled', { steps: 20 });
    one.train(0, 10);
    expect([one.steps.isCompiled, one.reasons]).toEqual([false, []]);
  });

  it('and what a killed process left in the temporary folder is not in the way', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'compiled-step-'));
    folders.push(folder);
    await mkdir(join(folder, 'bitnet-graph-000000'));
    process.env.TMPDIR = folder;
    const one = new Trained(small({}), 'compiled');
    one.train(0, 5);
    expect(one.steps.isCompiled).toBe(true);
    expect(await readdir(folder)).toEqual(['bitnet-graph-000000']);
  });
});
