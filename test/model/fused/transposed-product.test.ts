import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { matMul2D } from '../../../lib/backend/kernels.js';
import { transposedProduct } from '../../../lib/model/fused/transposed-product.js';
import { startTensorFlow } from '../../../lib/backend/tensorflow.js';
import { BACKENDS } from '../../backends.js';
import { excess } from '../../golden/vectors.js';

describe.each(BACKENDS)('transposedProduct on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  // Where the first has half as many columns again as the second the product is turned round.
  it.each([
    [512, 24],
    [24, 512],
    [512, 1024],
    [36, 24],
    [35, 24],
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

  it.each([
    [2880, 129, 12],
    [2880, 286, 104],
    [768, 192, 64],
    [300, 512, 7],
  ])('has the bits of the plain product, %i rows of %i and %i', (rows, left, right) => {
    tf.tidy(() => {
      const a = tf.randomNormal<tf.Rank.R2>([rows, left], 0, 1, 'float32', 1);
      const b = tf.randomNormal<tf.Rank.R2>([rows, right], 0, 1, 'float32', 2);
      expect(transposedProduct(a, b).dataSync()).toEqual(matMul2D(a, b, true).dataSync());
    });
  });
});
