import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, TernaryEncoding } from '../../lib/checkpoint/checkpoint.js';
import { saveModelFolder } from '../../lib/checkpoint/model-folder.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { packTernary, unpackTernary } from '../../lib/checkpoint/packing.js';
import { ggmlName } from '../../lib/checkpoint/gguf/names.js';
import { golden } from '../golden/vectors.js';
import { goldenContainer, GOLDEN_CONTAINERS } from '../golden/containers.js';
import { scratchFolder, smallConfig, smallTensors } from './small-model.js';

interface GoldenMatrix {
  shape_out_in: [number, number];
  ternary_int8_rowmajor_sha256: string;
  scale_in_file: number;
  file_bytes_sha256: string;
}
const ggufManifest = golden('tiny/gguf/manifest.json') as Record<string, Record<string, GoldenMatrix>>;
const { weights } = golden('tiny/ref/manifest.json') as {
  weights: Record<
    string,
    { shape: [number, number]; ternary_int8_rowmajor_sha256: string; weight_scale: number }
  >;
};

const sha256 = (bytes: ArrayBufferView): string =>
  createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex');

async function bytesOf(checkpoint: Checkpoint, name: string): Promise<Uint8Array> {
  const entry = checkpoint.tensors.get(name)!;
  const bytes = new Uint8Array(entry.byteLength);
  await checkpoint.read(entry, bytes);
  return bytes;
}

describe('openCheckpoint: the golden model', () => {
  for (const container of GOLDEN_CONTAINERS) {
    it(`reads the same config and tensors from ${container}`, async () => {
      const checkpoint = await openCheckpoint(goldenContainer(container));
      try {
        expect(checkpoint.config).toMatchObject({
          vocab_size: 600,
          hidden_size: 256,
          intermediate_size: 512,
          num_hidden_layers: 3,
          num_attention_heads: 4,
          num_key_value_heads: 2,
          head_dim: 64,
          hidden_act: 'relu2',
          max_position_embeddings: 256,
          rms_norm_eps: 1e-5,
          rope_theta: 500_000,
          tie_word_embeddings: true,
          bos_token_id: 584,
          eos_token_id: 585,
        });
        expect(checkpoint.generationConfig.eosTokenIds).toEqual([585, 593]);
        expect([...checkpoint.tensors.keys()].sort()).toEqual(
          [
            ...Object.keys(weights),
            'model.embed_tokens.weight',
            'model.norm.weight',
            ...[0, 1, 2].flatMap((layer) =>
              [
                'input_layernorm',
                'post_attention_layernorm',
                'self_attn.attn_sub_norm',
                'mlp.ffn_sub_norm',
              ].map((norm) => `model.layers.${layer}.${norm}.weight`),
            ),
          ].sort(),
        );
      } finally {
        await checkpoint.close();
      }
    });
  }

  for (const container of ['packed', 'i2_s', 'tq2_0', 'tq1_0'] as const) {
    it(`gives the ternary values, scales and bytes of the manifest from ${container}`, async () => {
      const checkpoint = await openCheckpoint(goldenContainer(container));
      try {
        for (const [
          name,
          { shape, ternary_int8_rowmajor_sha256: ternary, weight_scale: scale },
        ] of Object.entries(weights)) {
          const { encoding, shape: found } = checkpoint.tensors.get(name)!;
          expect(found).toEqual(shape);
          expect(checkpoint.scale(name)).toBe(scale);
          const bytes = await bytesOf(checkpoint, name);
          const matrix = unpackTernary(encoding as TernaryEncoding, bytes, shape);
          expect(sha256(matrix.values)).toBe(ternary);
          // packed keeps its scales apart, and its bytes are held against the manifest by exporting them.
          expect(matrix.scale).toBe(container === 'packed' ? undefined : scale);
          const manifest = ggufManifest[`model-${container}.gguf`]?.[ggmlName(name)!];
          expect(sha256(bytes)).toBe(manifest?.file_bytes_sha256 ?? sha256(bytes));
          expect(sha256(packTernary(encoding as TernaryEncoding, { ...matrix, scale }))).toBe(sha256(bytes));
        }
      } finally {
        await checkpoint.close();
      }
    });
  }
});

describe('openCheckpoint: a folder that is being saved', () => {
  it('reads a whole model each time, and no save fails of it', async () => {
    const folder = join(scratchFolder(), 'model');
    const config = smallConfig();
    const save = (): Promise<void> => saveModelFolder(folder, { config, tensors: smallTensors(config) });
    await save();
    let isSaving = true;
    let opened = 0;
    const read = async (): Promise<void> => {
      while (isSaving) {
        await (await openCheckpoint(folder)).close();
        opened++;
      }
    };
    const readers = [read(), read()];
    try {
      for (let saves = 0; saves < 200; saves++) await save();
    } finally {
      isSaving = false;
    }
    await Promise.all(readers);
    expect(opened).toBeGreaterThan(10);
    expect(readdirSync(dirname(folder))).toEqual(['model']);
  });
});
