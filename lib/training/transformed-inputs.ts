/** Inputs that go through a matrix before they are quantized: what evaluations of SmoothQuant and of rotations need. */
import * as tf from '@tensorflow/tfjs';
import type { AblationOptions, ActivationQuantizerName } from '../ablation-options.js';
import type { InputRule } from '../model/forward-pass.js';
import { dequantizedActivations } from '../quantizers/on-tensors.js';

/**
 * An input rule: x·T, then the quantizer that the options name for the site.
 * @param transforms by site, each [C · C]; other sites keep their x
 * @throws Error for `elastic-int8`, whose learned step belongs to the untransformed input
 */
export function transformedInputs(
  options: AblationOptions,
  transforms: ReadonlyMap<string, Float32Array>,
): InputRule {
  const { activation_quantizer: usual } = options;
  if (usual === 'elastic-int8') {
    throw new Error('change model: inputTransforms must stand beside another quantizer than elastic-int8.');
  }
  const quantizerAt = (site: string): ActivationQuantizerName => {
    if (site === 'lm_head.input') return 'none';
    if (site.endsWith('self_attn.output')) return options.output_activation_quantizer ?? usual;
    return site.endsWith('mlp.output') ? (options.down_activation_quantizer ?? usual) : usual;
  };
  return (site, normed) =>
    tf.tidy(() => {
      const transform = transforms.get(site);
      const features = normed.shape[1]!;
      const x = transform ? tf.matMul(normed, tf.tensor2d(transform, [features, features])) : normed;
      return dequantizedActivations(quantizerAt(site), x);
    });
}
