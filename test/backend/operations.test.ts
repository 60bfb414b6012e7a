import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as op from '../../lib/backend/operations.js';
import { startTensorFlow } from '../../lib/backend/tensorflow.js';
import { BACKENDS } from '../backends.js';
import { excess } from '../golden/vectors.js';

type Case = [name: string, found: (x: tf.Tensor) => tf.Tensor, expected: (x: tf.Tensor) => tf.Tensor];

/** Each operation on x [2, 3, 4, 6], and TensorFlow.js's own. */
const CASES: Case[] = [
  ['abs', op.abs, tf.abs],
  ['square', op.square, tf.square],
  ['round', (x) => op.round(op.mul(x, 5)), (x) => tf.round(tf.mul(x, 5))],
  ['relu', op.relu, tf.relu],
  ['sigmoid', op.sigmoid, tf.sigmoid],
  ['softmax', op.softmax, tf.softmax],
  ['rsqrt', (x) => op.rsqrt(op.add(op.square(x), 0.5)), (x) => tf.rsqrt(tf.add(tf.square(x), 0.5))],
  ['add of rows', (x) => op.add(x, row(x)), (x) => tf.add(x, row(x))],
  ['sub from a number', (x) => op.sub(1, x), (x) => tf.sub(1, x)],
  ['mul', (x) => op.mul(x, x), (x) => tf.mul(x, x)],
  ['div by a number', (x) => op.div(x, 3), (x) => tf.div(x, 3)],
  ['maximum', (x) => op.maximum(x, 0.25), (x) => tf.maximum(x, 0.25)],
  ['reshape', (x) => op.reshape(x, [4, 36]), (x) => tf.reshape(x, [4, 36])],
  ['transpose', (x) => op.transpose(x, [2, 0, 3, 1]), (x) => tf.transpose(x, [2, 0, 3, 1])],
  ['slice', (x) => op.slice(x, [0, 1, 0, 2], [2, 1, -1, 3]), (x) => tf.slice(x, [0, 1, 0, 2], [2, 1, -1, 3])],
  ['concat', (x) => op.concat([x, op.square(x), x], 3), (x) => tf.concat([x, tf.square(x), x], 3)],
  ['reverse', (x) => op.reverse(x, 2), (x) => tf.reverse(x, 2)],
  ['matMul', (x) => op.matMul(x, op.transpose(x, [0, 1, 3, 2])), (x) => tf.matMul(x, x, false, true)],
  ['matMul, left transposed', (x) => op.matMul(x, x, true), (x) => tf.matMul(x, x, true)],
  ['matMul, right transposed', (x) => op.matMul(x, x, false, true), (x) => tf.matMul(x, x, false, true)],
];

const row = (x: tf.Tensor): tf.Tensor => tf.slice(x, [0, 0, 0, 0], [1, 1, 1, 6]);

describe.each(BACKENDS)('operations on %s', (backend) => {
  beforeAll(async () => {
    await startTensorFlow({ prefer: backend });
  });

  it.each(CASES)('%s equals that of TensorFlow.js, and leaves nothing behind', (_name, found, expected) => {
    const x = tf.randomNormal([2, 3, 4, 6], 0, 1, 'float32', 1);
    tf.tidy(() => void found(x).dataSync()); // makes the constants
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [a, b] = [found(x), expected(x)];
      expect(a.shape).toEqual(b.shape);
      expect(excess(a.dataSync(), b.dataSync(), { absolute: 1e-6, relative: 1e-6 })).toBeLessThanOrEqual(1);
    });
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});
