import * as tf from '@tensorflow/tfjs';
import { BITNET_B158 } from '../config.js';
import { bitLinear } from '../model/fused/bitlinear.js';

/** One BitLinear layer on plain values; see Training.bitLinear. */
export function bitLinearOnValues(x: Float32Array, weight: Float32Array, inFeatures: number): Float32Array {
  const rows = (values: Float32Array): tf.Tensor2D =>
    tf.tensor2d(values, [values.length / inFeatures, inFeatures]);
  return tf.tidy(() => bitLinear(rows(x), [rows(weight)], BITNET_B158).dataSync<'float32'>());
}
