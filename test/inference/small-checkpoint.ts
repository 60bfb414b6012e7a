/** Small models of any shape in a folder of their own, with weights that follow from a seed. */
import { saveModelFolder, type ModelTensor } from '../../lib/checkpoint/model-folder.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { parameterSpecs } from '../../lib/parameters.js';
import { temporaryFolder } from '../temporary-folder.js';

export const ONLINE = {
  quant_method: 'bitnet',
  linear_class: 'autobitlinear',
  quantization_mode: 'online',
} as const;

/** Sizes that fit neither groups of four rows nor blocks of 64 columns. */
export function oddConfig(changes: Record<string, unknown> = {}): ModelConfig {
  return parseModelConfig({
    vocab_size: 53,
    hidden_size: 42,
    intermediate_size: 75,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    num_key_value_heads: 1,
    head_dim: 10,
    max_position_embeddings: 96,
    rope_theta: 10_000,
    quantization_config: ONLINE,
    ...changes,
  });
}

/** Learned tensors for a config: matrices around 0, gains around 1. */
export function randomTensors(config: ModelConfig, seed = 1): ModelTensor[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return parameterSpecs(config).map(({ name, shape, initial }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length }, () => (initial === 'ones' ? 1 + random() / 2 : random()));
    return { name, shape, data };
  });
}

/** Saves such a model; the folder goes when the test ends. */
export async function smallCheckpoint(
  config: ModelConfig,
  { seed = 1, dtype = 'F32' }: { seed?: number; dtype?: 'F32' | 'BF16' } = {},
): Promise<string> {
  const folder = `${await temporaryFolder()}/model`;
  await saveModelFolder(folder, { config, tensors: randomTensors(config, seed) }, dtype);
  return folder;
}
