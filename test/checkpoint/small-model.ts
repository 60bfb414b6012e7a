/** A model small enough to be written many times in a test, and places to write it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ModelTensor } from '../../lib/checkpoint/model-folder.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { parameterSpecs } from '../../lib/parameters.js';

/** A config of two layers; keys given replace its own. */
export function smallConfig(changes: Record<string, unknown> = {}): ModelConfig {
  return parseModelConfig({
    vocab_size: 24,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    bos_token_id: 22,
    eos_token_id: 23,
    quantization_config: {
      quant_method: 'bitnet',
      linear_class: 'autobitlinear',
      quantization_mode: 'online',
    },
    ...changes,
  });
}

/** Learned tensors for a config, the same in every run. */
export function smallTensors(config: ModelConfig): ModelTensor[] {
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return parameterSpecs(config).map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return { name, shape, data: Float32Array.from({ length: size }, random) };
  });
}

const base = mkdtempSync(join(tmpdir(), 'bitnet-checkpoint-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** An empty folder, which goes after the last test of the file. */
export function scratchFolder(): string {
  return mkdtempSync(join(base, 'scratch-'));
}
