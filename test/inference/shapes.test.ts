import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { exportCheckpoint } from '../../lib/checkpoint/export.js';
import { unpackTernary } from '../../lib/checkpoint/packing.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { saveModelFolder, type ModelTensor } from '../../lib/checkpoint/model-folder.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { loadModel, type LoadOptions } from '../../lib/inference/load-model.js';
import type { Model } from '../../lib/inference/model.js';
import { KERNEL_NAMES } from '../../lib/kernel/kernel.js';
import { parameterSpecs } from '../../lib/parameters.js';
import { goldenContainer } from '../golden/containers.js';
import { compileKernel } from '../kernel/compiled.js';
import { temporaryFolder } from '../temporary-folder.js';
import { differences, MANIFEST, reference } from './golden-model.js';
import { plainLogits } from './plain-model.js';
import { oddConfig, ONLINE, randomTensors, smallCheckpoint } from './small-checkpoint.js';

beforeAll(compileKernel);

async function load(path: string, options: LoadOptions = {}): Promise<Model> {
  const model = await loadModel(path, { threads: 1, ...options });
  onTestFinished(() => model.close());
  return model;
}

const FULL = { weight_quantizer: 'none', activation_quantizer: 'none' };
const VARIANTS: [string, ModelConfig][] = [
  ['squared ReLU, tied', oddConfig({ tie_word_embeddings: true })],
  ['SiLU, untied', oddConfig({ hidden_act: 'silu' })],
  ['Pre-LN', oddConfig({ bitlm: { norm_placement: 'preln' } })],
  // Without norms numbers grow from layer to layer; one layer keeps them within float32.
  ['no norms', oddConfig({ num_hidden_layers: 1, hidden_act: 'silu', bitlm: { norm_placement: 'none' } })],
  [
    'a key-value head for each head',
    oddConfig({ num_attention_heads: 2, num_key_value_heads: 2, head_dim: 16 }),
  ],
  ['full precision', oddConfig({ quantization_config: undefined, bitlm: FULL })],
  [
    'full precision, tied, SiLU',
    oddConfig({ quantization_config: undefined, hidden_act: 'silu', tie_word_embeddings: true }),
  ],
  [
    "the project's own shape",
    oddConfig({
      hidden_size: 64,
      intermediate_size: 160,
      num_attention_heads: 4,
      head_dim: 16,
      vocab_size: 65,
    }),
  ],
];

describe('logits', () => {
  it.each(VARIANTS)('follow the formulas in double precision: %s', async (_name, config) => {
    const expected = plainLogits(config, randomTensors(config), [1, 50, 7, 7, 0]);
    const folder = await smallCheckpoint(config);
    const [first, ...others] = await Promise.all(
      KERNEL_NAMES.map(async (kernel) =>
        (await load(folder, { kernel, threads: 2 })).logits([1, 50, 7, 7, 0]),
      ),
    );
    for (const other of others) expect(other).toEqual(first);
    expect(differences(first, expected).largest).toBeLessThan(2e-4);
  });

  it('of full-precision bf16 weights are those of the same weights in float32', async () => {
    const config = oddConfig({ quantization_config: undefined });
    // Multiples of 1/16 below 8 are exact in bf16.
    const tensors = randomTensors(config).map((tensor) => ({
      ...tensor,
      data: tensor.data.map((value) => Math.round(value * 16) / 16),
    }));
    const folder = await temporaryFolder();
    await saveModelFolder(`${folder}/f32`, { config, tensors }, 'F32');
    await saveModelFolder(`${folder}/bf16`, { config, tensors }, 'BF16');
    const ids = [3, 1, 4, 1, 5, 9, 2, 6];
    const wide = await (await load(`${folder}/f32`)).logits(ids);
    for (const kernel of KERNEL_NAMES) {
      const narrow = await (await load(`${folder}/bf16`, { kernel })).logits(ids);
      expect(differences(narrow, wide).largest, kernel).toBeLessThan(1e-4);
    }
  });

  it('without quantizing activations are those of transformers', async () => {
    const expected = await reference('noactquant_and_llamacpp_logits');
    const folder = await temporaryFolder();
    await saveModelFolder(folder + '/dense', await denseGolden());
    const model = await load(`${folder}/dense`);
    for (const i of [0, 1]) {
      const logits = await model.logits(MANIFEST.prompts[i].ids);
      expect(differences(logits, expected(`p${i}.hf_no_act_quant`)).largest).toBeLessThan(1e-4);
      expect(differences(logits, expected(`p${i}.llamacpp_f32`)).largest).toBeLessThan(5e-3);
    }
  });

  it.each(['packed', 'i2_s', 'tq2_0'] as const)(
    'are the same for a model and its export to %s',
    async (format) => {
      const config = parseModelConfig({
        vocab_size: 65,
        hidden_size: 256,
        intermediate_size: 512,
        num_hidden_layers: 1,
        num_attention_heads: 4,
        max_position_embeddings: 64,
        tie_word_embeddings: true,
        quantization_config: ONLINE,
      });
      const folder = await smallCheckpoint(config);
      const online = await load(folder);
      const target = format === 'packed' ? `${folder}-packed` : `${folder}.gguf`;
      await exportCheckpoint(folder, { format, output: target });
      const exported = await load(target);
      for (const { name } of online.ternaryShares()) {
        expect(exported.ternaryWeights(name).values, name).toEqual(online.ternaryWeights(name).values);
      }
      const ids = [1, 2, 3, 60, 64];
      const { largest } = differences(await exported.logits(ids), await online.logits(ids));
      // I2_S keeps the scale in full; the others round it to 8 or 11 bits.
      expect(largest).toBeLessThan(format === 'i2_s' ? 1e-4 : 0.2);
    },
  );

  it('are those of a GGUF file whose rows of weights share groups of 128', async () => {
    const config = oddConfig({
      hidden_size: 96,
      intermediate_size: 160,
      head_dim: 32,
      tie_word_embeddings: true,
    });
    const folder = await smallCheckpoint(config);
    await exportCheckpoint(folder, { format: 'i2_s', output: `${folder}.gguf` });
    const online = await load(folder);
    const ids = [5, 4, 3];
    for (const kernel of KERNEL_NAMES) {
      const exported = await load(`${folder}.gguf`, { kernel });
      expect(differences(await exported.logits(ids), await online.logits(ids)).largest, kernel).toBeLessThan(
        1e-4,
      );
    }
  });
});

/** The golden model with its ternary weights written out as floats, and no quantizers. */
async function denseGolden(): Promise<{ config: ModelConfig; tensors: ModelTensor[] }> {
  const checkpoint = await openCheckpoint(goldenContainer('packed'));
  const config = { ...checkpoint.config, quantization_config: undefined };
  const tensors: ModelTensor[] = [];
  for (const { name, shape } of parameterSpecs(config)) {
    const entry = checkpoint.tensors.get(name)!;
    const bytes = new Uint8Array(entry.byteLength);
    await checkpoint.read(entry, bytes);
    const scale = checkpoint.scale(name);
    const data =
      scale === undefined
        ? new Float32Array(Uint32Array.from(new Uint16Array(bytes.buffer), (code) => code << 16).buffer)
        : Float32Array.from(
            unpackTernary('packed', bytes, [shape[0], shape[1]]).values,
            (trit) => trit * scale,
          );
    tensors.push({ name, shape, data });
  }
  await checkpoint.close();
  return { config, tensors };
}
