/** Which of the project's model options inference runs. */
import type { TensorEntry } from '../checkpoint/checkpoint.js';
import { isTernary } from '../checkpoint/encodings.js';
import { OWN_QUANTIZERS } from '../ablation-options.js';
import { ablationOptions, type ModelConfig } from '../config.js';
import { ConfigError } from '../io/config-error.js';

/**
 * Checks that this engine runs the model that a config describes: ternary weights with an int8 scale for each token, or
 * no quantizers at all; with SubLN, with Pre-LN or without norms.
 * @param tensors how the matrices are stored: of those that are ternary already, any quantizer may have made them
 * @returns whether the matrices of the layers are ternary, as they are or once they are loaded
 * @throws ConfigError naming the option
 */
export function checkSupported(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorEntry>,
  source: string,
): boolean {
  const options = ablationOptions(config);
  const { weight_quantizer: weights, activation_quantizer: activations, norm_placement: norms } = options;
  const fail = (option: string, value: string, expected: string): never => {
    throw new ConfigError(
      `${source}: bitlm.${option} must be ${expected} for inference, got '${value}'. ` +
        'Such a model runs in the training engine alone.',
    );
  };
  for (const key of OWN_QUANTIZERS) {
    const own = options[key];
    if (own !== undefined) fail(key, own, 'absent');
  }
  const { down_activation_quantizer: down = activations } = options;
  if (down !== activations) fail('down_activation_quantizer', down, `'${activations}' as all others`);
  const { output_activation_quantizer: output = activations, body } = options;
  if (output !== activations) fail('output_activation_quantizer', output, `'${activations}' as all others`);
  for (const key of ['weight_groups', 'weight_group_size'] as const) {
    if (options[key] !== undefined) fail(key, String(options[key]), 'absent');
  }
  if (body !== undefined) fail('body', body, 'absent');
  if (norms === 'bmt') fail('norm_placement', norms, "'subln', 'preln' or 'none'");
  if (weights === 'none') {
    if (activations !== 'none')
      fail('activation_quantizer', activations, "'none' with full-precision weights");
    return false;
  }
  const stored = [...tensors.values()].filter(({ name }) => name.endsWith('_proj.weight'));
  if (weights !== 'absmean-ternary' && !stored.every(({ encoding }) => isTernary(encoding))) {
    fail('weight_quantizer', weights, "'absmean-ternary' or 'none', unless the model has been packed,");
  }
  if (activations !== 'absmax-int8-token') {
    fail('activation_quantizer', activations, "'absmax-int8-token' with ternary weights");
  }
  return true;
}
