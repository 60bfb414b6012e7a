import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../../lib/io/file-error.js';
import { DTYPE_BYTES, type Dtype } from '../../../lib/checkpoint/dtypes.js';
import {
  readSafetensors,
  readSafetensorsMetadata,
  writeSafetensors,
  type TensorToWrite,
} from '../../../lib/checkpoint/safetensors/safetensors.js';
import { goldenContainer, GOLDEN_TINY } from '../../golden/containers.js';
import { scratchFolder } from '../small-model.js';

const folder = scratchFolder();
const file = join(folder, 'x.safetensors');

/** A file from a header's text and so many bytes of data; `length` is what the first 8 bytes claim. */
function bytesOf(header: string, dataBytes: number, length = BigInt(Buffer.byteLength(header))): Buffer {
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length);
  return Buffer.concat([start, Buffer.from(header), Buffer.alloc(dataBytes)]);
}

const entry = (dtype: string, shape: number[], begin: number, end: number): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

async function failure(bytes: Uint8Array): Promise<FileError> {
  writeFileSync(file, bytes);
  const error = await readSafetensors(file).then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(error).toBeInstanceOf(FileError);
  expect((error as FileError).message).toContain(file);
  return error as FileError;
}

describe('readSafetensors', () => {
  it('reads what the reference implementation wrote', async () => {
    const tensors = await readSafetensors(join(GOLDEN_TINY, 'ref', 'bitlinear_packed_fp32_p0.safetensors'));
    const { x, q, w, acc } = {
      x: tensors.get('k_proj.x')!,
      q: tensors.get('k_proj.x_int8')!,
      w: tensors.get('k_proj.w_ternary')!,
      acc: tensors.get('k_proj.acc_int32')!,
    };
    expect([x.dtype, q.dtype, w.dtype, acc.dtype]).toEqual(['F32', 'I8', 'I8', 'I32']);
    expect([x.shape, w.shape, acc.shape]).toEqual([
      [10, 256],
      [128, 256],
      [10, 128],
    ]);
    // The integer product of the first token and the first row shows that every array starts where it should.
    let sum = 0;
    for (let i = 0; i < 256; i++) sum += Number(q.data[i]) * Number(w.data[i]);
    expect(sum).toBe(acc.data[0]);
  });

  it('accepts a file without tensors, a scalar and an empty tensor', async () => {
    writeFileSync(file, bytesOf('{}', 0));
    expect((await readSafetensors(file)).size).toBe(0);
    const header = JSON.stringify({ scalar: entry('F32', [], 0, 4), empty: entry('I64', [0, 3], 4, 4) });
    writeFileSync(file, bytesOf(header, 4));
    const tensors = await readSafetensors(file);
    expect(tensors.get('scalar')!.data).toEqual(Float32Array.of(0));
    expect(tensors.get('empty')!.data).toEqual(new BigInt64Array());
  });

  it('takes no name for a property of every object', async () => {
    const header = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    writeFileSync(file, bytesOf(header, 1));
    expect([...(await readSafetensors(file)).keys()]).toEqual(['__proto__']);
  });

  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]): object =>
    entry('F32', shape, begin, end);
  const cases: [name: string, header: unknown, dataBytes: number, expected: RegExp][] = [
    ['a hole between two tensors', { a: f32(0, 4), b: f32(8, 12) }, 12, /byte 124 \(a hole\).*tensor "b"/],
    ['tensors that overlap', { a: f32(0, 8), b: f32(4, 12) }, 12, /byte 120 \(an overlap\).*tensor "b"/],
    ['data behind the last tensor', { a: f32(0, 4) }, 8, /end of the file/],
    ['an end behind the file', { a: f32(0, 8) }, 4, /data_offsets must be .* within the 4 bytes/],
    ['an end before its begin', { a: entry('F32', [1], 4, 0) }, 4, /data_offsets must be in order/],
    ['a shape that the data does not fill', { a: f32(0, 8, [3]) }, 8, /must be 12 bytes long.*got 8 bytes/],
    ['a shape whose product overflows', { a: f32(0, 8, [2 ** 40, 2 ** 40]) }, 8, /must be fewer bytes/],
    ['a negative length', { a: f32(0, 4, [-1]) }, 4, /shape must be/],
    ['a length that is no whole number', { a: f32(0, 4, [1.5]) }, 4, /shape must be/],
    ['a length beyond exact numbers', { a: f32(0, 4, [2 ** 60]) }, 4, /shape must be/],
    ['too many dimensions', { a: f32(0, 4, [1, 1, 1, 1, 1, 1, 1, 1, 1]) }, 4, /shape must be up to 8/],
    ['a dtype that nobody knows', { a: entry('F33', [1], 0, 4) }, 4, /dtype must be one of .* got "F33"/],
    ['a dtype that is a property of objects', { a: entry('toString', [1], 0, 4) }, 4, /dtype must be one of/],
    ['three offsets', { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 4] } }, 4, /two whole numbers/],
    ['an entry that is no object', { a: 4 }, 4, /entry must be an object/],
    ['metadata that is no text', { __metadata__: { a: 1 } }, 0, /__metadata__ must be/],
    ['a header that is a list', [], 0, /header must be a JSON object/],
    ['a header that is null', null, 0, /header must be a JSON object/],
  ];
  for (const [name, header, dataBytes, expected] of cases) {
    it(`refuses ${name}`, async () => {
      expect((await failure(bytesOf(JSON.stringify(header), dataBytes))).message).toMatch(expected);
    });
  }

  it('refuses a key that is there twice, however it is spelled: JSON.parse would keep the last', async () => {
    const [first, second] = [f32(0, 4), f32(4, 8)].map((tensor) => JSON.stringify(tensor));
    for (const spelled of ['"a"', String.raw`"\u0061"`]) {
      const header = `{"a":${first},"b":${second},${spelled}:${second},"b":${first}}`;
      expect((await failure(bytesOf(header, 8))).message).toMatch(/given once, got "a" twice.*tensor "a"/);
    }
    const offsets = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"data_offsets":[0,4]}}';
    expect((await failure(bytesOf(offsets, 4))).message).toContain('got "data_offsets" twice');
  });

  it('takes texts with brackets, quotes and colons in them for what they are', async () => {
    const path = join(folder, 'texts');
    const names = ['{"a":[', String.raw`\"`, ':', '}'];
    await writeSafetensors(
      path,
      names.map((name) => ({ name, dtype: 'F32', shape: [1], data: Float32Array.of(1) })),
      { '{': '"' },
    );
    expect(new Set((await readSafetensors(path)).keys())).toEqual(new Set(names));
  });

  it('refuses lists nested deeper than a message can show', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    for (const header of [
      `{"a":{"dtype":"F32","shape":${deep},"data_offsets":[0,4]}}`,
      `{"a":{"dtype":${deep},"shape":[1],"data_offsets":[0,4]}}`,
      `{"__metadata__":${deep}}`,
    ]) {
      expect((await failure(bytesOf(header, 4))).message).toMatch(/got "lists in lists, more than 100 deep"/);
    }
  });

  it('reads or refuses names of millions of escapes', async () => {
    const name = String.raw`\u0061`.repeat(2_000_000);
    writeFileSync(file, bytesOf(`{"${name}":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1));
    expect([...(await readSafetensors(file)).keys()][0]).toHaveLength(2_000_000);
    const twice = String.raw`\"`.repeat(4_000_000);
    const tensor = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}';
    expect((await failure(bytesOf(`{"${twice}":${tensor},"b":${tensor},"b":${tensor}}`, 0))).message).toMatch(
      /every key of the header must be given once, got "b" twice/,
    );
  });

  it('takes metadata of null for none, as the format’s own reader does', async () => {
    writeFileSync(file, bytesOf(`{"__metadata__":null,"a":${JSON.stringify(entry('U8', [1], 0, 1))}}`, 1));
    expect([...(await readSafetensors(file)).keys()]).toEqual(['a']);
    expect({ ...(await readSafetensorsMetadata(file)) }).toEqual({});
  });

  it('refuses a file that is empty or shorter than its first field', async () => {
    expect((await failure(new Uint8Array())).message).toContain('header length');
    expect((await failure(new Uint8Array(7))).message).toContain('header length');
  });

  it('refuses a header length beyond the file without allocating it', async () => {
    for (const length of [3n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) {
      const error = await failure(bytesOf('{}', 0, length));
      expect(error).toMatchObject({ offset: 0, found: String(length) });
    }
  });

  it('refuses a header that is cut off, is no UTF-8 or starts with a mark', async () => {
    expect((await failure(bytesOf('{"a":', 0))).message).toContain('header must be a JSON object');
    const broken = bytesOf('{"a":1}', 0);
    broken[10] = 0xff;
    expect((await failure(broken)).message).toContain('header must be a JSON object');
    expect((await failure(bytesOf('\uFEFF{}', 0))).message).toContain('header must be a JSON object');
  });

  it('names tensor, offset, found and expected', async () => {
    const header = JSON.stringify({ a: f32(0, 4), b: f32(8, 12) });
    const dataStart = 8 + header.length;
    expect(await failure(bytesOf(header, 12))).toMatchObject({
      tensor: 'b',
      offset: dataStart + 8,
      expected: `byte ${dataStart + 4}, right behind the tensor before it`,
      found: `byte ${dataStart + 8} (a hole)`,
    });
  });

  it('shortens what it quotes from a broken file', async () => {
    const error = await failure(bytesOf(JSON.stringify({ a: entry('x'.repeat(100_000), [1], 0, 4) }), 4));
    expect(error.message.length).toBeLessThan(1000);
  });

  it('says that a file is missing, or is a folder', async () => {
    await expect(readSafetensors(join(folder, 'nowhere'))).rejects.toThrow(
      /must be there, got ENOENT.*nowhere/,
    );
    await expect(readSafetensors(folder)).rejects.toThrow(/must be a file, got a folder/);
  });
});

describe('writeSafetensors', () => {
  it('gives the golden files back byte for byte, whatever the order of the tensors', async () => {
    for (const source of [
      join(goldenContainer('packed'), 'model.safetensors'),
      join(goldenContainer('master-bf16'), 'model.safetensors'),
      join(GOLDEN_TINY, 'ref', 'bitlinear_packed_fp32_p0.safetensors'),
    ]) {
      const tensors = [...(await readSafetensors(source))].map(([name, tensor]) => ({ name, ...tensor }));
      const metadata = await readSafetensorsMetadata(source);
      await writeSafetensors(
        file,
        tensors.reverse(),
        Object.keys(metadata).length > 0 ? metadata : undefined,
      );
      expect(Buffer.compare(readFileSync(file), readFileSync(source))).toBe(0);
    }
  });

  it('gives every dtype and any names back', async () => {
    const tensor = fc.record({
      name: fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      dtype: fc.constantFrom(...(Object.keys(DTYPE_BYTES) as Dtype[])),
      shape: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
    });
    const lists = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(lists, fc.dictionary(fc.string(), fc.string()), async (list, metadata) => {
        const tensors = list.map(({ name, dtype, shape }) => ({
          name,
          dtype,
          shape,
          data: sample(dtype, shape),
        }));
        await writeSafetensors(file, tensors, metadata);
        const found = await readSafetensors(file);
        expect(found.size).toBe(tensors.length);
        for (const { name, dtype, shape, data } of tensors) {
          expect(found.get(name)).toEqual({ dtype, shape, data });
        }
        expect({ ...(await readSafetensorsMetadata(file)) }).toEqual({ ...metadata });
      }),
      { numRuns: 50 },
    );
  });

  it('writes data that comes in pieces, and 16-bit codes as they are', async () => {
    const codes = Uint16Array.of(0x7f81, 0x8000, 1);
    await writeSafetensors(file, [
      { name: 'pieces', dtype: 'U8', shape: [2, 2], data: () => [Uint8Array.of(1, 2, 3), Uint8Array.of(4)] },
      { name: 'codes', dtype: 'BF16', shape: [3], data: codes },
    ]);
    expect((await readSafetensors(file)).get('pieces')!.data).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(readFileSync(file).subarray(-10, -4).equals(Buffer.from(codes.buffer))).toBe(true);
  });

  it('leaves the old file and nothing else where a write fails', async () => {
    const own = scratchFolder();
    const path = join(own, 'model.safetensors');
    await writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [1], data: Uint8Array.of(7) }]);
    const before = readFileSync(path);
    const tooShort: TensorToWrite = { name: 'a', dtype: 'U8', shape: [2], data: () => [Uint8Array.of(1)] };
    await expect(writeSafetensors(path, [tooShort])).rejects.toThrow(/must be 2 bytes.*got 1.*tensor "a"/);
    const failing = (): Iterable<Uint8Array> => {
      throw new Error('the source failed');
    };
    const broken: TensorToWrite = { name: 'a', dtype: 'U8', shape: [2], data: failing };
    await expect(writeSafetensors(path, [broken])).rejects.toThrow('the source failed');
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(own)).toEqual(['model.safetensors']);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full, and keeps the old file', async () => {
    const path = join(folder, 'full.safetensors');
    await writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [1], data: Uint8Array.of(7) }]);
    const before = readFileSync(path);
    const filling = (): Iterable<Uint8Array> => {
      writeFileSync('/dev/full', 'x'); // the error of a full disk, as the system gives it
      return [];
    };
    const writing = writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [1], data: filling }]);
    await expect(writing).rejects.toThrow(
      /write safetensors: .* within the free disk space, got ENOSPC in .*full/,
    );
    expect(readFileSync(path)).toEqual(before);
  });

  it('refuses names given twice, wrong arrays and wrong lengths before it touches the disk', async () => {
    const path = join(folder, 'never.safetensors');
    const a: TensorToWrite = { name: 'a', dtype: 'F32', shape: [1], data: new Float32Array(1) };
    await expect(writeSafetensors(path, [a, a])).rejects.toThrow(/name must be given once/);
    await expect(writeSafetensors(path, [{ ...a, shape: [2] }])).rejects.toThrow(/must be 2 values.*got 1/);
    await expect(writeSafetensors(path, [{ ...a, data: new Int32Array(1) }])).rejects.toThrow(
      /Float32Array for F32/,
    );
    await expect(writeSafetensors(path, [{ ...a, shape: [-1] }])).rejects.toThrow(/shape must be/);
    expect(existsSync(path)).toBe(false);
  });
});

/** Values that tell a misplaced byte: 1, 2, 3 and so on. */
function sample(dtype: Dtype, shape: readonly number[]): TensorToWrite['data'] & ArrayLike<unknown> {
  const length = shape.reduce((product, axis) => product * axis, 1);
  const numbers = Array.from({ length }, (_, i) => i + 1);
  if (dtype === 'I64') return BigInt64Array.from(numbers.map(BigInt));
  if (dtype === 'U64') return BigUint64Array.from(numbers.map(BigInt));
  const arrays = {
    BOOL: Uint8Array,
    U8: Uint8Array,
    I8: Int8Array,
    I16: Int16Array,
    U16: Uint16Array,
    F16: Float32Array,
    BF16: Float32Array,
    I32: Int32Array,
    U32: Uint32Array,
    F32: Float32Array,
    F64: Float64Array,
  };
  return arrays[dtype].from(numbers);
}
