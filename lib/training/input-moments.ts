/** What GPTQ asks of a model: the second moments of what enters each of its quantized matrices. */
import * as tf from '@tensorflow/tfjs';
import type { TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';
import { evaluate } from './evaluate.js';

/** The matrices that read each site of a layer. */
const READERS: Readonly<Record<string, readonly string[]>> = {
  'self_attn.input': ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  'self_attn.output': ['self_attn.o_proj'],
  'mlp.input': ['mlp.gate_proj', 'mlp.up_proj'],
  'mlp.output': ['mlp.down_proj'],
};

/**
 * Mean of x·xᵀ over all tokens of the windows for every quantized matrix, x being what enters it unquantized.
 * @param windows whole windows, [windows · tokens]
 * @param tokens tokens in a window
 * @returns [in · in] by the matrix's name; matrices that read one input share one array
 */
export function inputMoments(model: BitLM, windows: TokenWindows, tokens: number): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  const ownRule = model.inputRule;
  model.inputRule = (site, normed) => {
    if (site !== 'lm_head.input') add(sums, site, normed as tf.Tensor2D);
    return tf.clone(normed);
  };
  try {
    evaluate(model, windows, tokens);
  } finally {
    model.inputRule = ownRule;
  }
  const moments = new Map<string, Float64Array>();
  for (const [site, sum] of sums) {
    const mean = sum.map((value) => value / windows.inputs.length);
    const [prefix, name] = /^(model\.layers\.\d+)\.(.+)$/.exec(site)!.slice(1);
    for (const reader of READERS[name]) moments.set(`${prefix}.${reader}.weight`, mean);
  }
  return moments;
}

/** Adds xᵀ·x of a batch, x [N, C]. */
function add(sums: Map<string, Float64Array>, site: string, x: tf.Tensor2D): void {
  const product = tf.tidy(() => tf.matMul(x, x, true).dataSync<'float32'>());
  const sum = sums.get(site);
  if (sum) for (let i = 0; i < sum.length; i++) sum[i] += product[i];
  else sums.set(site, Float64Array.from(product));
}
