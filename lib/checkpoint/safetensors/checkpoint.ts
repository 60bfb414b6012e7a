/** Checkpoints in Hugging Face's layout: a folder with config.json and one or more safetensors files. */
import { join } from 'node:path';
import type { ModelConfig } from '../../config.js';
import type { Checkpoint, TensorEncoding, TensorEntry } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import { DTYPE_BYTES, halfToNumber } from '../dtypes.js';
import { encodedBytes, shapeProblem, WEIGHTS_PER_BYTE } from '../encodings.js';
import { expectedTensors } from '../expected-tensors.js';
import { FileBytes } from '../../io/file-bytes.js';
import { parseGenerationConfig } from '../generation-config.js';
import { parsePythonJson } from '../../io/json.js';
import { parseJson, readJsonFile } from '../../io/json-file.js';
import { readOptionalText } from '../../io/whole-file.js';
import { isPacked, readModelConfig } from '../model-config.js';
import { checkScale, closeAll, OpenTensors } from '../open-tensors.js';
import { withoutRepeats } from './repeats.js';
import { findTensors, type FileEntry } from './shards.js';
import { checkVocabulary, readTokenizerFiles } from '../tokenizer-files.js';
import { isObject } from '../../io/is-object.js';

const operation = 'open checkpoint';

/**
 * Opens a folder with config.json and model.safetensors or its shards.
 * @throws CheckpointError
 */
export async function openSafetensorsFolder(folder: string, signal?: AbortSignal): Promise<Checkpoint> {
  const configPath = join(folder, 'config.json');
  const rawConfig = await readJsonFile(folder, 'config.json', operation);
  const config = readModelConfig(rawConfig, configPath);
  const generationText = await readOptionalText(folder, 'generation_config.json', operation);
  const generationPath = generationText === undefined ? configPath : join(folder, 'generation_config.json');
  const generation =
    generationText === undefined ? {} : parseJson(generationText, generationPath, operation, parsePythonJson);
  const generationConfig = parseGenerationConfig(
    withEndIds(generation, rawConfig as Record<string, unknown>),
    config,
    generationPath,
  );
  const tokenizerSource = await readTokenizerFiles(folder);
  checkVocabulary(tokenizerSource, config, folder);

  const files: FileBytes[] = [];
  try {
    const found = await withoutRepeats(config, await findTensors(folder, files, signal), signal);
    const { tensors, scales } = await checkTensors(config, found, folder);
    return new OpenTensors({
      source: folder,
      config,
      generationConfig,
      tensors,
      tokenizerSource,
      files,
      scales,
    });
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** config.json may list several end ids, which `ModelConfig` cannot hold; they serve where no other file names any. */
function withEndIds(generation: unknown, rawConfig: Record<string, unknown>): unknown {
  return isObject(generation) && Array.isArray(rawConfig.eos_token_id)
    ? { eos_token_id: rawConfig.eos_token_id, ...generation }
    : generation;
}

/** Holds names, dtypes and shapes against the config, and reads the scales of packed matrices. */
async function checkTensors(
  config: ModelConfig,
  found: ReadonlyMap<string, FileEntry>,
  folder: string,
): Promise<{ tensors: Map<string, TensorEntry>; scales: Map<string, number> }> {
  const packed = isPacked(config);
  const isScale = (name: string): boolean => packed && name.endsWith('.weight_scale');
  const present = new Set([...found.keys()].filter((name) => !isScale(name)));
  const specs = expectedTensors(config, present, operation, folder);
  const tensors = new Map<string, TensorEntry>();
  const scales = new Map<string, number>();
  const scaleNames = new Set([...found.keys()].filter(isScale));
  for (const { name, shape, quantized } of specs) {
    const stored = found.get(name)!;
    tensors.set(name, checkTensor(name, shape, stored, quantized && packed));
    if (!(quantized && packed)) continue;
    const scaleName = `${name}_scale`;
    scaleNames.delete(scaleName);
    scales.set(name, await readScale(scaleName, found.get(scaleName), config, stored.file.path));
  }
  for (const tensor of scaleNames) {
    const file = found.get(tensor)!.file.path;
    const expected = 'beside a packed matrix of the model';
    throw new CheckpointError({
      operation,
      file,
      tensor,
      what: 'a scale',
      expected,
      found: 'one without a matrix',
    });
  }
  return { tensors, scales };
}

function checkTensor(
  name: string,
  shape: readonly number[],
  { dtype, shape: storedShape, byteOffset, byteLength, file }: FileEntry,
  packed: boolean,
): TensorEntry {
  const fail = (what: string, expected: string, found: string): never => {
    const hint = 'The tensor belongs to another model or another quantization_mode.';
    throw new CheckpointError({
      operation,
      file: file.path,
      tensor: name,
      offset: byteOffset,
      what,
      expected,
      found,
      hint,
    });
  };
  const allowed: readonly string[] = packed ? ['U8'] : ['F32', 'F16', 'BF16'];
  if (!allowed.includes(dtype)) fail('dtype', allowed.join(', '), dtype);
  const encoding = packed ? 'packed' : (dtype as TensorEncoding);
  const problem = shapeProblem(encoding, shape);
  if (problem !== undefined) fail(`${problem.what} in the config`, problem.expected, problem.found);
  const wanted = packed ? [shape[0] / WEIGHTS_PER_BYTE, ...shape.slice(1)] : shape;
  if (storedShape.length !== wanted.length || storedShape.some((length, axis) => length !== wanted[axis])) {
    fail('shape', `[${wanted.join(', ')}], as the config asks for`, `[${storedShape.join(', ')}]`);
  }
  if (byteLength !== encodedBytes(encoding, shape)) {
    fail('data', `${encodedBytes(encoding, shape)} bytes long`, `${byteLength}`);
  }
  return { name, encoding, shape, file: file.path, byteOffset, byteLength };
}

/** The multiplier that a weight_scale stands for: itself for `autobitlinear`, its reciprocal for `bitlinear`. */
async function readScale(
  tensor: string,
  entry: FileEntry | undefined,
  config: ModelConfig,
  matrixFile: string,
): Promise<number> {
  if (entry === undefined) {
    const expected = 'beside its packed matrix';
    throw new CheckpointError({
      operation,
      file: matrixFile,
      tensor,
      what: 'the scale',
      expected,
      found: 'none',
    });
  }
  const { dtype, shape, byteOffset, file } = entry;
  const isOneValue = shape.every((length) => length === 1);
  if (!isOneValue || (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')) {
    throw new CheckpointError({
      operation,
      file: file.path,
      tensor,
      offset: byteOffset,
      what: 'the scale',
      expected: 'one value of F32, F16 or BF16',
      found: `${dtype} [${shape.join(', ')}]`,
    });
  }
  const bytes = new Uint8Array(DTYPE_BYTES[dtype]);
  await file.read(byteOffset, bytes, { operation, tensor });
  const view = new DataView(bytes.buffer);
  const stored = dtype === 'F32' ? view.getFloat32(0, true) : halfToNumber(dtype, view.getUint16(0, true));
  checkScale(stored, file.path, tensor, byteOffset);
  const multiplier =
    config.quantization_config?.linear_class === 'bitlinear' ? Math.fround(1 / stored) : stored;
  return checkScale(multiplier, file.path, tensor, byteOffset);
}
