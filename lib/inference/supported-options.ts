/** Which of the project's model options inference runs. */
import { ablationOptions, ConfigError, type ModelConfig } from '../config.js';

/**
 * Checks that this engine runs the model that a config describes: BitNet b1.58's quantizers or none, with SubLN, with
 * Pre-LN or without norms.
 * @returns whether the matrices of the layers are ternary
 * @throws ConfigError naming the option
 */
export function checkSupported(config: ModelConfig, source: string): boolean {
  const {
    weight_quantizer: weights,
    activation_quantizer: activations,
    norm_placement: norms,
  } = ablationOptions(config);
  const fail = (option: string, value: string, expected: string): never => {
    throw new ConfigError(
      `${source}: ${option} must be ${expected} for inference, got '${value}'. ` +
        'Such a model runs in the training engine alone.',
    );
  };
  if (norms === 'bmt') fail('bitlm.norm_placement', norms, "'subln', 'preln' or 'none'");
  if (weights === 'none') {
    if (activations !== 'none')
      fail('bitlm.activation_quantizer', activations, "'none' with full-precision weights");
    return false;
  }
  if (weights !== 'absmean-ternary') fail('bitlm.weight_quantizer', weights, "'absmean-ternary' or 'none'");
  if (activations !== 'absmax-int8-token') {
    fail('bitlm.activation_quantizer', activations, "'absmax-int8-token' with ternary weights");
  }
  return true;
}
