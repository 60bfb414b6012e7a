import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../lib/checkpoint/checkpoint.js';
import { FileError } from '../../../lib/io/file-error.js';
import { numberToHalf } from '../../../lib/checkpoint/dtypes.js';
import { saveModelFolder } from '../../../lib/checkpoint/model-folder.js';
import { openCheckpoint } from '../../../lib/checkpoint/open-checkpoint.js';
import {
  readSafetensors,
  writeSafetensors,
  type LoadedTensor,
} from '../../../lib/checkpoint/safetensors/safetensors.js';
import { goldenContainer } from '../../golden/containers.js';
import { scratchFolder, smallConfig, smallTensors } from '../small-model.js';

const scratch = scratchFolder();
let folders = 0;
const Q_PROJ = 'model.layers.0.self_attn.q_proj.weight';

/** A copy of the golden packed folder, to be spoilt. */
function packedCopy(): string {
  folders += 1;
  const folder = join(scratch, `packed-${folders}`);
  cpSync(goldenContainer('packed'), folder, { recursive: true });
  return folder;
}

function editJson(folder: string, name: string, change: Record<string, unknown>): void {
  const path = join(folder, name);
  const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...json, ...change }));
}

type Tensors = Map<string, LoadedTensor>;
const asList = (tensors: Tensors): ({ name: string } & LoadedTensor)[] =>
  [...tensors].map(([name, tensor]) => ({ name, ...tensor }));

/** Rewrites model.safetensors with changed tensors. */
async function editTensors(folder: string, change: (tensors: Tensors) => void): Promise<string> {
  const path = join(folder, 'model.safetensors');
  const tensors = await readSafetensors(path);
  change(tensors);
  await writeSafetensors(path, asList(tensors), { format: 'pt' });
  return folder;
}

/** Splits model.safetensors into two shards with an index. */
async function shard(folder: string): Promise<Record<string, string>> {
  const path = join(folder, 'model.safetensors');
  const tensors = asList(await readSafetensors(path));
  rmSync(path);
  const half = Math.ceil(tensors.length / 2);
  const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  await writeSafetensors(join(folder, names[0]), tensors.slice(0, half), { format: 'pt' });
  await writeSafetensors(join(folder, names[1]), tensors.slice(half), { format: 'pt' });
  const weightMap = Object.fromEntries(tensors.map(({ name }, i) => [name, names[i < half ? 0 : 1]]));
  writeIndex(folder, weightMap);
  return weightMap;
}

function writeIndex(folder: string, weightMap: unknown): void {
  const index = { metadata: { total_size: 0 }, weight_map: weightMap };
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

async function failure(folder: string): Promise<FileError> {
  const error = await openCheckpoint(folder).then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(error).toBeInstanceOf(FileError);
  expect((error as FileError).message).toContain(folder);
  return error as FileError;
}

async function bytesOf(checkpoint: Checkpoint, name: string): Promise<Buffer> {
  const entry = checkpoint.tensors.get(name)!;
  const bytes = new Uint8Array(entry.byteLength);
  await checkpoint.read(entry, bytes);
  return Buffer.from(bytes.buffer);
}

describe('openCheckpoint: scales of a packed folder', () => {
  it('multiplies with autobitlinear, and turns bitlinear round', async () => {
    const folder = packedCopy();
    editJson(folder, 'config.json', {
      quantization_config: { quant_method: 'bitnet', linear_class: 'bitlinear' },
    });
    const divided = await openCheckpoint(folder);
    const multiplied = await openCheckpoint(goldenContainer('packed'));
    expect(multiplied.scale(Q_PROJ)).toBe(0.079_589_843_75);
    expect(divided.scale(Q_PROJ)).toBe(Math.fround(1 / 0.079_589_843_75));
    expect(divided.scale('model.norm.weight')).toBeUndefined();
    await Promise.all([divided.close(), multiplied.close()]);
  });

  for (const [name, value] of [
    ['NaN', NaN],
    ['infinite', Infinity],
    ['zero', 0],
    ['negative', -0.1],
  ] as const) {
    it(`refuses one that is ${name}`, async () => {
      const folder = await editTensors(packedCopy(), (tensors) => {
        tensors.get(`${Q_PROJ}_scale`)!.data = Uint16Array.of(numberToHalf('BF16', value));
      });
      expect(await failure(folder)).toMatchObject({
        tensor: `${Q_PROJ}_scale`,
        expected: 'finite and above 0',
      });
    });
  }

  it('refuses a scale so small that its reciprocal is infinite', async () => {
    const folder = await editTensors(packedCopy(), (tensors) => {
      tensors.get(`${Q_PROJ}_scale`)!.data = Uint16Array.of(1);
    });
    editJson(folder, 'config.json', {
      quantization_config: { quant_method: 'bitnet', linear_class: 'bitlinear' },
    });
    expect((await failure(folder)).found).toBe('Infinity');
  });

  it('refuses a scale that is missing, has several values, is an integer, or has no matrix', async () => {
    const spoil = (change: (tensors: Tensors) => void): Promise<FileError> =>
      editTensors(packedCopy(), change).then(failure);
    expect(await spoil((tensors) => tensors.delete(`${Q_PROJ}_scale`))).toMatchObject({
      tensor: `${Q_PROJ}_scale`,
      found: 'none',
    });
    const two = { dtype: 'BF16' as const, shape: [2], data: new Float32Array(2).fill(1) };
    expect((await spoil((tensors) => tensors.set(`${Q_PROJ}_scale`, two))).found).toBe('BF16 [2]');
    const integer = { dtype: 'U8' as const, shape: [1], data: Uint8Array.of(1) };
    expect((await spoil((tensors) => tensors.set(`${Q_PROJ}_scale`, integer))).found).toBe('U8 [1]');
    const one = { ...two, shape: [1], data: Float32Array.of(1) };
    expect((await spoil((tensors) => tensors.set('x.weight_scale', one))).found).toBe('one without a matrix');
  });
});

describe('openCheckpoint: tensors against the config', () => {
  const spoil = (change: (tensors: Tensors) => void): Promise<FileError> =>
    editTensors(packedCopy(), change).then(failure);

  it('refuses tensors that are missing or left over, and names them', async () => {
    expect((await spoil((tensors) => tensors.delete(Q_PROJ))).message).toContain(`missing: "${Q_PROJ}"`);
    const extra = { dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) };
    expect((await spoil((tensors) => tensors.set('model.extra.bias', extra))).message).toContain(
      'left over: "model.extra.bias"',
    );
  });

  it('refuses a wrong shape and a wrong dtype, and names tensor, offset, found and expected', async () => {
    const bias = await spoil((tensors) => {
      tensors.get('model.norm.weight')!.shape = [16, 16];
    });
    expect(bias).toMatchObject({
      tensor: 'model.norm.weight',
      expected: '[256], as the config asks for',
      found: '[16, 16]',
    });
    expect(bias.offset).toBeGreaterThan(0);
    const signed = await spoil((tensors) => {
      const { shape, data } = tensors.get(Q_PROJ)!;
      tensors.set(Q_PROJ, { dtype: 'I8', shape, data: Int8Array.from(data as Uint8Array) });
    });
    expect(signed).toMatchObject({ tensor: Q_PROJ, expected: 'U8', found: 'I8' });
  });

  it('refuses packed weights under an online config, and master weights under an offline one', async () => {
    const online = packedCopy();
    const quantization = { quant_method: 'bitnet', linear_class: 'autobitlinear' };
    editJson(online, 'config.json', {
      quantization_config: { ...quantization, quantization_mode: 'online' },
    });
    expect((await failure(online)).message).toContain('left over');
    const offline = join(scratch, 'offline');
    cpSync(goldenContainer('master-bf16'), offline, { recursive: true });
    editJson(offline, 'config.json', {
      quantization_config: { ...quantization, quantization_mode: 'offline' },
    });
    expect((await failure(offline)).message).toMatch(/dtype must be U8, got BF16/);
  });

  it('skips what older exporters repeat: rotary frequencies, and a tied output matrix equal to the embedding', async () => {
    const folder = await editTensors(packedCopy(), (tensors) => {
      tensors.set('lm_head.weight', tensors.get('model.embed_tokens.weight')!);
      const frequencies: LoadedTensor = { dtype: 'F32', shape: [8], data: new Float32Array(8) };
      for (const place of ['', 'layers.0.self_attn.', 'layers.1.self_attn.'])
        tensors.set(`model.${place}rotary_emb.inv_freq`, frequencies);
    });
    const [checkpoint, golden] = await Promise.all(
      [folder, goldenContainer('packed')].map((path) => openCheckpoint(path)),
    );
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...golden.tensors.keys()].sort());
    await Promise.all([checkpoint.close(), golden.close()]);

    await editTensors(folder, (tensors) => {
      const { dtype, shape, data } = tensors.get('lm_head.weight')!;
      const other = (data as Float32Array).slice();
      other[other.length - 1] += 1;
      tensors.set('lm_head.weight', { dtype, shape, data: other });
    });
    const problem = await failure(folder);
    expect(problem.message).toMatch(
      /the output matrix must be left out or equal to the embedding, .* tensor "lm_head\.weight"/,
    );
  });

  it('reads an untied model, and refuses one whose lm_head the config does not expect', async () => {
    const config = smallConfig({ tie_word_embeddings: false });
    const folder = join(scratch, 'untied');
    await saveModelFolder(folder, { config, tensors: smallTensors(config) });
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.tensors.get('lm_head.weight')!.shape).toEqual([24, 16]);
    await checkpoint.close();
    editJson(folder, 'config.json', { tie_word_embeddings: true });
    expect((await failure(folder)).message).toContain(
      'equal to the embedding, since tie_word_embeddings is true,',
    );
  });

  it('reads Python’s NaN and Infinity in fields that nothing uses, and refuses them in those that count', async () => {
    const folder = packedCopy();
    const path = join(folder, 'config.json');
    const config = readFileSync(path, 'utf8').trim();
    writeFileSync(path, config.replace('{', '{ "aux_loss": NaN, "limits": [-Infinity, Infinity], '));
    const generation = join(folder, 'generation_config.json');
    writeFileSync(
      generation,
      readFileSync(generation, 'utf8').replace('{', '{ "penalty_of_none": Infinity, '),
    );
    const checkpoint = await openCheckpoint(folder);
    await checkpoint.close();
    writeFileSync(path, config.replace(/"rms_norm_eps": [^,]+/, '"rms_norm_eps": NaN'));
    expect((await failure(folder)).message).toMatch(/rms_norm_eps must be a positive number, got "NaN"/);
  });

  it('refuses a config.json of millions of brackets before they fill the memory', async () => {
    const folder = packedCopy();
    for (const text of ['['.repeat(2 ** 26), `[${'[],'.repeat(22_000_000)}[]]`]) {
      writeFileSync(join(folder, 'config.json'), text);
      expect((await failure(folder)).message).toMatch(
        /must be JSON, got "(lists in lists, more than 100 deep|more than 4000000 values)"/,
      );
    }
  });

  it('refuses a config that claims millions of layers at once', async () => {
    const folder = packedCopy();
    editJson(folder, 'config.json', { num_hidden_layers: 2 ** 24 });
    expect((await failure(folder)).message).toMatch(/number of tensors must be at least 100663296/);
  });

  it('refuses a tokenizer with more ids than the embedding has rows, and ids outside the vocabulary', async () => {
    const folder = packedCopy();
    editJson(folder, 'tokenizer.json', { added_tokens: [{ id: 600, content: '<|extra|>' }] });
    expect((await failure(folder)).message).toMatch(/largest token id must be below vocab_size 600, got 600/);
    const other = packedCopy();
    editJson(other, 'generation_config.json', { eos_token_id: [585, 600] });
    expect((await failure(other)).message).toMatch(/eos_token_id must be a token id from 0 to 599, got 600/);
  });
});

describe('openCheckpoint: config.json', () => {
  const cases: [name: string, change: Record<string, unknown>, expected: RegExp][] = [
    ['another architecture', { model_type: 'llama' }, /model_type must be bitnet, got "llama"/],
    ['biases', { attention_bias: true }, /attention_bias must be false/],
    ['scaled positions', { rope_scaling: { type: 'linear', factor: 2 } }, /rope_scaling must be null/],
    [
      'other positions',
      { rope_parameters: { rope_type: 'yarn' } },
      /rope_parameters must be an object of rope_type/,
    ],
    [
      'norms inside the linear layers',
      { quantization_config: { quant_method: 'bitnet', use_rms_norm: true } },
      /use_rms_norm must be false/,
    ],
    [
      'another quantizer',
      { quantization_config: { quant_method: 'gptq' } },
      /quant_method must be one of bitnet, got "gptq"/,
    ],
    ['a size of text', { hidden_size: '256' }, /hidden_size must be a whole number.*got "256"/],
    ['a missing size', { vocab_size: undefined }, /vocab_size must be a whole number/],
    ['a huge size', { vocab_size: 1e300 }, /vocab_size must be a whole number/],
  ];
  for (const [name, change, expected] of cases) {
    it(`refuses ${name}`, async () => {
      const folder = packedCopy();
      editJson(folder, 'config.json', change);
      expect((await failure(folder)).message).toMatch(expected);
    });
  }

  it('reads the spelling of newer transformers', async () => {
    const folder = packedCopy();
    const changes = { rope_theta: undefined, rope_parameters: { rope_type: 'default', rope_theta: 1234 } };
    editJson(folder, 'config.json', { ...changes, eos_token_id: [585, 593] });
    rmSync(join(folder, 'generation_config.json'));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config).toMatchObject({ rope_theta: 1234, eos_token_id: 585 });
    expect(checkpoint.generationConfig).toEqual({ eosTokenIds: [585, 593], bosTokenId: 584 });
    await checkpoint.close();
  });

  it('shortens what it quotes', async () => {
    const folder = packedCopy();
    editJson(folder, 'config.json', { vocab_size: 'x'.repeat(100_000) });
    expect((await failure(folder)).message.length).toBeLessThan(1000);
    editJson(folder, 'config.json', { vocab_size: 600, bitlm: { ['x'.repeat(100_000)]: 1 } });
    expect((await failure(folder)).message.length).toBeLessThan(1000);
  });

  it('refuses values nested deeper than a message can show', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const name of ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      const folder = packedCopy();
      writeFileSync(join(folder, name), deep);
      expect((await failure(folder)).file).toBe(join(folder, name));
    }
    const folder = packedCopy();
    const config = readFileSync(join(folder, 'config.json'), 'utf8');
    for (const key of ['hidden_size', 'hidden_act', 'model_type', 'quantization_config']) {
      writeFileSync(
        join(folder, 'config.json'),
        config.replace(new RegExp(`"${key}": ?[^,}]*`), `"${key}": ${deep}`),
      );
      expect(await failure(folder)).toBeInstanceOf(FileError);
    }
  });

  it.skipIf(process.platform === 'win32')(
    'does not wait for a pipe that nobody writes to, nor follow links in circles',
    async () => {
      for (const name of ['config.json', 'tokenizer.json', 'model.safetensors']) {
        const folder = packedCopy();
        rmSync(join(folder, name));
        execFileSync('mkfifo', [join(folder, name)]);
        expect((await failure(folder)).message).toContain('the path must be a file, got a pipe');
      }
      const folder = packedCopy();
      rmSync(join(folder, 'model.safetensors'));
      symlinkSync('model.safetensors', join(folder, 'model.safetensors'));
      expect((await failure(folder)).message).toMatch(/a link that leads to a file, got ELOOP/);
    },
  );

  it('says which file is missing, damaged or not JSON', async () => {
    await expect(openCheckpoint(join(scratch, 'nowhere'))).rejects.toThrow(
      /must be there, got ENOENT in .*nowhere/,
    );
    const empty = join(scratch, 'empty');
    mkdirSync(empty);
    expect((await failure(empty)).file).toBe(join(empty, 'config.json'));
    const folder = packedCopy();
    rmSync(join(folder, 'model.safetensors'));
    expect((await failure(folder)).message).toMatch(
      /one with model.safetensors or model.safetensors.index.json, got neither/,
    );
    writeFileSync(join(folder, 'config.json'), '{"vocab_size": 60');
    expect((await failure(folder)).message).toMatch(/config.json/);
    writeFileSync(join(scratch, 'model.bin'), '');
    expect((await failure(join(scratch, 'model.bin'))).message).toMatch(
      /must be a folder .* or a .gguf file/,
    );
  });
});

describe('openCheckpoint: shards', () => {
  it('reads the same bytes as from a single file', async () => {
    const folder = packedCopy();
    await shard(folder);
    const sharded = await openCheckpoint(folder);
    const single = await openCheckpoint(goldenContainer('packed'));
    expect(new Set([...sharded.tensors.values()].map(({ file }) => file)).size).toBe(2);
    for (const name of single.tensors.keys()) {
      expect((await bytesOf(sharded, name)).equals(await bytesOf(single, name))).toBe(true);
      expect(sharded.scale(name)).toBe(single.scale(name));
    }
    await Promise.all([sharded.close(), single.close()]);
  });

  it('follows links, as the cache of the Hub is made of them', async () => {
    const folder = join(scratch, 'links');
    mkdirSync(folder);
    for (const name of ['config.json', 'model.safetensors'])
      symlinkSync(join(goldenContainer('packed'), name), join(folder, name));
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.tensors.size).toBe(35);
    await checkpoint.close();
  });

  for (const path of [
    '../packed/model.safetensors',
    '/etc/passwd',
    'sub/model.safetensors',
    'sub\\model.safetensors',
    'C:model.safetensors',
    '..',
    '.hidden.safetensors',
    'model.bin',
    'a\0.safetensors',
    7,
    null,
  ]) {
    it(`refuses the file name ${JSON.stringify(path)} in an index`, async () => {
      const folder = packedCopy();
      const weightMap = await shard(folder);
      writeIndex(folder, { ...weightMap, [Q_PROJ]: path });
      expect(await failure(folder)).toMatchObject({
        tensor: Q_PROJ,
        expected: 'the plain name of a .safetensors file in the same folder',
      });
    });
  }

  it('refuses an index at odds with its shards', async () => {
    const folder = packedCopy();
    const weightMap = await shard(folder);
    const [first, second] = [...new Set(Object.values(weightMap))];
    const other = weightMap[Q_PROJ] === first ? second : first;
    writeIndex(folder, { ...weightMap, [Q_PROJ]: other });
    expect((await failure(folder)).message).toMatch(/listed for that shard in the index, got listed for/);
    const { [Q_PROJ]: _, ...without } = weightMap;
    writeIndex(folder, without);
    expect((await failure(folder)).message).toMatch(/listed for that shard in the index, got none/);
    writeIndex(folder, { ...weightMap, 'model.more.weight': first });
    expect(await failure(folder)).toMatchObject({ tensor: 'model.more.weight', found: 'none' });
    writeIndex(folder, { ...weightMap, [Q_PROJ]: 'missing.safetensors' });
    expect((await failure(folder)).message).toMatch(/ENOENT in .*missing.safetensors|listed for/);
    writeIndex(folder, [1, 2]);
    expect((await failure(folder)).message).toMatch(/weight_map must be an object/);
    writeIndex(
      folder,
      Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`t${i}`, `s${i}.safetensors`])),
    );
    expect((await failure(folder)).message).toMatch(/number of shards must be at most 512, got 600/);
  });
});

describe('Checkpoint.read', () => {
  it('reads ranges, also into shared memory', async () => {
    const checkpoint = await openCheckpoint(goldenContainer('packed'));
    const entry = checkpoint.tensors.get(Q_PROJ)!;
    const whole = await bytesOf(checkpoint, Q_PROJ);
    const memory = new Uint8Array(new SharedArrayBuffer(300), 50, 200);
    await checkpoint.read(entry, memory, 1000);
    expect(Buffer.from(memory).equals(whole.subarray(1000, 1200))).toBe(true);
    await checkpoint.read(entry, new Uint8Array(0), entry.byteLength);
    for (const [length, start] of [
      [1, entry.byteLength],
      [entry.byteLength + 1, 0],
      [1, -1],
      [1, NaN],
    ]) {
      await expect(checkpoint.read(entry, new Uint8Array(length), start)).rejects.toThrow(RangeError);
    }
    await checkpoint.close();
  });

  it('says how many bytes came when the file has shrunk since it was opened', async () => {
    const folder = packedCopy();
    const checkpoint = await openCheckpoint(folder);
    const entry = checkpoint.tensors.get(Q_PROJ)!;
    truncateSync(entry.file, entry.byteOffset + 100);
    const error = await checkpoint.read(entry, new Uint8Array(entry.byteLength)).then(
      () => undefined,
      (problem: unknown) => problem,
    );
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      file: entry.file,
      tensor: Q_PROJ,
      offset: entry.byteOffset,
      expected: `${entry.byteLength} bytes long from there`,
      found: '100',
    });
    await checkpoint.close();
  });

  it('stops when it is aborted', async () => {
    const checkpoint = await openCheckpoint(goldenContainer('packed'));
    const entry = checkpoint.tensors.get(Q_PROJ)!;
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(checkpoint.read(entry, new Uint8Array(entry.byteLength), 0, aborted)).rejects.toThrow(
      'enough',
    );
    await expect(openCheckpoint(goldenContainer('packed'), { signal: aborted })).rejects.toThrow('enough');
    await checkpoint.close();
  });
});
