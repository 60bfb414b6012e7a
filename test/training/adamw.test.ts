import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { AdamW, type AdamWOptions } from '../../lib/training/adamw.js';
import { clipFactor, halfSquares, normOf } from '../../lib/training/step.js';
import { BACKENDS } from '../backends.js';
import { excess, float32, golden, type GoldenTensor } from '../golden/vectors.js';

interface OptimizerCase {
  hyper: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  init: GoldenTensor[];
  steps: { grads: GoldenTensor[]; params_after: GoldenTensor[] }[];
}

const { optimizers } = golden('ops/optim.json') as {
  optimizers: Record<'adamw' | 'adamw_no_wd', OptimizerCase> & {
    'clip_grad_norm_1.0': { grads: GoldenTensor[]; total_norm: number; clipped: GoldenTensor[] };
  };
};
const TOLERANCE = { absolute: 1e-6, relative: 1e-6 };

/** PyTorch's groups decay vectors too: as [1, n] matrices they decay here. */
function parametersOf(tensors: GoldenTensor[]): Map<string, tf.Variable> {
  return new Map(
    tensors.map((t, i) => [`p${i}`, tf.tidy(() => tf.variable(tf.tensor(float32(t), asMatrix(t.shape))))]),
  );
}

function asMatrix(shape: number[]): number[] {
  return shape.length === 1 ? [1, ...shape] : shape;
}

const KERNELS = BACKENDS.flatMap((backend) =>
  (backend === 'tensorflow' ? (['native', 'plain'] as const) : (['plain'] as const)).map(
    (kernel) => [backend, kernel] as const,
  ),
);

describe.each(KERNELS)('AdamW on %s, %s kernel', (backend, kernel: AdamWOptions['kernel']) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  it.each(['adamw', 'adamw_no_wd'] as const)('follows PyTorch step by step: %s', (name) => {
    const { hyper, init, steps } = optimizers[name];
    const parameters = parametersOf(init);
    const adamw = new AdamW(parameters, { betas: hyper.betas, epsilon: hyper.eps, kernel });
    for (const { grads, params_after: after } of steps) {
      const gradients = new Map(grads.map((g, i) => [`p${i}`, tf.tensor(float32(g), asMatrix(g.shape))]));
      adamw.step(gradients, { learningRate: hyper.lr, weightDecay: hyper.weight_decay });
      after.forEach((expected, i) => {
        const found = parameters.get(`p${i}`)!.dataSync();
        expect(excess(found, float32(expected), TOLERANCE)).toBeLessThanOrEqual(1);
      });
      tf.dispose([...gradients.values()]);
    }
    adamw.dispose();
    tf.dispose([...parameters.values()]);
  });

  it('does not decay the gains of norms, which are vectors', () => {
    const parameters = new Map([['gain', tf.variable(tf.ones([4]))]]);
    const adamw = new AdamW(parameters, { kernel });
    adamw.step(new Map([['gain', tf.zeros([4])]]), { learningRate: 0.1, weightDecay: 0.5 });
    expect([...parameters.get('gain')!.dataSync()]).toEqual([1, 1, 1, 1]);
    adamw.dispose();
  });

  it('goes on after restore exactly as if it had never stopped', () => {
    const { hyper, init, steps } = optimizers.adamw;
    const rates = { learningRate: hyper.lr, weightDecay: hyper.weight_decay };
    const run = (from: Map<string, tf.Variable>, adamw: AdamW, part: OptimizerCase['steps']): void => {
      for (const { grads } of part) {
        adamw.step(new Map(grads.map((g, i) => [`p${i}`, tf.tensor(float32(g), asMatrix(g.shape))])), rates);
      }
      expect(from.size).toBe(init.length);
    };
    const whole = parametersOf(init);
    run(whole, new AdamW(whole, { kernel }), steps);

    const first = parametersOf(init);
    const before = new AdamW(first, { kernel });
    run(first, before, steps.slice(0, 2));
    const after = new AdamW(first, { kernel });
    after.restore(before.state());
    run(first, after, steps.slice(2));
    for (const [name, parameter] of whole) {
      expect([...first.get(name)!.dataSync()]).toEqual([...parameter.dataSync()]);
    }
  });

  it('refuses a missing gradient and moments that do not fit, by name', () => {
    const parameters = new Map([['w', tf.variable(tf.ones([2, 2]))]]);
    const adamw = new AdamW(parameters, { kernel });
    expect(() => adamw.step(new Map(), { learningRate: 0.1, weightDecay: 0 })).toThrow(/gradient.*w/);
    const state = { updates: 1, first: new Map([['w', new Float32Array(3)]]), second: new Map() };
    expect(() => adamw.restore(state)).toThrow(/w must have two moments of 4 values/);
    adamw.dispose();
  });
});

describe.each(BACKENDS)('clipping on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  it('the norm and clipFactor equal PyTorch’s clip_grad_norm_', () => {
    const { grads, total_norm: norm, clipped } = optimizers['clip_grad_norm_1.0'];
    const gradients = grads.map((g) => tf.tensor(float32(g), g.shape));
    const found = normOf(halfSquares(gradients).dataSync<'float32'>());
    expect(found).toBeCloseTo(norm, 5);
    gradients.forEach((gradient, i) => {
      const scaled = tf.mul(gradient, clipFactor(found, 1)).dataSync();
      expect(excess(scaled, float32(clipped[i]), TOLERANCE)).toBeLessThanOrEqual(1);
    });
    expect(clipFactor(0.5, 1)).toBe(1);
  });
});
