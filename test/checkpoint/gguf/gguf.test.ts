import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../lib/checkpoint/checkpoint-error.js';
import { FileBytes } from '../../../lib/io/file-bytes.js';
import { parseGgufHeader, readGgufHeader, type GgufHeader } from '../../../lib/checkpoint/gguf/gguf.js';
import { GGUF_TYPES } from '../../../lib/checkpoint/gguf/header-reader.js';
import { writeGguf, type GgufPair, type GgufTensorToWrite } from '../../../lib/checkpoint/gguf/write.js';
import { goldenContainer } from '../../golden/containers.js';
import { scratchFolder } from '../small-model.js';

const folder = scratchFolder();

/** Little-endian fields one after another: a minimal file is spelled out, so that each field can be made wrong. */
type Field = ['u32' | 'u64' | 'f32', number | bigint] | ['text' | 'raw', string];
function bytesOf(...fields: Field[]): Buffer {
  return Buffer.concat(
    fields.map(([kind, value]) => {
      if (kind === 'raw') return Buffer.from(value, 'latin1');
      if (kind === 'text')
        return Buffer.concat([bytesOf(['u64', Buffer.byteLength(value)]), Buffer.from(value)]);
      const bytes = Buffer.alloc(kind === 'u64' ? 8 : 4);
      if (kind === 'u64') bytes.writeBigUInt64LE(BigInt(value));
      else if (kind === 'u32') bytes.writeUInt32LE(Number(value));
      else bytes.writeFloatLE(Number(value));
      return bytes;
    }),
  );
}

const preamble = (tensors: number | bigint, pairs: number | bigint): Field[] => [
  ['raw', 'GGUF'],
  ['u32', 3],
  ['u64', tensors],
  ['u64', pairs],
];
const parse = (bytes: Uint8Array, fileBytes = bytes.length): GgufHeader =>
  parseGgufHeader(bytes, fileBytes, 'x.gguf');
const withPair = (...value: Field[]): Buffer => bytesOf(...preamble(0, 1), ['text', 'key'], ...value);
const withTensor = (dimensions: (number | bigint)[], type: number, offset: number | bigint): Buffer =>
  Buffer.concat([
    bytesOf(
      ...preamble(1, 0),
      ['text', 'a'],
      ['u32', dimensions.length],
      ...dimensions.map((length): Field => ['u64', length]),
      ['u32', type],
      ['u64', offset],
    ),
    Buffer.alloc(256),
  ]);

describe('parseGgufHeader', () => {
  it('reads every type of value', () => {
    const T = GGUF_TYPES;
    const value = (...fields: Field[]): unknown => parse(withPair(...fields)).metadata.get('key');
    expect(value(['u32', T.UINT8], ['raw', '\xff'])).toBe(255);
    expect(value(['u32', T.INT8], ['raw', '\xff'])).toBe(-1);
    expect(value(['u32', T.UINT16], ['raw', '\xfe\xff'])).toBe(65_534);
    expect(value(['u32', T.INT16], ['raw', '\xfe\xff'])).toBe(-2);
    expect(value(['u32', T.UINT32], ['u32', 2 ** 32 - 1])).toBe(2 ** 32 - 1);
    expect(value(['u32', T.INT32], ['u32', 2 ** 32 - 1])).toBe(-1);
    expect(value(['u32', T.FLOAT32], ['f32', 0.5])).toBe(0.5);
    expect(value(['u32', T.BOOL], ['raw', '\x01'])).toBe(true);
    expect(value(['u32', T.STRING], ['text', 'naïve \uFFFD 🌊'])).toBe('naïve \uFFFD 🌊');
    expect(value(['u32', T.UINT64], ['u64', 2n ** 53n - 1n])).toBe(2 ** 53 - 1);
    expect(value(['u32', T.UINT64], ['u64', 2n ** 64n - 1n])).toBe(2n ** 64n - 1n);
    expect(value(['u32', T.INT64], ['u64', 2n ** 64n - 3n])).toBe(-3);
    expect(value(['u32', T.FLOAT64], ['raw', '\0\0\0\0\0\0\xe0\x3f'])).toBe(0.5);
    expect(value(['u32', T.ARRAY], ['u32', T.STRING], ['u64', 2], ['text', 'a'], ['text', ''])).toEqual([
      'a',
      '',
    ]);
    expect(value(['u32', T.ARRAY], ['u32', T.UINT8], ['u64', 0])).toEqual([]);
  });

  it('accepts a file without anything, and one with a tensor alone', () => {
    expect(parse(bytesOf(...preamble(0, 0)))).toMatchObject({ tensors: [], alignment: 32, dataStart: 32 });
    expect(parse(withTensor([4, 2], 0, 0)).tensors).toEqual([
      { name: 'a', dimensions: [4, 2], type: 0, byteOffset: 96 },
    ]);
  });

  const { UINT32, STRING, ARRAY, BOOL } = GGUF_TYPES;
  const cases: [name: string, bytes: Uint8Array, expected: RegExp][] = [
    [
      'another magic number',
      bytesOf(['raw', 'GGML'], ['u32', 3], ['u64', 0], ['u64', 0]),
      /magic number must be "GGUF"/,
    ],
    ['version 2', bytesOf(['raw', 'GGUF'], ['u32', 2], ['u64', 0], ['u64', 0]), /version must be 3, got 2/],
    [
      'a big-endian file',
      bytesOf(['raw', 'GGUF'], ['raw', '\0\0\0\x03'], ['u64', 0]),
      /version must be 3, got 50331648/,
    ],
    ['an empty file', new Uint8Array(), /magic number must be within the 0 bytes/],
    [
      'a file cut off after its version',
      bytesOf(['raw', 'GGUF'], ['u32', 3]),
      /number of tensors must be within/,
    ],
    ['more tensors than fit', bytesOf(...preamble(2n ** 63n, 0)), /number of tensors must be at most 0/],
    [
      'more pairs than fit',
      bytesOf(...preamble(0, 2n ** 64n - 1n)),
      /number of metadata pairs must be at most 0/,
    ],
    [
      'a text longer than the file',
      withPair(['u32', STRING], ['u64', 2n ** 40n]),
      /length of key must be at most 0/,
    ],
    ['a text that is no UTF-8', withPair(['u32', STRING], ['u64', 1], ['raw', '\xff']), /key must be UTF-8/],
    [
      'an array longer than the file',
      withPair(['u32', ARRAY], ['u32', UINT32], ['u64', 2n ** 61n]),
      /length of key must be at most 0/,
    ],
    [
      'an array of arrays',
      withPair(['u32', ARRAY], ['u32', ARRAY], ['u64', 0]),
      /must be a single value, got an array/,
    ],
    [
      'a type that nobody knows',
      withPair(['u32', 13], ['u64', 0]),
      /type of "key" must be a code from 0 to 12, got 13/,
    ],
    ['a truth value of 2', withPair(['u32', BOOL], ['raw', '\x02']), /must be 0 or 1, got 2/],
    ['a value that is cut off', withPair(['u32', UINT32], ['raw', '\0\0']), /key must be within/],
    ['no dimensions', withTensor([], 0, 0), /number of dimensions must be from 1 to 4, got 0/],
    ['five dimensions', withTensor([1, 1, 1, 1, 1], 0, 0), /number of dimensions must be from 1 to 4, got 5/],
    ['a dimension of 0', withTensor([0], 0, 0), /dimension must be from 1/],
    ['a dimension beyond exact numbers', withTensor([2n ** 60n], 0, 0), /dimension must be from 1/],
    ['an offset that is not aligned', withTensor([1], 0, 4), /data offset must be a multiple of 32/],
    ['an offset behind the file', withTensor([1], 0, 2n ** 40n), /data offset must be .*got 1099511627776/],
    [
      'an alignment of 12',
      bytesOf(...preamble(0, 1), ['text', 'general.alignment'], ['u32', UINT32], ['u32', 12]),
      /alignment must be a multiple of 8/,
    ],
    [
      'an alignment of 0',
      bytesOf(...preamble(0, 1), ['text', 'general.alignment'], ['u32', UINT32], ['u32', 0]),
      /alignment must be a multiple of 8/,
    ],
    [
      'a key given twice',
      bytesOf(
        ...preamble(0, 2),
        ['text', 'key'],
        ['u32', UINT32],
        ['u32', 1],
        ['text', 'key'],
        ['u32', UINT32],
        ['u32', 1],
      ),
      /metadata key must be given once/,
    ],
  ];
  for (const [name, bytes, expected] of cases) {
    it(`refuses ${name}`, () => {
      expect(() => parse(bytes)).toThrow(expected);
      expect(() => parse(bytes)).toThrow(CheckpointError);
    });
  }

  it('refuses arrays that are too long together, before it makes the last of them', () => {
    const half: Field[] = [
      ['u32', ARRAY],
      ['u32', GGUF_TYPES.UINT8],
      ['u64', 2 ** 21],
      ['raw', '\0'.repeat(2 ** 21)],
    ];
    const pairs = (count: number): Buffer =>
      bytesOf(
        ...preamble(0, count),
        ...Array.from({ length: count }, (_, i): Field[] => [['text', `key ${i}`], ...half]).flat(),
        ['raw', '\0'.repeat(32)],
      );
    expect(parse(pairs(2)).metadata.size).toBe(2);
    expect(() => parse(pairs(3))).toThrow('length of key 2 must be at most 0, got 2097152');
  });

  it('shortens a key of a megabyte in its message', () => {
    const bytes = bytesOf(...preamble(0, 1), ['text', 'x'.repeat(2 ** 20)], ['u32', UINT32], ['raw', '\0']);
    let message = '';
    try {
      parse(bytes);
    } catch (error) {
      ({ message } = error as Error);
    }
    expect(message).toMatch(/^read GGUF header: xxx.*… must be within/);
    expect(message.length).toBeLessThan(1000);
  });

  it('refuses every golden header that is cut off, at any byte', () => {
    const header = readFileSync(goldenContainer('i2_s')).subarray(0, 19_189);
    for (let length = 0; length < header.length; length += 101) {
      expect(() => parse(header.subarray(0, length))).toThrow(CheckpointError);
    }
  });
});

describe('readGgufHeader', () => {
  it('reads a header longer than its first look at the file', async () => {
    const path = join(folder, 'long.gguf');
    const long = 'x'.repeat(3_000_000);
    await writeGguf(path, [['long', 'STRING', long]], []);
    const file = await FileBytes.open(path, 'test');
    expect((await readGgufHeader(file)).metadata.get('long')).toBe(long);
    await file.close();
  });
});

describe('writeGguf', () => {
  it('writes what the parser reads', async () => {
    const path = join(folder, 'x.gguf');
    const metadata: GgufPair[] = [
      ['number', 'UINT32', 4_000_000_000],
      ['negative', 'INT32', -5],
      ['half', 'FLOAT32', 0.5],
      ['yes', 'BOOL', true],
      ['text', 'STRING', 'ä🌊'],
      ['texts', 'STRING[]', ['a', '', 'Ġb']],
      ['numbers', 'INT32[]', [1, -2, 3]],
    ];
    const tensors: GgufTensorToWrite[] = [
      { name: 'a', encoding: 'F32', shape: [3], bytes: () => [Buffer.alloc(12, 1)] },
      {
        name: 'b',
        encoding: 'I2_S',
        shape: [2, 128],
        bytes: () => [Buffer.alloc(64, 2), Buffer.alloc(32, 3)],
      },
      { name: 'c', encoding: 'BF16', shape: [2, 1], bytes: () => [Buffer.alloc(4, 4)] },
    ];
    await writeGguf(path, metadata, tensors);
    const bytes = readFileSync(path);
    const header = parse(bytes);
    expect([...header.metadata]).toEqual(metadata.map(([key, , value]) => [key, value]));
    expect(header.tensors.map(({ name, dimensions, type }) => [name, dimensions, type])).toEqual([
      ['a', [3], 0],
      ['b', [128, 2], 36],
      ['c', [1, 2], 30],
    ]);
    const [a, b, c] = header.tensors.map(({ byteOffset }) => byteOffset);
    expect([a % 32, b - a, c - b, bytes.length - c]).toEqual([0, 32, 96, 32]);
    expect([bytes[a + 11], bytes[a + 12], bytes[b + 63], bytes[b + 64], bytes[c + 3], bytes[c + 4]]).toEqual([
      1, 0, 2, 3, 4, 0,
    ]);
  });

  it('refuses bytes that do not fill a tensor, and leaves the old file', async () => {
    const path = join(folder, 'old.gguf');
    writeFileSync(path, 'GGUF, an old one');
    const short: GgufTensorToWrite = {
      name: 'a',
      encoding: 'F32',
      shape: [3],
      bytes: () => [new Uint8Array(8)],
    };
    await expect(writeGguf(path, [], [short])).rejects.toThrow(/must be 12 bytes, got 8 .*tensor "a"/);
    expect(readFileSync(path, 'utf8')).toBe('GGUF, an old one');
  });
});
