import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../../lib/io/file-error.js';
import { narrowHalf, numberToHalf } from '../../../lib/checkpoint/dtypes.js';
import { exportCheckpoint } from '../../../lib/checkpoint/export/export.js';
import { parseGgufHeader, type GgufHeader } from '../../../lib/checkpoint/gguf/gguf.js';
import { transformersName } from '../../../lib/checkpoint/gguf/names.js';
import { writeGguf, type GgufPair, type GgufTensorToWrite } from '../../../lib/checkpoint/gguf/write.js';
import { openCheckpoint } from '../../../lib/checkpoint/open-checkpoint.js';
import type { GgufTokenizer } from '../../../lib/checkpoint/tokenizer-source.js';
import { goldenContainer } from '../../golden/containers.js';
import { scratchFolder } from '../small-model.js';

const scratch = scratchFolder();
let files = 0;
const Q_PROJ = 'model.layers.0.self_attn.q_proj.weight';

/** Writes a spoilt copy of a golden file and opens it; the copy is changed in place. */
async function spoil(
  container: 'i2_s' | 'tq2_0',
  change: (bytes: Buffer, header: GgufHeader) => Buffer | void,
): Promise<FileError> {
  files += 1;
  const path = join(scratch, `spoilt-${files}.gguf`);
  const bytes = readFileSync(goldenContainer(container));
  writeFileSync(path, change(bytes, parseGgufHeader(bytes, bytes.length, path)) ?? bytes);
  const error = await openCheckpoint(path).then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(error).toBeInstanceOf(FileError);
  expect((error as FileError).message).toContain(path);
  return error as FileError;
}

/** Where the header of a file has the type code of a tensor, behind its name, rank and dimensions. */
function typeAt(bytes: Buffer, name: string, rank: number): number {
  return bytes.indexOf(name) + name.length + 4 + 8 * rank;
}

const tensorOf = (header: GgufHeader, name: string): GgufHeader['tensors'][number] =>
  header.tensors.find((tensor) => tensor.name === name)!;

describe('openCheckpoint: GGUF metadata', () => {
  it('exposes the tokenizer', async () => {
    const checkpoint = await openCheckpoint(goldenContainer('i2_s'));
    const { tokenizerSource: source } = checkpoint;
    expect(source).toMatchObject({
      kind: 'gguf',
      model: 'gpt2',
      addBosToken: true,
      bosTokenId: 584,
      eosTokenId: 585,
    });
    expect(source).not.toHaveProperty('pre');
    const tokenizer = JSON.parse(readFileSync(join(goldenContainer('packed'), 'tokenizer.json'), 'utf8')) as {
      model: { vocab: Record<string, number>; merges: string[] };
    };
    const { tokens, merges, chatTemplate } = source as GgufTokenizer;
    expect(Object.entries(tokenizer.model.vocab).filter(([token, id]) => tokens[id] !== token)).toEqual([]);
    expect(tokens[584]).toBe('<|begin_of_text|>');
    expect(merges).toEqual(tokenizer.model.merges);
    expect(chatTemplate).toContain('Assistant: ');
    await checkpoint.close();
  });

  it('refuses byte-level BPE without merges: its ids would be others, in silence', async () => {
    const error = await spoil('i2_s', (bytes) =>
      Buffer.from(
        bytes.toString('latin1').replace('tokenizer.ggml.merges', 'tokenizer.ggml.mergeX'),
        'latin1',
      ),
    );
    expect(error.message).toMatch(/tokenizer\.ggml\.merges must be there, as gpt2 needs them, got none/);
  });

  it('says which activation it takes where the architecture has two and the file names none', async () => {
    const notesOf = async (path: string): Promise<readonly string[]> => {
      const checkpoint = await openCheckpoint(path);
      await checkpoint.close();
      return checkpoint.notes;
    };
    expect(await notesOf(goldenContainer('tq2_0'))).toEqual([
      expect.stringMatching(/does not name its activation .*relu2 \(squared ReLU\) is taken/),
    ]);
    expect(await notesOf(goldenContainer('i2_s'))).toEqual([]);
    const output = join(scratch, 'says.gguf');
    await exportCheckpoint(goldenContainer('master-bf16'), { format: 'tq2_0', output });
    expect(await notesOf(output)).toEqual([]);
  });

  it('takes the number of tokens for vocab_size where that key is missing', async () => {
    const path = join(scratch, 'no-size.gguf');
    const bytes = readFileSync(goldenContainer('tq2_0'));
    bytes.write('bitnet.vocab_none', bytes.indexOf('bitnet.vocab_size'), 'latin1');
    writeFileSync(path, bytes);
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.config.vocab_size).toBe(600);
    await checkpoint.close();
  });

  it('refuses another architecture, and metadata at odds with the tensors', async () => {
    const replace =
      (from: string, to: string) =>
      (bytes: Buffer): void => {
        bytes.write(to, bytes.indexOf(from), 'latin1');
      };
    const setUint32 =
      (key: string, value: number) =>
      (bytes: Buffer): void => {
        bytes.writeUInt32LE(value, bytes.indexOf(key) + key.length + 4);
      };
    expect(await spoil('tq2_0', replace('bitnet', 'llamas'))).toMatchObject({ found: '"llamas"' });
    expect((await spoil('tq2_0', setUint32('bitnet.block_count', 2))).message).toContain(
      'left over: "model.layers.2',
    );
    expect((await spoil('tq2_0', setUint32('bitnet.block_count', 2 ** 24))).message).toContain(
      'number of tensors',
    );
    expect((await spoil('tq2_0', setUint32('bitnet.block_count', 2 ** 25))).message).toContain(
      'num_hidden_layers',
    );
    expect((await spoil('tq2_0', setUint32('bitnet.embedding_length', 512))).message).toContain(
      'shape must be [600, 512]',
    );
    expect((await spoil('tq2_0', setUint32('bitnet.vocab_size', 599))).message).toContain('largest token id');
    expect((await spoil('tq2_0', setUint32('bitnet.rope.dimension_count', 32))).message).toMatch(
      /shape must be|head/,
    );
    expect((await spoil('tq2_0', setUint32('tokenizer.ggml.eos_token_id', 600))).message).toContain(
      'eos_token_id must be',
    );
  });
});

describe('openCheckpoint: GGUF tensors', () => {
  it('calls a type that it does not read by its name', async () => {
    const error = await spoil('i2_s', (bytes) => {
      bytes.writeUInt32LE(14, typeAt(bytes, 'token_embd.weight', 2));
    });
    expect(error).toMatchObject({ tensor: 'token_embd.weight', found: 'Q6_K (type 14)' });
    const unknown = await spoil('i2_s', (bytes) => {
      bytes.writeUInt32LE(1000, typeAt(bytes, 'token_embd.weight', 2));
    });
    expect(unknown).toMatchObject({ found: 'the unknown type 1000' });
  });

  it('refuses names that no BitNet model has', async () => {
    const error = await spoil('i2_s', (bytes) => {
      bytes.write('blk.0.attn_x', bytes.indexOf('blk.0.attn_q'), 'latin1');
    });
    expect(error).toMatchObject({ tensor: 'blk.0.attn_x.weight', found: 'an unknown name' });
  });

  it('refuses offsets that are swapped, overlap or leave holes', async () => {
    const offsetAt = (bytes: Buffer, name: string): number => typeAt(bytes, name, 2) + 4;
    const swapped = await spoil('i2_s', (bytes) => {
      const [q, gate] = ['blk.0.attn_q.weight', 'blk.0.ffn_gate.weight'].map((name) => offsetAt(bytes, name));
      const offset = bytes.readBigUInt64LE(q);
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(gate), q);
      bytes.writeBigUInt64LE(offset, gate);
    });
    expect(swapped.message).toMatch(/start of the data must be byte \d+.*\(an overlap|a hole\)/);
    const hole = await spoil('i2_s', (bytes) => {
      const last = offsetAt(bytes, 'blk.2.ffn_down.weight');
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(last) + 32n, last);
    });
    expect(hole.message).toContain('(a hole)');
  });

  it('refuses a file that is cut off or has something behind its data', async () => {
    expect((await spoil('i2_s', (bytes) => bytes.subarray(0, -32))).message).toMatch(
      /within the file's 785792 bytes/,
    );
    expect((await spoil('i2_s', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]))).message).toMatch(
      /end of the file must be/,
    );
  });

  it('counts the 32 bytes behind an I2_S matrix, and says when its shape cannot be packed', async () => {
    const path = join(scratch, 'odd.gguf');
    const odd: GgufTensorToWrite = {
      name: 'blk.0.attn_q.weight',
      encoding: 'F32',
      shape: [8, 8],
      bytes: () => [new Uint8Array(256)],
    };
    const architecture: GgufPair[] = [
      ['general.architecture', 'STRING', 'bitnet-25'],
      ...[
        'vocab_size',
        'embedding_length',
        'feed_forward_length',
        'block_count',
        'attention.head_count',
        'context_length',
      ].map((key): GgufPair => [`bitnet-25.${key}`, 'UINT32', 8]),
      ['bitnet-25.attention.head_count', 'UINT32', 1],
      ['bitnet-25.attention.layer_norm_rms_epsilon', 'FLOAT32', 1e-5],
    ].filter(([key], i, all) => all.findLastIndex(([other]) => other === key) === i) as GgufPair[];
    await writeGguf(path, architecture, [odd]);
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(36, typeAt(bytes, odd.name, 2));
    writeFileSync(path, bytes);
    await expect(openCheckpoint(path)).rejects.toThrow(
      /number of weights .* multiple of 128 for I2_S, got 64/,
    );
  });

  for (const [name, scale] of [
    ['NaN', NaN],
    ['infinite', Infinity],
    ['zero', 0],
    ['negative', -1],
  ] as const) {
    it(`refuses a scale that is ${name}, in I2_S and in TQ2_0`, async () => {
      const tail = await spoil('i2_s', (bytes, header) => {
        const next = tensorOf(header, 'blk.0.attn_k.weight').byteOffset;
        bytes.writeFloatLE(scale, next - 32);
      });
      expect(tail).toMatchObject({ tensor: Q_PROJ, expected: 'finite and above 0', found: `${scale}` });
      const block = await spoil('tq2_0', (bytes, header) => {
        const { byteOffset } = tensorOf(header, 'blk.0.attn_q.weight');
        // A block may have the scale 0, so all 256 of the matrix get it.
        for (let i = 0; i < 256; i++)
          bytes.writeUInt16LE(numberToHalf('F16', scale), byteOffset + 66 * i + 64);
      });
      expect(block).toMatchObject({ tensor: Q_PROJ, expected: 'finite and above 0' });
    });
  }

  it('finds the scale behind leading blocks of zeros', async () => {
    const path = join(scratch, 'zeros.gguf');
    const bytes = readFileSync(goldenContainer('tq2_0'));
    const { byteOffset } = tensorOf(parseGgufHeader(bytes, bytes.length, path), 'blk.0.attn_q.weight');
    for (let i = 0; i < 2; i++)
      bytes
        .fill(0x55, byteOffset + 66 * i, byteOffset + 66 * i + 64)
        .writeUInt16LE(0, byteOffset + 66 * i + 64);
    writeFileSync(path, bytes);
    const checkpoint = await openCheckpoint(path);
    expect(checkpoint.scale(Q_PROJ)).toBe(0.079_589_843_75);
    await checkpoint.close();
  });

  it('says when the file has shrunk since it was opened', async () => {
    const path = join(scratch, 'shrinking.gguf');
    writeFileSync(path, readFileSync(goldenContainer('i2_s')));
    const checkpoint = await openCheckpoint(path);
    const entry = checkpoint.tensors.get('model.layers.2.mlp.down_proj.weight')!;
    truncateSync(path, entry.byteOffset + 7);
    await expect(checkpoint.read(entry, new Uint8Array(entry.byteLength))).rejects.toThrow(
      /got 7 in .*shrinking.gguf, tensor/,
    );
    await checkpoint.close();
  });
});

describe('openCheckpoint: GGUF matrices stored as floats', () => {
  /** The golden TQ2_0 file with its matrices as floats: `values` gives those of each. */
  async function floatFile(
    encoding: 'F32' | 'F16' | 'BF16',
    values: (size: number) => Float32Array,
  ): Promise<string> {
    const path = join(scratch, `${encoding}.gguf`);
    const bytes = readFileSync(goldenContainer('tq2_0'));
    const header = parseGgufHeader(bytes, bytes.length, path);
    const tensors = header.tensors.map(({ name, dimensions, type, byteOffset }): GgufTensorToWrite => {
      const shape = [...dimensions].reverse();
      const size = shape.reduce((product, length) => product * length, 1);
      if (type !== 35) {
        const encoding = type === 0 ? 'F32' : 'F16';
        const data = bytes.subarray(byteOffset, byteOffset + size * (type === 0 ? 4 : 2));
        return { name, encoding, shape, bytes: () => [data] };
      }
      const floats = values(size);
      const data = encoding === 'F32' ? floats : narrowHalf(encoding, floats);
      return { name, encoding, shape, bytes: () => [new Uint8Array(data.buffer)] };
    });
    const numbers = [...header.metadata].filter(
      ([key]) => key.startsWith('bitnet.') || key.endsWith('token_id'),
    );
    const pairs = numbers.map(([key, value]): GgufPair => [
      key,
      /epsilon|freq_base/.test(key) ? 'FLOAT32' : 'UINT32',
      value,
    ]);
    await writeGguf(path, [['general.architecture', 'STRING', 'bitnet'], ...pairs], tensors);
    return path;
  }

  for (const encoding of ['F32', 'F16', 'BF16'] as const) {
    it(`tells ternary values times a scale from master weights in ${encoding}`, async () => {
      const ternary = await openCheckpoint(
        await floatFile(encoding, (size) =>
          Float32Array.from({ length: size }, (_, i) => ((i % 3) - 1) * 0.25),
        ),
      );
      expect(ternary.tensors.get(Q_PROJ)!.encoding).toBe(encoding);
      expect(ternary.scale(Q_PROJ)).toBe(0.25);
      expect(ternary.config.quantization_config!.quantization_mode).toBe('offline');
      await ternary.close();
      // A sample of the matrix holds fewer values than that.
      const pruned = await openCheckpoint(
        await floatFile(encoding, (size) =>
          Float32Array.from({ length: size }, (_, i) =>
            i < 40_000 && size > 40_000 ? 0 : ((i % 3) - 1) * 0.25,
          ),
        ),
      );
      expect(pruned.scale(Q_PROJ)).toBe(0.25);
      await pruned.close();
      const master = await openCheckpoint(
        await floatFile(encoding, (size) => Float32Array.from({ length: size }, (_, i) => Math.sin(i))),
      );
      expect(master.scale(Q_PROJ)).toBeUndefined();
      expect(master.config.quantization_config!.quantization_mode).toBe('online');
      await master.close();
    });
  }
});

describe('exportCheckpoint and openCheckpoint', () => {
  it('agree on every name', async () => {
    const path = join(scratch, 'names.gguf');
    await exportCheckpoint(goldenContainer('packed'), { format: 'i2_s', output: path });
    const bytes = readFileSync(path);
    for (const { name } of parseGgufHeader(bytes, bytes.length, path).tensors)
      expect(transformersName(name)).toBeDefined();
  });
});
