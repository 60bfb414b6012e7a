/** Values and gradients of the model's operations against PyTorch (test/golden/ops/layers.json), on every backend. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import * as plainAttention from '../../lib/model/attention.js';
import * as plainBitLinear from '../../lib/model/bitlinear.js';
import { crossEntropyPerPosition } from '../../lib/model/cross-entropy.js';
import * as plainFeedForward from '../../lib/model/feed-forward.js';
import { gelu } from '../../lib/model/feed-forward.js';
import { attention, queryBlocks } from '../../lib/model/fused/attention.js';
import { bitLinear, type BitLinearOptions } from '../../lib/model/fused/bitlinear.js';
import { crossEntropy } from '../../lib/model/fused/cross-entropy.js';
import { embed } from '../../lib/model/fused/embedding.js';
import { feedForward, gatedSquaredRelu, swiGlu } from '../../lib/model/fused/feed-forward.js';
import * as fusedNorm from '../../lib/model/fused/norm.js';
import { layerNorm } from '../../lib/model/layer-norm.js';
import { rotate, rotateBack } from '../../lib/model/fused/rope.js';
import * as plainNorm from '../../lib/model/norm.js';
import * as plainRope from '../../lib/model/rope.js';
import { rotaryTable } from '../../lib/model/rope.js';
import { activationQuantizer, weightQuantizer } from '../../lib/quantizers/straight-through.js';
import { BACKENDS } from '../backends.js';
import { excess, float32, golden, type GoldenTensor } from '../golden/vectors.js';

interface Case {
  inputs: Record<string, GoldenTensor>;
  output: GoldenTensor;
  cotangent: GoldenTensor;
  grads: Record<string, GoldenTensor>;
  ids?: number[][];
  targets?: number[];
}

const cases = golden('ops/layers.json') as Record<string, Case>;

/** The golden README's tolerance: 1e-5 absolute and 1e-5 relative. */
const TOLERANCE = { absolute: 1e-5, relative: 1e-5 };

function tensor(golden: GoldenTensor, shape: number[] = golden.shape): tf.Tensor {
  return tf.tensor(float32(golden), shape);
}

/** Runs an operation on a case's inputs; compares its value and the gradients of Σ output · cotangent. */
function check(
  name: string,
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputNames: string[],
  reshape: (input: string, shape: number[]) => number[] = (_, shape) => shape,
): void {
  const { inputs, output, cotangent, grads } = cases[name];
  tf.tidy(() => {
    const tensors = inputNames.map((input) => tensor(inputs[input], reshape(input, inputs[input].shape)));
    const { value, grads: found } = tf.valueAndGrads((...x: tf.Tensor[]) => operation(...x))(
      tensors,
      tensor(cotangent, operation(...tensors).shape),
    );
    expect(excess(value.dataSync(), float32(output), TOLERANCE), `${name}: value`).toBeLessThanOrEqual(1);
    inputNames.forEach((input, index) => {
      const worst = excess(found[index].dataSync(), float32(grads[input]), TOLERANCE);
      expect(worst, `${name}: gradient of ${input}`).toBeLessThanOrEqual(1);
    });
  });
}

const B158 = { weight_quantizer: 'absmean-ternary', activation_quantizer: 'absmax-int8-token' } as const;

/** What the plain form takes, of the fast form's options. */
function plainParts(options: BitLinearOptions): plainBitLinear.BitLinearParts {
  const { norm, step, straight_through: straightThrough } = options;
  return {
    norm,
    quantizeActivations: activationQuantizer(options.activation_quantizer, { straightThrough, step }),
    quantizeWeights: weightQuantizer(options.weight_quantizer, straightThrough),
  };
}

/** The largest difference of value and gradients between two operations, in parts of 1e-4. */
function differenceOf(
  inputs: tf.Tensor[],
  one: (...inputs: tf.Tensor[]) => tf.Tensor,
  other: (...inputs: tf.Tensor[]) => tf.Tensor,
): number {
  const dy = tf.randomNormal(one(...inputs).shape, 0, 1, 'float32', 99);
  const [a, b] = [one, other].map((f) => tf.valueAndGrads((...x: tf.Tensor[]) => f(...x))(inputs, dy));
  const pairs = [[a.value, b.value], ...a.grads.map((gradient, i) => [gradient, b.grads[i]])];
  // A sum of large products that cancel leaves more rounding than a single operation.
  const tolerance = { absolute: 1e-4, relative: 1e-4 };
  return Math.max(
    ...pairs.map(([found, expected]) => excess(found.dataSync(), expected.dataSync(), tolerance)),
  );
}

describe.each(BACKENDS)('on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  it.each([
    ['plain', plainNorm.rmsNorm],
    ['fused', fusedNorm.rmsNorm],
  ])('rmsNorm equals PyTorch, gain and gradient included: %s', (_, rmsNorm) => {
    check('rmsnorm', (x, gain) => rmsNorm(x as tf.Tensor2D, { gain: gain as tf.Tensor1D, epsilon: 1e-5 }), [
      'x',
      'w',
    ]);
  });

  it('layerNorm leaves rows of mean 0 and variance 1, without gain', () => {
    const y = tf.tidy(() =>
      layerNorm(
        tf.tensor2d([
          [1, 2, 3, 4],
          [5, 5, 5, 5],
        ]),
        0.75,
      ).dataSync(),
    );
    // Variance 1.25, so the root of 2; equal values become zeros.
    const expected = [-1.5, -0.5, 0.5, 1.5, 0, 0, 0, 0].map((value) => value / Math.SQRT2);
    expect(excess(y, expected, { relative: 1e-6, absolute: 1e-7 })).toBeLessThanOrEqual(1);
  });

  it('gelu is x·Φ(x), with its gradient', () => {
    const x = tf.tensor1d([-2, -1, 0, 1, 2]);
    // SciPy: x * norm.cdf(x), and norm.cdf(x) + x * norm.pdf(x).
    const values = [-0.045500264, -0.158655254, 0, 0.841344746, 1.954499736];
    const slopes = [-0.085231977, -0.083315471, 0.5, 1.083315471, 1.085231977];
    expect(excess(gelu(x).dataSync(), values, { relative: 1e-5, absolute: 1e-6 })).toBeLessThanOrEqual(1);
    const gradient = tf.grad((x) => gelu(x))(x);
    expect(excess(gradient.dataSync(), slopes, { relative: 1e-5, absolute: 1e-6 })).toBeLessThanOrEqual(1);
  });

  const layers: [string, typeof bitLinear][] = [
    ['plain', (x, weights, options) => plainBitLinear.bitLinear(x, weights, plainParts(options))],
    ['fused', bitLinear],
  ];

  describe.each(layers)('bitLinear, %s', (_, bitLinear) => {
    it.each([
      ['bitlinear_b158_ste', B158],
      ['bitlinear_b1_sign_ste', { ...B158, weight_quantizer: 'sign' }],
      ['linear', { weight_quantizer: 'none', activation_quantizer: 'none' }],
    ] as [string, Pick<BitLinearOptions, 'weight_quantizer' | 'activation_quantizer'>][])(
      'equals PyTorch: %s',
      (name, quantizers) => {
        const bias = cases[name].inputs.b;
        check(
          name,
          (x, w) => {
            const options = { ...quantizers, straight_through: 'identity' } as const;
            const y = bitLinear(x as tf.Tensor2D, [w as tf.Tensor2D], options);
            return bias ? tf.add(y, tensor(bias)) : y;
          },
          ['x', 'w'],
        );
      },
    );

    it('behind its norm equals PyTorch', () => {
      check(
        'bitlinear_b158_ste_with_rmsnorm',
        (x, w, gain) =>
          bitLinear(x as tf.Tensor2D, [w as tf.Tensor2D], {
            ...B158,
            straight_through: 'identity',
            norm: { gain: gain as tf.Tensor1D, epsilon: 1e-5 },
          }),
        ['x', 'w', 'gain'],
      );
    });
  });

  it('several weights side by side give what each gives alone', () => {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R2>([6, 8], 0, 1, 'float32', 1);
      const weights = [5, 3, 4].map((out, i) =>
        tf.randomNormal<tf.Rank.R2>([out, 8], 0, 1, 'float32', i + 2),
      );
      const options = { ...B158, straight_through: 'identity' } as const;
      const joint = bitLinear(x, weights, options);
      const alone = tf.concat(
        weights.map((w) => bitLinear(x, [w], options)),
        1,
      );
      expect(excess(joint.dataSync(), alone.dataSync(), TOLERANCE)).toBeLessThanOrEqual(1);
    });
  });

  it.each([
    ['rope_rotate_half', 10_000, 0],
    ['rope_rotate_half_theta500000_offset7', 500_000, 7],
  ])('rotate equals PyTorch: %s', (name, theta, offset) => {
    const { inputs, output, cotangent, grads } = cases[name];
    const [tokens, , headDim] = inputs.x.shape;
    tf.tidy(() => {
      const table = rotaryTable(tokens, headDim, theta, { offset });
      const headsFirst = (golden: GoldenTensor): tf.Tensor => tf.transpose(tensor(golden), [1, 0, 2]);
      const back = tf.transpose(rotateBack(headsFirst(cotangent), table), [1, 0, 2]);
      for (const turn of [plainRope.rotate, rotate]) {
        const turned = tf.transpose(turn(headsFirst(inputs.x), table), [1, 0, 2]);
        expect(excess(turned.dataSync(), float32(output), TOLERANCE)).toBeLessThanOrEqual(1);
      }
      expect(excess(back.dataSync(), float32(grads.x), TOLERANCE)).toBeLessThanOrEqual(1);
    });
  });

  it.each(['attention_gqa_causal', 'attention_mha_causal'])('attention equals PyTorch: %s', (name) => {
    const { inputs } = cases[name];
    const [tokens, heads, headDim] = inputs.q.shape;
    const keyValueHeads = inputs.k.shape[1];
    // No rotation here: cosine 1, sine 0, and the length that makes 1/√D of the scores.
    const length = headDim ** -0.25;
    check(
      name,
      (q, k, v) => {
        const table = {
          cosine: tf.mul<tf.Tensor2D>(tf.ones([tokens, headDim]), length),
          signedSine: tf.zeros<tf.Rank.R2>([tokens, headDim]),
        };
        for (const kept of Object.values(table)) tf.keep(kept);
        const blocks = queryBlocks(tokens, heads / keyValueHeads);
        for (const { mask } of blocks) tf.keep(mask);
        const qkv = tf.concat([q, k, v], 1) as tf.Tensor2D;
        return attention(qkv, { batch: 1, tokens, heads, keyValueHeads, headDim }, table, blocks);
      },
      ['q', 'k', 'v'],
      (_, [rows, count, size]) => [rows, count * size],
    );
  });

  it.each(['attention_gqa_causal', 'attention_mha_causal'])('plain attention equals PyTorch: %s', (name) => {
    const { inputs } = cases[name];
    const [tokens, heads, headDim] = inputs.q.shape;
    const shape = { batch: 1, tokens, heads, keyValueHeads: inputs.k.shape[1], headDim };
    check(
      name,
      (q, k, v) => {
        const cosine = tf.ones<tf.Rank.R2>([tokens, headDim]);
        const signedSine = tf.zeros<tf.Rank.R2>([tokens, headDim]);
        return plainAttention.attention(tf.concat([q, k, v], 1) as tf.Tensor2D, shape, {
          cosine,
          signedSine,
        });
      },
      ['q', 'k', 'v'],
      (_, [rows, count, size]) => [rows, count * size],
    );
  });

  it.each([
    ['relu2', 'identity', 'absmax-int8-token'],
    ['silu', 'identity', 'absmax-int8-token'],
    ['relu2', 'clipped', 'absmean-int4-token'],
    ['relu2', 'identity', 'none'],
  ] as const)(
    'feedForward with %s and %s gradients is the plain one',
    (activation, straightThrough, quantizer) => {
      tf.tidy(() => {
        const normal = (shape: number[], seed: number): tf.Tensor =>
          tf.randomNormal(shape, 0, 1, 'float32', seed);
        const inputs = [
          normal([6, 8], 1),
          normal([12, 8], 2),
          normal([12, 8], 3),
          normal([8, 12], 4),
          normal([8], 5),
          normal([12], 6),
        ];
        const options = (gain: tf.Tensor): BitLinearOptions => ({
          weight_quantizer: 'absmean-ternary',
          activation_quantizer: quantizer,
          straight_through: straightThrough,
          norm: { gain: gain as tf.Tensor1D, epsilon: 1e-5 },
        });
        const block = (tensors: tf.Tensor[]): { gate: tf.Tensor2D; up: tf.Tensor2D; down: tf.Tensor2D } => {
          const [gate, up, down] = tensors as tf.Tensor2D[];
          return { gate, up, down };
        };
        const difference = differenceOf(
          inputs,
          (x, ...rest) =>
            feedForward(
              x as tf.Tensor2D,
              { ...block(rest), input: options(rest[3]), output: options(rest[4]) },
              activation,
            ),
          (x, ...rest) =>
            plainFeedForward.feedForward(
              x as tf.Tensor2D,
              {
                ...block(rest),
                input: plainParts(options(rest[3])),
                output: plainParts(options(rest[4])),
              },
              activation,
            ),
        );
        expect(difference).toBeLessThanOrEqual(1);
      });
    },
  );

  it('gated squared ReLU is relu(g)² ∘ u, SwiGLU is silu(g) ∘ u', () => {
    for (const [name, gated] of [
      ['relu2', gatedSquaredRelu],
      ['silu', swiGlu],
    ] as const) {
      const shape = cases[name].inputs.x.shape as [number, number];
      // With up = 1 the gate alone is left.
      check(name, (x) => gated(tf.concat([x, tf.ones(shape)], 1) as tf.Tensor2D), ['x']);
    }
    // With a gate of constant 2 the gradient reaches up: d(relu(2)² · u)/du = 4.
    tf.tidy(() => {
      const slope = tf.grad((up) =>
        gatedSquaredRelu(tf.concat([tf.mul(tf.ones([2, 3]), 2), up], 1) as tf.Tensor2D),
      );
      expect([...slope(tf.ones([2, 3])).dataSync()]).toEqual([4, 4, 4, 4, 4, 4]);
    });
  });

  it('embed equals PyTorch, a row that is read twice included', () => {
    const ids = cases.embedding.ids!.flat();
    const held = tf.tensor1d(ids, 'int32');
    check('embedding', (w) => tf.reshape(embed(w as tf.Tensor2D, held), cases.embedding.output.shape), ['w']);
    held.dispose();
  });

  it('crossEntropy equals PyTorch, and is the mean of crossEntropyPerPosition', () => {
    const { inputs, targets, output, grads } = cases['cross_entropy_mean_ignore_-100'];
    const rows = targets!.map((target, row) => ({ target, row })).filter(({ target }) => target >= 0);
    tf.tidy(() => {
      const expected = tf.tensor1d(
        rows.map(({ target }) => target),
        'int32',
      );
      const rowIds = tf.tensor1d(
        rows.map(({ row }) => row),
        'int32',
      );
      const logits = tf.gather(tensor(inputs.x), rowIds) as tf.Tensor2D;
      const { value, grad } = tf.valueAndGrad((x) => crossEntropy(x as tf.Tensor2D, expected))(logits);
      const wanted = tf.gather(tensor(grads.x), rowIds);
      expect(excess(value.dataSync(), float32(output), TOLERANCE)).toBeLessThanOrEqual(1);
      expect(excess(grad.dataSync(), wanted.dataSync(), TOLERANCE)).toBeLessThanOrEqual(1);
      const mean = tf.mean(crossEntropyPerPosition(logits, expected));
      expect(excess(mean.dataSync(), float32(output), TOLERANCE)).toBeLessThanOrEqual(1);
    });
  });

  it('bitLinear refuses a weight that does not fit, with both shapes', () => {
    const options = { ...B158, straight_through: 'identity' } as const;
    expect(() => bitLinear(tf.zeros([2, 8]), [tf.zeros([4, 7])], options)).toThrow(/\[out, 8\].*\[4, 7\]/);
  });
});
