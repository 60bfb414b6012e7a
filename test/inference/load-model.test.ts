import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
  closeSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { FileError } from '../../lib/io/file-error.js';
import { narrowHalf } from '../../lib/checkpoint/dtypes.js';
import { openCheckpoint } from '../../lib/checkpoint/open-checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors/safetensors.js';
import { loadModel, type LoadOptions } from '../../lib/inference/load-model.js';
import type { LoadProgress } from '../../lib/inference/load-weights.js';
import { MemoryError } from '../../lib/kernel/memory.js';
import { startHub } from '../hub/local-hub.js';
import { goldenContainer } from '../golden/containers.js';
import { compileKernel } from '../kernel/compiled.js';
import { temporaryFolder } from '../temporary-folder.js';
import { STRICT } from './golden-model.js';
import { oddConfig, smallCheckpoint } from './small-checkpoint.js';

beforeAll(compileKernel);

const V_PROJ = 'model.layers.1.self_attn.v_proj.weight';

/** A copy of the golden packed folder that a test may damage. */
async function packedCopy(): Promise<string> {
  const folder = join(await temporaryFolder(), 'model');
  cpSync(goldenContainer('packed'), folder, { recursive: true });
  return folder;
}

/** Writes bytes into a tensor, and returns where its file is and where it begins. */
async function damage(
  source: string,
  tensor: string,
  at: number,
  bytes: number[],
): Promise<{ file: string; byteOffset: number }> {
  const checkpoint = await openCheckpoint(source);
  const { file, byteOffset } = checkpoint.tensors.get(tensor)!;
  await checkpoint.close();
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Uint8Array.from(bytes), 0, bytes.length, byteOffset + at);
  closeSync(descriptor);
  return { file, byteOffset };
}

async function problemOf(source: string, options: LoadOptions = {}): Promise<unknown> {
  return loadModel(source, { threads: 1, ...options }).then(
    async (model) => model.close(),
    (problem: unknown) => problem,
  );
}

describe('loadModel', () => {
  it('tells how far it is, up to all bytes', async () => {
    const told: LoadProgress[] = [];
    const model = await loadModel(goldenContainer('i2_s'), { threads: 2, onProgress: (at) => told.push(at) });
    onTestFinished(() => model.close());
    expect(told.length).toBeGreaterThan(20);
    expect(told.every(({ stage }) => stage === 'weights')).toBe(true);
    const bytes = told.map((at) => at.bytes);
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    expect(bytes.at(-1)).toBe(told[0].totalBytes);
  });

  it('loads what the Hub has by its id, once', async () => {
    const home = await temporaryFolder();
    const before = { HF_HOME: process.env.HF_HOME, HF_ENDPOINT: process.env.HF_ENDPOINT };
    onTestFinished(() => {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
    const golden = goldenContainer('packed');
    const hub = await startHub(
      Object.fromEntries(readdirSync(golden).map((name) => [name, readFileSync(join(golden, name))])),
    );
    Object.assign(process.env, { HF_HOME: home, HF_ENDPOINT: hub.url });
    for (const stages of [['download', 'weights'], ['weights']]) {
      const told: LoadProgress[] = [];
      const model = await loadModel('owner/model', { threads: 1, onProgress: (at) => told.push(at) });
      const [{ prompt_ids: prompt, continuation_ids: continuation }] = STRICT.greedy;
      const { done, value } = await model.generate(prompt).next();
      expect(!done && value.id).toBe(continuation[0]);
      expect(model.source).toContain(join('models--owner--model', 'snapshots', hub.commit));
      await model.close();
      const moved = told.filter(({ stage, bytesPerSecond }) => stage === 'weights' || bytesPerSecond !== 0);
      expect([...new Set(moved.map(({ stage }) => stage))]).toEqual(stages);
    }
  });

  it.each<[LoadOptions, string]>([
    [{ threads: 0 }, 'load model: threads must be a whole number from 1 to 64, got 0.'],
    [{ threads: 1.5 }, 'load model: threads must be a whole number from 1 to 64, got 1.5.'],
    [{ contextLength: 0 }, 'load model: contextLength must be a whole number from 1 to 256, '],
    [{ contextLength: 257 }, 'load model: contextLength must be a whole number from 1 to 256, '],
    [{ kernel: 'fast' as 'auto' }, 'fast'],
  ])('refuses options %o', async (options, message) => {
    expect(String(await problemOf(goldenContainer('packed'), options))).toContain(message);
  });

  it.each(['no/such/folder/here', './nothing', 'model.gguf'])('says that %s is not there', async (source) => {
    const problem = await problemOf(source);
    expect(problem).toBeInstanceOf(FileError);
    expect(String(problem)).toContain(source);
  });

  it.each([undefined, '', 5, 'a\0b', new URL('file:///model')])('refuses the source %j', async (source) => {
    expect(String(await problemOf(source as string))).toContain(
      'load model: source must be the path of a folder or of a .gguf file, or a Hub id, got ',
    );
  });

  it('says before it loads that memory is too little, with both figures', async () => {
    const folder = await smallCheckpoint(
      oddConfig({ num_hidden_layers: 4, max_position_embeddings: 16_000_000 }),
    );
    let hasBegun = false;
    const onProgress = (): void => {
      hasBegun = true;
    };
    const problem = await problemOf(folder, { contextLength: 16_000_000, onProgress });
    expect(problem).toBeInstanceOf(MemoryError);
    const { neededBytes, availableBytes } = problem as MemoryError;
    expect(neededBytes).toBeGreaterThan(availableBytes);
    expect(String(problem)).toMatch(
      /contextLength 16000000 \(weights .*, KV cache .* GB\) needs \d+\.\d\d GB of memory, and \d/,
    );
    expect(hasBegun).toBe(false);
  });
});

describe('loading is aborted', () => {
  it('before it begins, and at any piece', async () => {
    const reason = new Error('enough');
    expect(await problemOf(goldenContainer('packed'), { signal: AbortSignal.abort(reason) })).toBe(reason);
    for (const source of ['packed', 'master-bf16', 'tq1_0'] as const) {
      for (const piece of [1, 2, 15]) {
        const controller = new AbortController();
        let pieces = 0;
        const onProgress = (): void => {
          if (++pieces === piece) controller.abort(reason);
        };
        const options = { threads: 2, signal: controller.signal, onProgress };
        expect(await problemOf(goldenContainer(source), options), `${source}, ${piece}`).toBe(reason);
        expect(pieces).toBe(piece);
      }
    }
  });
});

describe('loading damaged files', () => {
  it('names the place of code 3', async () => {
    const folder = await packedCopy();
    const { file, byteOffset } = await damage(folder, V_PROJ, 777, [0b11_01_10_00]);
    for (const kernel of ['relaxed', 'simd', 'reference'] as const) {
      const problem = await problemOf(folder, { kernel, threads: 2 });
      expect(problem).toBeInstanceOf(FileError);
      expect(problem).toMatchObject({ file, tensor: V_PROJ, offset: byteOffset + 777 });
      expect(String(problem)).toContain('got 0xd8');
    }
  });

  it.each([
    ['a scale', 'i2_s', V_PROJ, 128 * 256 * 0.25, [0, 0, 0xc0, 0x7f]],
    ['an embedding', 'packed', 'model.embed_tokens.weight', 2 * 5000, [0xc0, 0x7f]],
    ['a gain', 'packed', 'model.layers.2.mlp.ffn_sub_norm.weight', 2 * 300, [0xc0, 0x7f]],
    ['a master weight', 'master-bf16', V_PROJ, 2 * 1234, [0xc0, 0x7f]],
  ] as const)('names the tensor of NaN in %s', async (_what, container, tensor, at, bytes) => {
    const golden = goldenContainer(container);
    let copy = join(await temporaryFolder(), 'model.gguf');
    if (golden.endsWith('.gguf')) copyFileSync(golden, copy);
    else cpSync(golden, (copy = copy.slice(0, -5)), { recursive: true });
    const { file } = await damage(copy, tensor, at, [...bytes]);
    const problem = await problemOf(copy);
    expect(problem).toBeInstanceOf(FileError);
    expect(problem).toMatchObject({ file, tensor });
    expect(String(problem)).toMatch(/NaN|finite/);
  });

  it.each([
    ['infinity', 0x7c00],
    ['minus infinity', 0xfc00],
    ['NaN', 0x7e00],
  ])('names the tensor of %s in a master weight of F16', async (_what, code) => {
    const folder = await smallCheckpoint(oddConfig());
    const path = join(folder, 'model.safetensors');
    const tensors = [...(await readSafetensors(path))].map(([name, { shape, data }]) => {
      const codes = narrowHalf('F16', data as Float32Array);
      if (name === V_PROJ) codes[100] = code;
      return { name, dtype: 'F16' as const, shape, data: codes };
    });
    await writeSafetensors(path, tensors, { format: 'pt' });
    for (const kernel of ['relaxed', 'simd', 'reference'] as const) {
      const problem = await problemOf(folder, { kernel });
      expect(problem, kernel).toBeInstanceOf(FileError);
      expect(problem).toMatchObject({ file: path, tensor: V_PROJ, expected: 'finite numbers' });
    }
  });

  it('says so when the file shrinks while it is read', async () => {
    const folder = await packedCopy();
    let hasShrunk = false;
    const onProgress = (): void => {
      if (!hasShrunk) truncateSync(join(folder, 'model.safetensors'), 200_000);
      hasShrunk = true;
    };
    const problem = await problemOf(folder, { threads: 2, onProgress });
    expect(problem).toBeInstanceOf(FileError);
    expect(String(problem)).toContain('model.safetensors');
    expect(problem).toMatchObject({ expected: expect.stringContaining('bytes long from there') });
  });
});

describe('a model that nobody closes', () => {
  it('does not keep Node alive, and never loads TensorFlow', async () => {
    const lib = new URL('../../lib/dist/index.js', import.meta.url).href;
    const program = `
      import { createRequire } from 'node:module';
      const { loadModel } = await import(${JSON.stringify(lib)});
      const model = await loadModel(${JSON.stringify(goldenContainer('packed'))}, { threads: 3 });
      for await (const { id } of model.generate([1, 2, 3], { maxTokens: 4, stop: [] })) console.log(id);
      const loaded = Object.keys(createRequire(process.cwd() + '/x.js').cache);
      console.log('tensorflow', loaded.some((path) => path.includes('tensorflow')));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      timeout: 30_000,
    });
    expect(stdout.trim().split('\n')).toHaveLength(5);
    expect(stdout).toContain('tensorflow false');
  });
});
