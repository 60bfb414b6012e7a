/** The reader's own quantizers of a model: its config names them, so that runs and checkpoints do. */
import type { AblationOptions } from '../ablation-options.js';
import { ablationOptions, type ModelConfig } from '../config.js';
import { quote } from '../io/quote.js';
import { OwnQuantizer } from './own-quantizer.js';
import type { OwnParts } from './quantizer-function.js';

/** The parts of a model that are a reader's, tried and named. */
export interface OwnQuantizers {
  weights?: OwnQuantizer;
  activations?: OwnQuantizer;
}

/** Tries the functions and names them. @throws Error as OwnQuantizer does, and for unknown parts */
export function ownQuantizers(parts: OwnParts = {}): OwnQuantizers {
  const { weightQuantizer, activationQuantizer, ...others } = parts;
  const unknown = Object.keys(others);
  if (unknown.length > 0) {
    throw new Error(
      `own parts: must be weightQuantizer or activationQuantizer, got ${unknown.map((name) => quote(name)).join(', ')}.`,
    );
  }
  return {
    ...(weightQuantizer && { weights: new OwnQuantizer('weightQuantizer', weightQuantizer) }),
    ...(activationQuantizer && { activations: new OwnQuantizer('activationQuantizer', activationQuantizer) }),
  };
}

/** The config of a model with own quantizers: it names them, so that runs and checkpoints do. */
export function configWithOwn(config: ModelConfig, own: OwnQuantizers): ModelConfig {
  const { weights, activations } = own;
  if (!weights && !activations) return config;
  const { quantization_config: _, ...rest } = config;
  const {
    down_activation_quantizer: down,
    output_activation_quantizer: output,
    ...options
  } = ablationOptions(config);
  const bitlm: AblationOptions = {
    ...options,
    ...(down && !activations && { down_activation_quantizer: down }),
    ...(output && !activations && { output_activation_quantizer: output }),
    ...(weights && { weight_quantizer: 'none', own_weight_quantizer: weights.id }),
    ...(activations && { activation_quantizer: 'none', own_activation_quantizer: activations.id }),
  };
  return { ...rest, bitlm };
}

/** @throws Error where the functions are not those that the options name */
export function checkOwnQuantizers(options: AblationOptions, own: OwnQuantizers): void {
  for (const [part, wanted, found] of [
    ['weightQuantizer', options.own_weight_quantizer, own.weights?.id],
    ['activationQuantizer', options.own_activation_quantizer, own.activations?.id],
  ] as const) {
    if (wanted === found) continue;
    throw new Error(
      `own parts: ${part} must be ${wanted === undefined ? 'left out' : `the function ${wanted}, which the model was trained with`}, ` +
        `got ${found ?? 'none'}. Pass it: openModel(folder, { ${part} }).`,
    );
  }
}
