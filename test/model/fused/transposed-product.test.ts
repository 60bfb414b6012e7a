import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { transposedProduct } from '../../../lib/model/fused/transposed-product.js';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import { BACKENDS } from '../../backends.js';
import { excess } from '../../golden/vectors.js';

describe.each(BACKENDS)('transposedProduct on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  // 512 and 1024 columns are those that are lengthened.
  it.each([
    [512, 24],
    [24, 512],
    [512, 1024],
    [7, 24],
  ])('equals aᵀ·b for %i and %i columns', (left, right) => {
    tf.tidy(() => {
      const a = tf.randomNormal<tf.Rank.R2>([40, left], 0, 1, 'float32', 1);
      const b = tf.randomNormal<tf.Rank.R2>([40, right], 0, 1, 'float32', 2);
      const found = transposedProduct(a, b);
      const expected = tf.matMul(tf.transpose(a), b);
      expect(found.shape).toEqual([left, right]);
      const tolerance = { absolute: 1e-5, relative: 1e-5 };
      expect(excess(found.dataSync(), expected.dataSync(), tolerance)).toBeLessThanOrEqual(1);
    });
  });
});
