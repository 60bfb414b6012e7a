import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, TernaryEncoding } from '../../../lib/checkpoint/checkpoint.js';
import { halfToNumber, numberToHalf, widenHalf, type HalfDtype } from '../../../lib/checkpoint/dtypes.js';
import { EXPORT_FORMATS, type ExportFormat } from '../../../lib/checkpoint/export/export-plan.js';
import { exportCheckpoint } from '../../../lib/checkpoint/export/export.js';
import { parseGgufHeader } from '../../../lib/checkpoint/gguf/gguf.js';
import { saveModelFolder, type ModelTensor } from '../../../lib/checkpoint/model-folder.js';
import { openCheckpoint } from '../../../lib/checkpoint/open-checkpoint.js';
import { unpackTernary } from '../../../lib/checkpoint/packing.js';
import { quantizeWeights } from '../../../lib/quantizers/weights.js';
import { goldenContainer } from '../../golden/containers.js';
import { scratchFolder, smallConfig, smallTensors } from '../small-model.js';

const scratch = scratchFolder();
const outputOf = (format: ExportFormat, name: string): string =>
  join(scratch, format === 'packed' ? `${name}-packed` : `${name}-${format}.gguf`);

/** A model whose matrices fit every format: rows of 256. */
const wide = smallConfig({ hidden_size: 256, intermediate_size: 256, num_hidden_layers: 1 });

async function bytesOf(checkpoint: Checkpoint, name: string): Promise<Uint8Array> {
  const entry = checkpoint.tensors.get(name)!;
  const bytes = new Uint8Array(entry.byteLength);
  await checkpoint.read(entry, bytes);
  return bytes;
}

async function floatsOf(checkpoint: Checkpoint, name: string): Promise<Float32Array> {
  const { buffer } = await bytesOf(checkpoint, name);
  const { encoding } = checkpoint.tensors.get(name)!;
  return encoding === 'F32'
    ? new Float32Array(buffer)
    : widenHalf(encoding as HalfDtype, new Uint16Array(buffer));
}

describe('exportCheckpoint: the golden master weights', () => {
  const source = join(scratch, 'tiny'); // the name goes into general.name
  cpSync(goldenContainer('master-bf16'), source, { recursive: true });

  it('give the golden packed file byte for byte', async () => {
    const output = outputOf('packed', 'golden');
    await exportCheckpoint(source, { format: 'packed', output });
    for (const name of readdirSync(goldenContainer('packed')).filter((file) => file !== 'config.json')) {
      const [written, golden] = [output, goldenContainer('packed')].map((folder) =>
        readFileSync(join(folder, name)),
      );
      expect(written.equals(golden)).toBe(true);
    }
    const [written, golden] = [output, goldenContainer('packed')].map(
      (folder) => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as unknown,
    );
    expect(written).toEqual(golden);
  });

  it('give the golden TQ2_0 file byte for byte, metadata included, and say their activation besides', async () => {
    const output = outputOf('tq2_0', 'golden');
    await exportCheckpoint(source, { format: 'tq2_0', output });
    const [written, golden] = [output, goldenContainer('tq2_0')].map((path) => readFileSync(path));
    const [ours, theirs] = [written, golden].map((bytes) => parseGgufHeader(bytes, bytes.length, 'x'));
    expect([...ours.metadata].filter(([key]) => key !== 'bitnet.hidden_activation')).toEqual([
      ...theirs.metadata,
    ]);
    expect(ours.metadata.get('bitnet.hidden_activation')).toBe('relu2');
    expect(written.subarray(ours.dataStart).equals(golden.subarray(theirs.dataStart))).toBe(true);
    const places = ({ tensors, dataStart }: typeof ours): unknown[] =>
      tensors.map((tensor) => ({ ...tensor, byteOffset: tensor.byteOffset - dataStart }));
    expect(places(ours)).toEqual(places(theirs));
  });

  it('give the tensors of the golden I2_S file byte for byte', async () => {
    const output = outputOf('i2_s', 'golden');
    await exportCheckpoint(source, { format: 'i2_s', output });
    const [written, golden] = await Promise.all(
      [output, goldenContainer('i2_s')].map((path) => openCheckpoint(path)),
    );
    for (const name of golden.tensors.keys()) {
      const [a, b] = await Promise.all([written, golden].map((checkpoint) => bytesOf(checkpoint, name)));
      expect(Buffer.from(a).equals(b)).toBe(true);
    }
    expect(written.config).toEqual(golden.config);
    expect({ ...written.tokenizerSource, pre: undefined }).toEqual({
      ...golden.tokenizerSource,
      pre: undefined,
    });
    await Promise.all([written.close(), golden.close()]);
  });

  it('packed once more from the packed folder are the same', async () => {
    const output = outputOf('tq2_0', 'again');
    const packed = join(scratch, 'again', 'tiny');
    cpSync(goldenContainer('packed'), packed, { recursive: true });
    await exportCheckpoint(packed, { format: 'tq2_0', output });
    expect(readFileSync(output).equals(readFileSync(outputOf('tq2_0', 'golden')))).toBe(true);
  });
});

describe('exportCheckpoint: a model trained here', () => {
  for (const format of EXPORT_FORMATS) {
    for (const tied of [true, false]) {
      it(`loads back from ${format} with the ternary values of training, ${tied ? 'tied' : 'untied'}`, async () => {
        const config = { ...wide, tie_word_embeddings: tied };
        const tensors = smallTensors(config);
        const folder = join(scratch, `trained-${format}-${tied}`);
        await saveModelFolder(folder, { config, tensors });
        const output = outputOf(format, `exported-${tied}`);
        const { ternaryBytes } = await exportCheckpoint(folder, { format, output });
        const checkpoint = await openCheckpoint(output);
        let counted = 0;
        const isMatrix = ({ name }: ModelTensor): boolean => name.endsWith('_proj.weight');
        for (const { name, data } of tensors.filter((tensor) => !isMatrix(tensor))) {
          expect(await floatsOf(checkpoint, name)).toEqual(data);
        }
        for (const { name, shape, data } of tensors.filter(isMatrix)) {
          const { encoding, byteLength } = checkpoint.tensors.get(name)!;
          counted += byteLength;
          const matrix = unpackTernary(
            encoding as TernaryEncoding,
            await bytesOf(checkpoint, name),
            shape as [number, number],
          );
          const { values, scale } = quantizeWeights('absmean-ternary', data);
          expect(Buffer.from(matrix.values.buffer).equals(Buffer.from(values.buffer))).toBe(true);
          expect(checkpoint.scale(name)).toBe(
            format === 'tq2_0' ? halfToNumber('F16', numberToHalf('F16', scale)) : scale,
          );
        }
        expect(counted).toBe(ternaryBytes);
        expect(checkpoint.config).toMatchObject({
          ...config,
          initializer_range: 0.02,
          quantization_config: { quantization_mode: 'offline' },
        });
        await checkpoint.close();
      });
    }
  }

  it('keeps what else the config says: activation, head size, quantizer', async () => {
    const config = smallConfig({
      hidden_size: 256,
      intermediate_size: 256,
      num_hidden_layers: 1,
      head_dim: 64,
      hidden_act: 'silu',
      bitlm: { weight_quantizer: 'sign' },
    });
    const folder = join(scratch, 'options');
    const tensors = smallTensors(config);
    await saveModelFolder(folder, { config, tensors });
    const output = outputOf('i2_s', 'options');
    await exportCheckpoint(folder, { format: 'i2_s', output });
    const checkpoint = await openCheckpoint(output);
    expect(checkpoint.config).toMatchObject({ head_dim: 64, hidden_act: 'silu', hidden_size: 256 });
    const name = 'model.layers.0.mlp.up_proj.weight';
    const { values } = unpackTernary('I2_S', await bytesOf(checkpoint, name), [256, 256]);
    const { data } = tensors.find((tensor) => tensor.name === name)!;
    expect(Buffer.from(values.buffer).equals(Buffer.from(quantizeWeights('sign', data).values.buffer))).toBe(
      true,
    );
    await checkpoint.close();
  });

  it('carries a tokenizer that ggml has no keys for whole', async () => {
    const folder = join(scratch, 'words');
    const tokenizerJson = { model: { type: 'WordLevel', vocab: { a: 0, b: 1 }, unk_token: 'a' } };
    await saveModelFolder(folder, { config: wide, tensors: smallTensors(wide), tokenizerJson });
    const output = outputOf('i2_s', 'words');
    await exportCheckpoint(folder, { format: 'i2_s', output });
    const checkpoint = await openCheckpoint(output);
    expect(checkpoint.tokenizerSource).toEqual({ kind: 'huggingface', tokenizer: tokenizerJson, config: {} });
    await checkpoint.close();
  });

  it('splits merges and tokens the same from both spellings of tokenizer.json', async () => {
    const source = join(goldenContainer('packed'), 'tokenizer.json');
    const tokenizerJson = JSON.parse(readFileSync(source, 'utf8')) as {
      model: { merges: (string | string[])[] };
    };
    const pairs = structuredClone(tokenizerJson);
    pairs.model.merges = pairs.model.merges.map((merge) => (merge as string).split(' '));
    const config = { ...wide, vocab_size: 600 };
    const outputs = await Promise.all(
      [tokenizerJson, pairs].map(async (tokenizer, i) => {
        const folder = join(scratch, `merges-${i}`, 'model');
        await saveModelFolder(folder, { config, tensors: smallTensors(config), tokenizerJson: tokenizer });
        const output = outputOf('i2_s', `merges-${i}`);
        await exportCheckpoint(folder, { format: 'i2_s', output });
        return readFileSync(output);
      }),
    );
    expect(outputs[0].equals(outputs[1])).toBe(true);
  });
});

describe('exportCheckpoint: what does not fit', () => {
  async function save(name: string, changes: Record<string, unknown>): Promise<string> {
    const config = smallConfig(changes);
    const folder = join(scratch, name);
    await saveModelFolder(folder, { config, tensors: smallTensors(config) });
    return folder;
  }

  it('says which format a shape fits, and writes nothing', async () => {
    const narrow = await save('narrow', {});
    const output = outputOf('tq2_0', 'narrow');
    await expect(exportCheckpoint(narrow, { format: 'tq2_0', output })).rejects.toThrow(
      /row length \(in\) must be a multiple of 256 for TQ2_0, got 16.*The model fits the format packed or i2_s/,
    );
    expect(existsSync(output)).toBe(false);
    const odd = await save('odd', { num_attention_heads: 3, num_key_value_heads: 3, head_dim: 2 });
    await expect(
      exportCheckpoint(odd, { format: 'packed', output: outputOf('packed', 'odd') }),
    ).rejects.toThrow(/number of rows \(out\) must be a multiple of 4 for packed, got 6.*No format fits it/);
  });

  it('refuses full precision, wider integers, and in GGUF other ablations', async () => {
    const full = await save('full', { quantization_config: undefined });
    await expect(
      exportCheckpoint(full, { format: 'packed', output: outputOf('packed', 'f') }),
    ).rejects.toThrow(/weight_quantizer must be one of .* got none/);
    const wider = await save('wider', { bitlm: { weight_quantizer: 'absmax-4bit' } });
    await expect(
      exportCheckpoint(wider, { format: 'packed', output: outputOf('packed', 'w') }),
    ).rejects.toThrow(/got absmax-4bit/);
    const preln = await save('preln', { bitlm: { norm_placement: 'preln' } });
    await expect(exportCheckpoint(preln, { format: 'i2_s', output: outputOf('i2_s', 'p') })).rejects.toThrow(
      /norm_placement must be subln, got preln.*export to packed/,
    );
    await exportCheckpoint(preln, { format: 'packed', output: outputOf('packed', 'p') });
    const checkpoint = await openCheckpoint(outputOf('packed', 'p'));
    expect(checkpoint.config.bitlm?.norm_placement).toBe('preln');
    await checkpoint.close();
  });

  it('refuses weights that are not finite', async () => {
    const tensors = smallTensors(wide);
    tensors.find(({ name }) => name.endsWith('up_proj.weight'))!.data[5] = NaN;
    const folder = join(scratch, 'nan');
    await saveModelFolder(folder, { config: wide, tensors });
    for (const format of EXPORT_FORMATS) {
      await expect(exportCheckpoint(folder, { format, output: outputOf(format, 'nan') })).rejects.toThrow(
        /tensor "model.layers.0.mlp.up_proj.weight"/,
      );
      expect(existsSync(outputOf(format, 'nan'))).toBe(false);
    }
  });

  it('refuses a scale that F16 cannot hold', async () => {
    const tensors = smallTensors(wide).map((tensor) => ({
      ...tensor,
      data: tensor.data.map((value) => value * 2 ** -15),
    }));
    const folder = join(scratch, 'tiny-scale');
    await saveModelFolder(folder, { config: wide, tensors });
    await expect(
      exportCheckpoint(folder, { format: 'tq2_0', output: outputOf('tq2_0', 's') }),
    ).rejects.toThrow(/scale must be from 2\^-14 to 65504 for TQ2_0.*i2_s and packed can hold it/);
    await exportCheckpoint(folder, { format: 'i2_s', output: outputOf('i2_s', 's') });
  });

  it('keeps an embedding in its dtype where F16 would change it', async () => {
    const folder = join(scratch, 'large');
    const tensors = smallTensors(wide);
    tensors[0].data[0] = 2 ** 17;
    await saveModelFolder(folder, { config: wide, tensors }, 'BF16');
    const output = outputOf('i2_s', 'large');
    await exportCheckpoint(folder, { format: 'i2_s', output });
    const bytes = readFileSync(output);
    const embedding = parseGgufHeader(bytes, bytes.length, output).tensors.find(
      ({ name }) => name === 'token_embd.weight',
    )!;
    expect(embedding.type).toBe(30);
  });

  it('refuses an output that is the source, or has the other kind of name', async () => {
    const folder = join(scratch, 'trained-packed-true');
    await expect(exportCheckpoint(folder, { format: 'packed', output: folder })).rejects.toThrow(
      /export checkpoint: the path must be .*, got the source/,
    );
    await expect(exportCheckpoint(folder, { format: 'packed', output: 'x.gguf' })).rejects.toThrow(
      /must be a folder for packed/,
    );
    await expect(exportCheckpoint(folder, { format: 'i2_s', output: 'x' })).rejects.toThrow(
      /name of a .gguf file for i2_s/,
    );
  });

  it('replaces nothing but an earlier export: no documents, no parent of the source, no other file', async () => {
    const home = scratchFolder();
    const source = join(home, 'models', 'tiny');
    cpSync(goldenContainer('master-bf16'), source, { recursive: true });
    const documents = join(home, 'documents');
    mkdirSync(documents);
    writeFileSync(join(documents, 'thesis.docx'), 'five years');
    const book = join(home, 'book.gguf');
    writeFileSync(book, 'Chapter one');
    symlinkSync(join(home, 'models'), join(home, 'link'));
    const into = (output: string, format: ExportFormat = 'packed'): Promise<unknown> =>
      exportCheckpoint(source, { format, output });
    await expect(into(documents)).rejects.toThrow(/got one that holds "thesis\.docx" in .*documents/);
    await expect(into(join(home, 'models'))).rejects.toThrow(/got a folder that the source lies in/);
    await expect(into(join(home, 'link'))).rejects.toThrow(/got a folder that the source lies in/);
    await expect(into(book, 'i2_s')).rejects.toThrow(/file in the way must be a GGUF file/);
    await expect(into(process.cwd())).rejects.toThrow(/got the working folder/);
    expect(readFileSync(join(documents, 'thesis.docx'), 'utf8')).toBe('five years');
    expect(readFileSync(book, 'utf8')).toBe('Chapter one');
    expect(readdirSync(home).sort()).toEqual(['book.gguf', 'documents', 'link', 'models']);
    expect(readdirSync(source).sort()).toEqual(readdirSync(goldenContainer('master-bf16')).sort());
  });

  it('leaves the old export in place when it is stopped', async () => {
    const folder = join(scratch, 'trained-packed-true');
    const output = outputOf('i2_s', 'stopped');
    writeFileSync(output, 'old');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(exportCheckpoint(folder, { format: 'i2_s', output, signal })).rejects.toThrow('enough');
    expect(readFileSync(output, 'utf8')).toBe('old');
  });
});
