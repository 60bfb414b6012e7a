/**
 * A stand-in for the weights of BitNet b1.58 2B4T: its exact shapes and format (packed, 1.18 GB), with random trits, a
 * random embedding and norms of 1; or the master weights that such a model is trained in (BF16, 4.83 GB). It says
 * nothing about text and everything about speed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@bitnet-notebooks/lib';
import { PUBLISHED_CONFIG } from './results.js';

/** bf16 codes: 1, and a scale that keeps activations near 1 (1 / √(2560 · 2/3)). */
const ONE = 0x3f80;
const WEIGHT_SCALE = 0x3cc9;
const CHUNK_BYTES = 8 * 2 ** 20;

interface Planned {
  name: string;
  dtype: 'U8' | 'BF16';
  shape: number[];
  bytes: number;
  fill: 'trits' | 'normal' | 'ones' | 'scale';
}

/** Which stand-in. */
export interface SyntheticOptions {
  /** Fewer than the 30 of 2B4T for a quick look. */
  layers?: number;
  form?: 'packed' | 'master';
}

function plannedTensors({ layers, form }: Required<SyntheticOptions>): Planned[] {
  const { hidden_size: hidden, intermediate_size: inner, num_key_value_heads: kvHeads } = PUBLISHED_CONFIG;
  const keys = kvHeads * (hidden / PUBLISHED_CONFIG.num_attention_heads);
  const tensors: Planned[] = [];
  const add = (name: string, dtype: Planned['dtype'], shape: number[], fill: Planned['fill']): void => {
    const values = shape.reduce((product, length) => product * length, 1);
    tensors.push({ name, dtype, shape, bytes: values * (dtype === 'U8' ? 1 : 2), fill });
  };
  const matrix = (name: string, out: number, input: number): void => {
    if (form === 'master') return add(`${name}.weight`, 'BF16', [out, input], 'normal');
    add(`${name}.weight`, 'U8', [out / 4, input], 'trits');
    add(`${name}.weight_scale`, 'BF16', [1], 'scale');
  };
  add('model.embed_tokens.weight', 'BF16', [PUBLISHED_CONFIG.vocab_size, hidden], 'normal');
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    add(`${prefix}.input_layernorm.weight`, 'BF16', [hidden], 'ones');
    matrix(`${prefix}.self_attn.q_proj`, hidden, hidden);
    matrix(`${prefix}.self_attn.k_proj`, keys, hidden);
    matrix(`${prefix}.self_attn.v_proj`, keys, hidden);
    add(`${prefix}.self_attn.attn_sub_norm.weight`, 'BF16', [hidden], 'ones');
    matrix(`${prefix}.self_attn.o_proj`, hidden, hidden);
    add(`${prefix}.post_attention_layernorm.weight`, 'BF16', [hidden], 'ones');
    matrix(`${prefix}.mlp.gate_proj`, inner, hidden);
    matrix(`${prefix}.mlp.up_proj`, inner, hidden);
    add(`${prefix}.mlp.ffn_sub_norm.weight`, 'BF16', [inner], 'ones');
    matrix(`${prefix}.mlp.down_proj`, hidden, inner);
  }
  add('model.norm.weight', 'BF16', [hidden], 'ones');
  return tensors;
}

/** xorshift32: fast, and random enough for weights that mean nothing. */
function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The 81 bytes that hold four trits, each as likely as the others: a third of every trit. */
const TRIT_BYTES = Uint8Array.from({ length: 81 }, (_, i) => {
  const code = (n: number): number => Math.floor(i / 3 ** n) % 3;
  return code(0) | (code(1) << 2) | (code(2) << 4) | (code(3) << 6);
});

/** bf16 codes of the quantiles of a normal distribution of deviation 0.05, found by adding twelve uniform numbers. */
function normalCodes(random: () => number): Uint16Array {
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  return Uint16Array.from({ length: 65_536 }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random() / 2 ** 32;
    value[0] = 0.05 * sum;
    return bits[0] >>> 16;
  });
}

/**
 * Writes the checkpoint into `folder` unless it is there.
 * @returns the folder
 */
export async function syntheticCheckpoint(
  folder: string,
  { layers = PUBLISHED_CONFIG.num_hidden_layers, form = 'packed' }: SyntheticOptions = {},
): Promise<string> {
  const file = join(folder, 'model.safetensors');
  if (existsSync(file)) return folder;
  await mkdir(folder, { recursive: true });
  const config = {
    ...PUBLISHED_CONFIG,
    num_hidden_layers: layers,
    quantization_config: {
      ...PUBLISHED_CONFIG.quantization_config,
      quantization_mode: form === 'packed' ? 'offline' : 'online',
    },
  };
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
  const tensors = plannedTensors({ layers, form });
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    entries[name] = { dtype, shape, data_offsets: [offset, (offset += bytes)] };
  }
  const json = JSON.stringify(entries);
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  header.write(json, 8);

  const random = randomWords(
    Number.parseInt(createHash('sha256').update('2B4T').digest('hex').slice(0, 8), 16),
  );
  const normal = normalCodes(random);
  const fillers: Record<Planned['fill'], (chunk: Buffer) => void> = {
    ones: (chunk) => new Uint16Array(chunk.buffer, chunk.byteOffset, chunk.length / 2).fill(ONE),
    scale: (chunk) => new Uint16Array(chunk.buffer, chunk.byteOffset, chunk.length / 2).fill(WEIGHT_SCALE),
    trits: (chunk) => {
      for (let i = 0; i < chunk.length; i++) chunk[i] = TRIT_BYTES[random() % 81];
    },
    normal: (chunk) => {
      const codes = new Uint16Array(chunk.buffer, chunk.byteOffset, chunk.length / 2);
      for (let i = 0; i < codes.length; i++) codes[i] = normal[random() & 0xffff];
    },
  };
  await writeFileAtomically(file, async (out) => {
    await out.write(header);
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (const { bytes, fill } of tensors) {
      for (let start = 0; start < bytes; start += CHUNK_BYTES) {
        const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, bytes - start));
        fillers[fill](chunk);
        await out.write(chunk);
      }
    }
  });
  return folder;
}
