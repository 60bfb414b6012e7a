import * as tf from '@tensorflow/tfjs';
import { BITNET_B158 } from '../config.js';
import { bitLinear } from '../model/fused/bitlinear.js';

/** One BitLinear layer on plain values; see Training.bitLinear. */
export function bitLinearOnValues(x: Float32Array, weight: Float32Array, inFeatures: number): Float32Array {
  if (!Number.isInteger(inFeatures) || inFeatures < 1)
    throw new Error(`bitLinear: inFeatures must be a whole number from 1, got ${inFeatures}.`);
  for (const [name, values] of Object.entries({ x, weight })) {
    if (!(values instanceof Float32Array) || values.length === 0 || values.length % inFeatures !== 0) {
      const found = values instanceof Float32Array ? `${values.length} values` : typeof values;
      throw new Error(
        `bitLinear: ${name} must be a Float32Array of whole rows of ${inFeatures} values, got ${found}.`,
      );
    }
  }
  const rows = (values: Float32Array): tf.Tensor2D =>
    tf.tensor2d(values, [values.length / inFeatures, inFeatures]);
  return tf.tidy(() => bitLinear(rows(x), [rows(weight)], BITNET_B158).dataSync<'float32'>());
}
