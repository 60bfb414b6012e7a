import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import { normAndQuantize } from '../../../lib/model/fused/norm-quantize.js';
import { rmsNormForward } from '../../../lib/model/fused/norm.js';
import { dequantizedActivations } from '../../../lib/quantizers/on-tensors.js';
import { BACKENDS } from '../../backends.js';
import { excess } from '../../golden/vectors.js';

describe.each(BACKENDS)('normAndQuantize on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  it.each(['absmax-int8-token', 'absmax-int4-token'] as const)('equals the norm, then %s', (quantizer) => {
    tf.tidy(() => {
      // Rows of ordinary size, one of zeros, and one so small that ε inside the root outweighs it.
      const sizes = tf.tensor2d([1, 30, 0, 1e-9], [4, 1]);
      const x = tf.mul(tf.randomNormal<tf.Rank.R2>([4, 48], 0, 1, 'float32', 3), sizes);
      const gain = tf.randomUniform<tf.Rank.R1>([48], 0.5, 1.5, 'float32', 4);
      const norm = { gain, epsilon: 1e-5 };
      const { activations, reciprocal } = normAndQuantize(x, norm, quantizer);
      const apart = rmsNormForward(x, norm);
      const expected = dequantizedActivations(quantizer, apart.y);
      const tolerance = { absolute: 1e-9, relative: 1e-6 };
      expect(excess(activations.dataSync(), expected.dataSync(), tolerance)).toBeLessThanOrEqual(1);
      expect([...reciprocal.dataSync()]).toEqual([...apart.reciprocal.dataSync()]);
    });
  });

  it('spreads NaN over its row alone', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([NaN, 1, 2, 3], [2, 2]);
      const { activations } = normAndQuantize(x, { gain: tf.ones([2]), epsilon: 1e-5 }, 'absmax-int8-token');
      expect(Array.from(activations.dataSync(), Number.isNaN)).toEqual([true, true, false, false]);
    });
  });
});
