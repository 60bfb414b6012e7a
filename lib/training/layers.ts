/** See layer-functions.ts. */
import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '../backend/notebook-tensorflow.js';
import { BITNET_B158 } from '../ablation-options.js';
import { RMS_NORM_EPS, ROPE_THETA } from '../config.js';
import { BitLM } from '../model/bitlm.js';
import { squaredRelu } from '../model/feed-forward.js';
import { attention, queryBlocks } from '../model/fused/attention.js';
import { bitLinear } from '../model/fused/bitlinear.js';
import { rmsNorm } from '../model/fused/norm.js';
import { rotate, rotaryTable } from '../model/rope.js';
import { activationQuantizer, straightThrough, weightQuantizer } from '../quantizers/straight-through.js';
import type { Layers } from './layer-functions.js';
import type { TrainableModel } from './types.js';

/** The layers of training. */
export const layers: Layers = {
  quantizeWeights: (weights) =>
    plain(straightThrough(real(weights), weightQuantizer(BITNET_B158.weight_quantizer))),
  quantizeActivations: (x) =>
    plain(straightThrough(real(x), activationQuantizer(BITNET_B158.activation_quantizer))),
  rmsNorm: (x, gain, epsilon = RMS_NORM_EPS) => plain(rmsNorm(real(x), { gain: real(gain), epsilon })),
  bitLinear: (x, weight, gain) =>
    plain(
      bitLinear(real(x), [real(weight)], {
        ...BITNET_B158,
        norm: gain && { gain: real(gain), epsilon: RMS_NORM_EPS },
      }),
    ),
  rotate: (x, theta = ROPE_THETA) => {
    const [tokens, size] = x.shape.slice(-2);
    return plain(tf.tidy(() => rotate(real(x), rotaryTable(tokens, size, theta))));
  },
  attention: (q, k, v, theta = ROPE_THETA) => plain(attentionOfHeads(real(q), real(k), real(v), theta)),
  squaredRelu: (gate, up) => plain(tf.mul(squaredRelu(real(gate)), real(up))),
  block: (model, layer, hidden, batch) => plain(inside(model).layer(layer, real(hidden), batch)),
  logits: (model, ids, batch) => plain(inside(model).logits(real(ids), batch)),
  loss: (model, ids, targets, batch) => plain(inside(model).loss(real(ids), real(targets), batch)),
};

/** Attention of the fused form, which takes q, k and v side by side. Legend: B batch, H heads, T tokens, D head size. */
function attentionOfHeads(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, theta: number): tf.Tensor {
  const [batch, heads, tokens, headDim] = q.shape;
  const keyValueHeads = k.shape[1];
  // Kept out of tidy: the gradient reads them.
  const table = rotaryTable(tokens, headDim, theta, { length: headDim ** -0.25 });
  const blocks = queryBlocks(tokens, heads / keyValueHeads);
  const rows = tf.reshape(tf.transpose(tf.concat([q, k, v], 1), [0, 2, 1, 3]), [batch * tokens, -1]);
  const mixed = attention(
    rows as tf.Tensor2D,
    { batch, tokens, heads, keyValueHeads, headDim },
    table,
    blocks,
  );
  return tf.transpose(tf.reshape(mixed, [batch, tokens, heads, headDim]), [0, 2, 1, 3]);
}

function inside(model: TrainableModel): BitLM {
  if (model instanceof BitLM) return model;
  throw new Error('layers: the model must come from createModel or openModel, got another object.');
}

/** A tensor of a notebook is one of TensorFlow.js's own, seen through fewer types. */
function real<T extends tf.Tensor>(x: Tensor): T {
  if (!(x instanceof tf.Tensor)) throw new Error('layers: every input must be a tensor, got another value.');
  return x as unknown as T;
}

function plain(x: tf.Tensor): Tensor {
  return x as unknown as Tensor;
}
