/** What is fuzzed: for each format a golden file, the ways to damage it, and what has to hold where it is accepted. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Checkpoint, TensorEntry } from '../../../lib/checkpoint/checkpoint.js';
import { FileError } from '../../../lib/io/file-error.js';
import { DTYPE_BYTES } from '../../../lib/checkpoint/dtypes.js';
import { encodedBytes, I2S_TAIL_BYTES, isTernary } from '../../../lib/checkpoint/encodings.js';
import { parseGgufHeader } from '../../../lib/checkpoint/gguf/gguf.js';
import { openCheckpoint } from '../../../lib/checkpoint/open-checkpoint.js';
import { packTernary, unpackTernary } from '../../../lib/checkpoint/packing.js';
import { readSafetensors, writeSafetensors } from '../../../lib/checkpoint/safetensors/safetensors.js';
import { parameterSpecs } from '../../../lib/parameters.js';
import { goldenContainer, GOLDEN_TINY } from '../../golden/containers.js';
import type { FUZZ_FORMATS } from './formats.js';
import { ggufFields } from './gguf-fields.js';
import { damageBytes, damageFields, damageJson, damageSafetensorsHeader, type Mutated } from './mutations.js';
import type { Random } from './random.js';
import { storedTarget } from './stored-target.js';
import { require, type FuzzTarget } from './target.js';
import { recordTarget, runTarget, tokenizerTarget } from './text-targets.js';

export type FuzzFormat = (typeof FUZZ_FORMATS)[number];

/** Prepares a format for fuzzing inside an empty folder. */
export async function fuzzTarget(format: FuzzFormat, folder: string): Promise<FuzzTarget> {
  switch (format) {
    case 'safetensors':
      return safetensorsTarget(join(folder, 'x.safetensors'));
    case 'packed':
      return checkpointTarget(packedFile(folder), damageSafetensorsHeader);
    case 'config':
      return jsonTarget(folder, 'config.json', linkWeights);
    case 'tokenizer':
      return tokenizerTarget(folder);
    case 'run':
      return runTarget(folder);
    case 'record':
      return recordTarget(folder);
    case 'stored':
      return storedTarget(folder);
    case 'index':
      return jsonTarget(folder, 'model.safetensors.index.json', shardWeights);
    case 'i2_s':
    case 'tq2_0':
    case 'tq1_0': {
      const path = join(folder, `${format}.gguf`);
      const original = readFileSync(goldenContainer(format));
      writeFileSync(path, original);
      const fields = ggufFields(original);
      return checkpointTarget(path, (bytes, random) => damageFields(bytes, fields, random));
    }
  }
}

async function safetensorsTarget(path: string): Promise<FuzzTarget> {
  const source = join(GOLDEN_TINY, 'ref', 'bitlinear_packed_fp32_p0.safetensors');
  const original = readFileSync(source);
  const sound = await readSafetensors(source);
  const dataStart = 8 + Number(original.readBigUInt64LE(0));
  return {
    damage(random) {
      const mutated =
        random.next() < 0.6
          ? damageSafetensorsHeader(original, random)
          : damageBytes(original, dataStart, random);
      writeFileSync(path, mutated.bytes);
      return mutated;
    },
    async read({ bytes, payloadOnly }) {
      const tensors = await readSafetensors(path);
      let read = 0;
      for (const { dtype, shape, data } of tensors.values()) {
        const values = shape.reduce((product, length) => product * length, 1);
        require(values === data.length, 'a tensor holds as many values as its shape says');
        read += values * DTYPE_BYTES[dtype];
      }
      require(8 + Number(bytes.readBigUInt64LE(0)) + read === bytes.length, 'the tensors fill the file');
      require(!payloadOnly || tensors.size === sound.size, 'damaged values leave the header as it was');
    },
  };
}

/** The golden packed folder, its weights to be damaged. */
function packedFile(folder: string): string {
  const copy = join(folder, 'packed');
  cpSync(goldenContainer('packed'), copy, { recursive: true });
  return join(copy, 'model.safetensors');
}

async function checkpointTarget(
  path: string,
  damageHeader: (bytes: Buffer, random: Random) => Mutated,
): Promise<FuzzTarget> {
  const original = readFileSync(path);
  const isGguf = path.endsWith('.gguf');
  const source = isGguf ? path : dirname(path);
  const dataStart = isGguf
    ? parseGgufHeader(original, original.length, path).dataStart
    : 8 + Number(original.readBigUInt64LE(0));
  const sound = await openCheckpoint(source);
  const soundEntries = new Map(sound.tensors);
  await sound.close();
  return {
    damage(random) {
      const mutated =
        random.next() < 0.5 ? damageHeader(original, random) : damageBytes(original, dataStart, random);
      writeFileSync(path, mutated.bytes);
      return mutated;
    },
    async read({ bytes, payloadOnly }, random) {
      const checkpoint = await openCheckpoint(source);
      try {
        checkEntries(checkpoint, bytes.length);
        for (const [name, entry] of soundEntries) {
          const found = checkpoint.tensors.get(name);
          require(!payloadOnly || found?.byteOffset === entry.byteOffset, 'damaged values move no tensor');
        }
        const entries = [...checkpoint.tensors.values()];
        const damaged = entries.filter(
          (entry) => !sliceOf(bytes, entry).equals(sliceOf(original, soundEntries.get(entry.name) ?? entry)),
        );
        for (const entry of new Set([...damaged.slice(0, 4), random.pick(entries)]))
          await checkTensor(checkpoint, entry, bytes);
      } finally {
        await checkpoint.close();
      }
    },
  };
}

function sliceOf(bytes: Buffer, { byteOffset, byteLength }: TensorEntry): Buffer {
  return bytes.subarray(byteOffset, byteOffset + byteLength);
}

/** Every promise that the entries of an open checkpoint make. */
function checkEntries(checkpoint: Checkpoint, fileBytes?: number): void {
  const { config, tensors } = checkpoint;
  const specs = parameterSpecs(config);
  require(specs.length === tensors.size, 'the tensors are those of the config');
  for (const { name, shape } of specs) {
    const entry = tensors.get(name);
    require(entry !== undefined &&
      entry.shape.join() === shape.join(), 'each tensor has the shape of the config');
  }
  for (const { name, encoding, shape, byteLength } of tensors.values()) {
    require(byteLength === encodedBytes(encoding, shape), 'each tensor has the bytes of its shape');
    const scale = checkpoint.scale(name);
    require(!isTernary(encoding) || scale !== undefined, 'each ternary matrix has a scale');
    require(scale === undefined || (scale > 0 && scale < Infinity), 'a scale is finite and above 0');
  }
  if (fileBytes === undefined) return;
  let end = 0;
  for (const { byteOffset, byteLength } of [...tensors.values()].sort(
    (a, b) => a.byteOffset - b.byteOffset,
  )) {
    require(byteOffset >= end, 'no tensor overlaps another');
    end = byteOffset + byteLength;
  }
  require(end <= fileBytes, 'each tensor lies in the file');
}

async function checkTensor(checkpoint: Checkpoint, entry: TensorEntry, bytes: Buffer): Promise<void> {
  const { name, encoding, shape, file, byteOffset } = entry;
  const read = new Uint8Array(entry.byteLength);
  await checkpoint.read(entry, read);
  require(sliceOf(bytes, entry).equals(read), 'what is read is what the file holds');
  if (!isTernary(encoding)) return;
  const scale = checkpoint.scale(name)!;
  const size = shape as [number, number];
  const matrix = unpackTernary(encoding, read, size, { file, tensor: name, byteOffset });
  require(matrix.scale === undefined ||
    matrix.scale === scale, 'the scale of the header is the scale of the data');
  const again = packTernary(encoding, { ...matrix, scale });
  const compared = encoding === 'I2_S' ? read.length - I2S_TAIL_BYTES + 4 : read.length;
  const isSame = Buffer.from(again.buffer, 0, compared).equals(read.subarray(0, compared));
  require(isSame ||
    hasZeroBlocks(encoding, read), 'what was unpacked packs to the same bytes: no code was made up');
}

/** Whether a block has the scale 0, which packing does not write. */
function hasZeroBlocks(encoding: string, bytes: Uint8Array): boolean {
  const blockBytes = encoding === 'TQ2_0' ? 66 : 54;
  if (!encoding.startsWith('TQ')) return false;
  for (let at = blockBytes - 2; at < bytes.length; at += blockBytes) {
    if ((bytes[at] | (bytes[at + 1] & 0x7f)) === 0) return true;
  }
  return false;
}

/** Puts the golden packed weights into a folder. */
type PlaceWeights = (folder: string) => Promise<void>;

const linkWeights: PlaceWeights = async (folder) => {
  symlinkSync(join(goldenContainer('packed'), 'model.safetensors'), join(folder, 'model.safetensors'));
};

/** In three shards, with an index. */
const shardWeights: PlaceWeights = async (folder) => {
  const all = [...(await readSafetensors(join(goldenContainer('packed'), 'model.safetensors')))];
  const third = Math.ceil(all.length / 3);
  const weightMap: Record<string, string> = {};
  for (let i = 0; i < 3; i++) {
    const file = `model-0000${i + 1}-of-00003.safetensors`;
    const tensors = all.slice(i * third, (i + 1) * third).map(([name, tensor]) => ({ name, ...tensor }));
    for (const { name } of tensors) weightMap[name] = file;
    await writeSafetensors(join(folder, file), tensors);
  }
  const index = { metadata: { total_size: 757_802 }, weight_map: weightMap };
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
};

/** A folder of which one JSON file is damaged. */
async function jsonTarget(folder: string, name: string, placeWeights: PlaceWeights): Promise<FuzzTarget> {
  for (const file of ['config.json', 'generation_config.json']) {
    cpSync(join(goldenContainer('packed'), file), join(folder, file));
  }
  await placeWeights(folder);
  const path = join(folder, name);
  const original = readFileSync(path);
  return {
    damage(random) {
      const { text, what } = damageJson(original.toString(), random);
      const mutated =
        random.next() < 0.8
          ? { bytes: Buffer.from(text), what, payloadOnly: false }
          : damageBytes(original, original.length, random);
      writeFileSync(path, mutated.bytes);
      return mutated;
    },
    async read() {
      const checkpoint = await openCheckpoint(folder);
      try {
        checkEntries(checkpoint);
        for (const { file } of checkpoint.tensors.values()) {
          require(dirname(resolve(file)) === resolve(folder), 'no file lies outside the folder');
        }
      } finally {
        await checkpoint.close();
      }
    },
  };
}

/** Whether an error is one that a damaged file may give: the project's own, saying where, what was found and expected. */
export function isProperRefusal(error: unknown, folder: string): boolean {
  if (!(error instanceof FileError)) return false;
  const { file, found, expected, message } = error;
  return (
    file.startsWith(folder) &&
    message.includes(file) &&
    found !== '' &&
    expected !== '' &&
    message.length < 2000
  );
}
