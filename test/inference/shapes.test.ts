import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { halfToNumber, numberToHalf } from '../../lib/checkpoint/dtypes.js';
import type { ExportFormat } from '../../lib/checkpoint/export/export-plan.js';
import { exportCheckpoint } from '../../lib/checkpoint/export/export.js';
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors/safetensors.js';
import { unpackTernary } from '../../lib/checkpoint/packing.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { saveModelFolder, type ModelTensor } from '../../lib/checkpoint/model-folder.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { loadModel, type LoadOptions } from '../../lib/inference/load-model.js';
import type { Model } from '../../lib/inference/model.js';
import { KERNEL_NAMES } from '../../lib/kernel/kernel.js';
import { parameterSpecs } from '../../lib/parameters.js';
import { quantizeWeights } from '../../lib/quantizers/weights.js';
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

/** A model that fits every export format. */
const exportable = parseModelConfig({
  vocab_size: 65,
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  quantization_config: ONLINE,
});

/** What a format keeps of a scale: the precision of the master weights, in TQ2_0 that of F16. */
function storedScale(scale: number, dtype: 'F32' | 'BF16', format: ExportFormat): number {
  const ofMaster = dtype === 'F32' ? scale : halfToNumber('BF16', numberToHalf('BF16', scale));
  return format === 'tq2_0' ? halfToNumber('F16', numberToHalf('F16', ofMaster)) : ofMaster;
}

/** The packed export of a folder, with the scales that a model has, as 32-bit floats. */
async function packedWith(model: Model, source: string): Promise<string> {
  const folder = `${source}-with-scales`;
  await exportCheckpoint(source, { format: 'packed', output: folder });
  const file = `${folder}/model.safetensors`;
  const tensors = await readSafetensors(file);
  for (const { name } of model.ternaryShares()) {
    const data = Float32Array.of(model.ternaryWeights(name).scale);
    tensors.set(`${name}_scale`, { dtype: 'F32', shape: [1], data });
  }
  await writeSafetensors(
    file,
    [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
  );
  return folder;
}

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
    'are the same for a model and its export to %s, but for the precision of its scales',
    async (format) => {
      for (const dtype of ['F32', 'BF16'] as const) {
        const folder = await smallCheckpoint(exportable, { dtype });
        const online = await load(folder);
        const target = format === 'packed' ? `${folder}-packed` : `${folder}.gguf`;
        await exportCheckpoint(folder, { format, output: target });
        const exported = await load(target);
        const masters = await readSafetensors(`${folder}/model.safetensors`);
        for (const { name } of online.ternaryShares()) {
          const [before, after] = [online, exported].map((model) => model.ternaryWeights(name));
          expect(after.values, name).toEqual(before.values);
          const { scale } = quantizeWeights('absmean-ternary', masters.get(name)!.data as Float32Array);
          expect(after.scale, name).toBe(storedScale(scale, dtype, format));
          // The sum in single and in double precision, then two reciprocals: the last bits.
          expect(Math.abs(before.scale / scale - 1), name).toBeLessThan(2 ** -21);
        }
        // One folder with the scales of either: nothing but the scales may make a difference.
        for (const model of [online, exported]) {
          const same = await load(await packedWith(model, folder));
          const ids = [1, 2, 3, 60, 64];
          expect(await model.logits(ids)).toEqual(await same.logits(ids));
        }
      }
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
