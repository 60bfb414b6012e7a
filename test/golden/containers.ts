/**
 * The golden model of test/golden/tiny in its five containers, as files on the disk.
 *
 * Two things keep the repository small. The bf16 master weights are stored compressed. And the two TQ files differ from
 * the I2_S file in nothing but their header and the layout of the ternary matrices: only the headers are stored, and
 * the rest is put together here. The SHA-256 of the original files says that what comes out is they.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { encodedBytes } from '../../lib/checkpoint/encodings.js';
import { ggmlEncoding } from '../../lib/checkpoint/gguf/ggml-types.js';
import { parseGgufHeader } from '../../lib/checkpoint/gguf/gguf.js';
import { packTernary, unpackTernary } from '../../lib/checkpoint/packing.js';

/** The folder test/golden/tiny. */
export const GOLDEN_TINY: string = fileURLToPath(new URL('./tiny', import.meta.url));
const BUILT = fileURLToPath(new URL('../output/golden-tiny', import.meta.url));

export const GOLDEN_CONTAINERS = ['packed', 'master-bf16', 'i2_s', 'tq2_0', 'tq1_0'] as const;
export type GoldenContainer = (typeof GOLDEN_CONTAINERS)[number];

const SHA256 = {
  'master-bf16': '30b958455b77d312870b787d061a1d08e22f69ec50dfedd20615df9e0e5a9ecc',
  tq2_0: 'e423c949f12de686a1885b893c78009c22204f0b2e448fa6302bb146870e4798',
  tq1_0: '73458879578e8e61b2944f728de201d5fb887c7219fbdd7bb2dbac52def059a3',
} as const;

/** Path of a golden container: a folder for `packed` and `master-bf16`, else a .gguf file. Not to be written to. */
export function goldenContainer(name: GoldenContainer): string {
  if (name === 'packed') return join(GOLDEN_TINY, 'packed');
  if (name === 'i2_s') return join(GOLDEN_TINY, 'gguf', 'model-i2_s.gguf');
  if (name === 'master-bf16') return masterFolder();
  return build(join(BUILT, `model-${name}.gguf`), SHA256[name], () => composeTq(name));
}

function masterFolder(): string {
  const folder = join(BUILT, 'master-bf16');
  // The tokenizer and generation files of both folders are the same.
  for (const name of [
    'generation_config.json',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]) {
    copy(join(GOLDEN_TINY, 'packed', name), join(folder, name));
  }
  copy(join(GOLDEN_TINY, 'master-bf16', 'config.json'), join(folder, 'config.json'));
  build(join(folder, 'model.safetensors'), SHA256['master-bf16'], () =>
    brotliDecompressSync(readFileSync(join(GOLDEN_TINY, 'master-bf16', 'model.safetensors.br'))),
  );
  return folder;
}

function composeTq(name: 'tq2_0' | 'tq1_0'): Uint8Array {
  const header = readFileSync(join(GOLDEN_TINY, 'gguf', `model-${name}.header`));
  const base = readFileSync(join(GOLDEN_TINY, 'gguf', 'model-i2_s.gguf'));
  const bases = new Map(
    parseGgufHeader(base, base.length, 'i2_s').tensors.map((tensor) => [tensor.name, tensor]),
  );
  const { tensors } = parseGgufHeader(header, Number.MAX_SAFE_INTEGER, name);
  const parts = new Map<number, Uint8Array>();
  for (const { name: tensor, type, dimensions, byteOffset } of tensors) {
    const from = bases.get(tensor)!;
    const [input, out] = dimensions;
    const bytes = base.subarray(
      from.byteOffset,
      from.byteOffset + encodedBytes(ggmlEncoding(from.type)!, [...dimensions].reverse()),
    );
    const encoding = ggmlEncoding(type)!;
    const isTernary = encoding === 'TQ2_0' || encoding === 'TQ1_0';
    parts.set(
      byteOffset,
      isTernary ? packTernary(encoding, unpackTernary('I2_S', bytes, [out, input])) : bytes,
    );
  }
  const end = Math.max(...[...parts].map(([offset, part]) => offset + part.length));
  const whole = new Uint8Array(Math.ceil(end / 32) * 32);
  whole.set(header);
  for (const [offset, part] of parts) whole.set(part, offset);
  return whole;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function copy(from: string, to: string): void {
  const bytes = readFileSync(from);
  build(to, digest(bytes), () => bytes);
}

/** Makes a file once, under a name of this process first: test files run side by side. */
function build(path: string, sha256: string, make: () => Uint8Array): string {
  if (existsSync(path) && digest(readFileSync(path)) === sha256) return path;
  const bytes = make();
  if (digest(bytes) !== sha256)
    throw new Error(`golden ${path}: the bytes put together differ from the original's.`);
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}`;
  try {
    writeFileSync(partial, bytes);
    renameSync(partial, path);
  } finally {
    rmSync(partial, { force: true });
  }
  return path;
}
