/** The public names: what a notebook may import. Nothing here loads TensorFlow. */
export {
  BITNET_B158,
  ConfigError,
  FULL_PRECISION,
  parseModelConfig,
  type AblationOptions,
  type ActivationQuantizerName,
  type ModelConfig,
  type NormPlacement,
  type QuantizationConfig,
  type WeightQuantizerName,
} from './config.js';
