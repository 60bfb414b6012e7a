import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MODEL_FOLDER, saveModelFolder } from '../../lib/checkpoint/model-folder.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import {
  readSafetensors,
  readSafetensorsMetadata,
  type LoadedTensor,
} from '../../lib/checkpoint/safetensors/safetensors.js';
import { parseModelConfig, type ModelConfig } from '../../lib/config.js';
import { goldenContainer, GOLDEN_TINY } from '../golden/containers.js';
import { scratchFolder, smallConfig, smallTensors } from './small-model.js';

const weightsOf = (folder: string): Promise<Map<string, LoadedTensor>> =>
  readSafetensors(join(folder, 'model.safetensors'));
const json = (...path: string[]): Record<string, unknown> =>
  JSON.parse(readFileSync(join(...path), 'utf8')) as Record<string, unknown>;

/** The configs of the models that the project trains. */
const MODELS: Record<string, ModelConfig> = {
  'a tied BitLM': smallConfig(),
  'an untied BitLM': smallConfig({ tie_word_embeddings: false }),
  'full precision': smallConfig({ quantization_config: undefined }),
  'an ablation': smallConfig({
    quantization_config: undefined,
    bitlm: { norm_placement: 'bmt', activation_quantizer: 'elastic-int8', weight_quantizer: 'sign' },
  }),
};

describe('saveModelFolder', () => {
  for (const [name, config] of Object.entries(MODELS)) {
    it(`saves ${name} so that openCheckpoint gives it back`, async () => {
      const folder = join(scratchFolder(), 'model');
      const tensors = smallTensors(config);
      await saveModelFolder(folder, { config, tensors, generationConfig: { temperature: 0.7, topK: 5 } });
      const checkpoint = await openCheckpoint(folder);
      expect(checkpoint.config).toEqual(config);
      expect(checkpoint.generationConfig).toEqual({
        eosTokenIds: [23],
        bosTokenId: 22,
        doSample: true,
        maxLength: 64,
        temperature: 0.7,
        topK: 5,
      });
      expect(checkpoint.tokenizerSource).toEqual({ kind: 'none' });
      expect([...checkpoint.tensors.keys()].sort()).toEqual(tensors.map((tensor) => tensor.name).sort());
      for (const { name: tensor, data } of tensors) {
        const entry = checkpoint.tensors.get(tensor)!;
        const values = new Float32Array(data.length);
        await checkpoint.read(entry, new Uint8Array(values.buffer));
        expect(values).toEqual(data);
        expect(checkpoint.scale(tensor)).toBeUndefined();
      }
      await checkpoint.close();
    });
  }

  it('writes the golden model as transformers did: same names, shapes, dtypes, values and bytes', async () => {
    const source = goldenContainer('master-bf16');
    const golden = await weightsOf(source);
    const folder = join(scratchFolder(), 'model');
    await saveModelFolder(
      folder,
      {
        config: parseModelConfig(json(source, 'config.json')),
        tensors: [...golden].map(([name, { shape, data }]) => ({ name, shape, data: data as Float32Array })),
        tokenizerJson: json(source, 'tokenizer.json'),
        tokenizerConfig: json(source, 'tokenizer_config.json'),
      },
      'BF16',
    );
    const [written, original] = [folder, source].map((path) => readFileSync(join(path, 'model.safetensors')));
    expect(written.equals(original)).toBe(true);
    expect(await readSafetensorsMetadata(join(folder, 'model.safetensors'))).toEqual({ format: 'pt' });
    const { auto_map: _, ...goldenConfig } = json(GOLDEN_TINY, 'master-bf16', 'config.json');
    expect(json(folder, 'config.json')).toMatchObject(goldenConfig);
    expect(json(folder, 'tokenizer.json')).toEqual(json(source, 'tokenizer.json'));
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('replaces the old model, and lets further files appear together with it', async () => {
    const parent = scratchFolder();
    const folder = join(parent, 'model');
    const config = smallConfig();
    const tensors = smallTensors(config);
    const also = {
      own: { ...MODEL_FOLDER, files: [...MODEL_FOLDER.files, 'state.json'] },
      write: async (partial: string): Promise<void> => writeFileSync(join(partial, 'state.json'), '{}'),
    };
    await saveModelFolder(folder, { config, tensors });
    await saveModelFolder(folder, { config, tensors, also });
    expect(readdirSync(folder)).toContain('state.json');
    // The state is nothing that a save of the model alone knows of.
    await expect(saveModelFolder(folder, { config, tensors })).rejects.toThrow(/holds "state\.json"/);
    await saveModelFolder(folder, { config, tensors, also });
    expect(readdirSync(parent)).toEqual(['model']);
  });

  it('replaces no folder but a model: neither documents nor the config.json of something else', async () => {
    const config = smallConfig();
    const save = (folder: string): Promise<void> =>
      saveModelFolder(folder, { config, tensors: smallTensors(config) });
    const documents = scratchFolder();
    writeFileSync(join(documents, 'thesis.docx'), 'five years');
    await expect(save(documents)).rejects.toThrow(
      /save model: the path must be .*a model folder.*, got one that holds "thesis\.docx" in .*Name another folder/,
    );
    const settings = scratchFolder();
    writeFileSync(join(settings, 'config.json'), '{"theme": "dark"}');
    await expect(save(settings)).rejects.toThrow(/got another one, with "config\.json"/);
    await expect(save('.')).rejects.toThrow(/got the working folder/);
    expect(readdirSync(documents)).toEqual(['thesis.docx']);
    expect(readdirSync(settings)).toEqual(['config.json']);
  });

  it('refuses tensors that are not those of the config, and keeps the old model', async () => {
    const folder = join(scratchFolder(), 'model');
    const config = smallConfig();
    const tensors = smallTensors(config);
    await saveModelFolder(folder, { config, tensors });
    const before = readFileSync(join(folder, 'model.safetensors'));
    const save = (list: typeof tensors, changed = config): Promise<void> =>
      saveModelFolder(folder, { config: changed, tensors: list });
    await expect(save(tensors.slice(1))).rejects.toThrow(/missing: "model.embed_tokens.weight"/);
    await expect(save([...tensors, { ...tensors[0], name: 'extra' }])).rejects.toThrow(/left over: "extra"/);
    await expect(save([...tensors, tensors[0]])).rejects.toThrow(/name must be given once/);
    await expect(save(tensors.with(0, { ...tensors[0], shape: [16, 24] }))).rejects.toThrow(
      /shape must be \[24, 16\].*got \[16, 24\]/,
    );
    await expect(save(tensors.with(0, { ...tensors[0], data: new Float32Array(3) }))).rejects.toThrow(
      /must be 384 values/,
    );
    await expect(save(tensors, smallConfig({ num_hidden_layers: 3 }))).rejects.toThrow(
      /number of tensors|missing/,
    );
    await expect(save(tensors, { ...config, head_dim: 7 })).rejects.toThrow(/head_dim must be even/);
    const offline = { ...config.quantization_config!, quantization_mode: 'offline' as const };
    await expect(save(tensors, { ...config, quantization_config: offline })).rejects.toThrow(
      /must be autobitlinear, online/,
    );
    expect(readFileSync(join(folder, 'model.safetensors')).equals(before)).toBe(true);
  });

  it('refuses a tokenizer with more ids than the embedding has rows', async () => {
    const config = smallConfig();
    const tokenizerJson = { model: { type: 'BPE', vocab: { a: 0, b: 24 }, merges: [] } };
    const saving = saveModelFolder(join(scratchFolder(), 'm'), {
      config,
      tensors: smallTensors(config),
      tokenizerJson,
    });
    await expect(saving).rejects.toThrow(/largest token id must be below vocab_size 24, got 24/);
  });
});
