/** The safetensors files of a model folder: one, or several with an index that says which tensor lies where. */
import { quote } from '../../io/quote.js';
import { join } from 'node:path';
import { CheckpointError } from '../checkpoint-error.js';
import { FileError } from '../../io/file-error.js';
import { FileBytes } from '../../io/file-bytes.js';
import { parseJson } from '../../io/json-file.js';
import { readOptionalText } from '../../io/whole-file.js';
import type { SafetensorsEntry } from './header.js';
import { readSafetensorsHeader } from './safetensors.js';
import { isObject } from '../../io/is-object.js';

const operation = 'open checkpoint';
/** The file of a model in one piece. */
export const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

/** Shards of one model; the largest public models have fewer, and all of them stay open. */
const MAX_SHARDS = 512;
/** A plain name: no folder, no drive, no step upwards. Hidden files are no shards either. */
const RE_SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.safetensors$/;

/** A tensor of a safetensors file, with the file it lies in. */
export interface FileEntry extends SafetensorsEntry {
  file: FileBytes;
}

/** All tensors of the folder by name; opens files into `files`, which the caller closes. */
export async function findTensors(
  folder: string,
  files: FileBytes[],
  signal?: AbortSignal,
): Promise<Map<string, FileEntry>> {
  const open = async (name: string): Promise<Map<string, FileEntry>> => {
    signal?.throwIfAborted();
    const file = await FileBytes.open(join(folder, name), operation);
    files.push(file);
    const { tensors } = await readSafetensorsHeader(file);
    return new Map([...tensors].map(([tensor, entry]) => [tensor, { ...entry, file }]));
  };
  try {
    return await open(SINGLE_FILE); // as in transformers, the single file counts where both are there
  } catch (error) {
    if (!(error instanceof FileError && error.found === 'ENOENT')) throw error;
  }
  const index = await readOptionalText(folder, INDEX_FILE, operation);
  if (index === undefined) {
    throw new CheckpointError({
      operation,
      file: folder,
      what: 'the folder',
      expected: `one with ${SINGLE_FILE} or ${INDEX_FILE}`,
      found: 'neither',
      hint: 'Download the weights, or name the folder that has them.',
    });
  }
  const indexPath = join(folder, INDEX_FILE);
  const weightMap = parseIndex(parseJson(index, indexPath, operation), indexPath);
  const found = new Map<string, FileEntry>();
  for (const shard of new Set(weightMap.values())) {
    for (const [tensor, entry] of await open(shard)) {
      checkAgainstIndex(tensor, shard, weightMap, indexPath);
      found.set(tensor, entry);
    }
  }
  for (const [tensor, shard] of weightMap) {
    if (!found.has(tensor)) {
      const expected = `in ${shard}, as the index says`;
      throw new CheckpointError({
        operation,
        file: indexPath,
        tensor,
        what: 'the tensor',
        expected,
        found: 'none',
      });
    }
  }
  return found;
}

/** The shard of each tensor. @throws CheckpointError for names that are no plain file names of the folder */
function parseIndex(json: unknown, file: string): Map<string, string> {
  const fail = (what: string, expected: string, found: unknown, tensor?: string): never => {
    throw new CheckpointError({ operation, file, tensor, what, expected, found: quote(found) });
  };
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (!isObject(map)) {
    return fail('weight_map', 'an object of file names', map);
  }
  const shards = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !RE_SHARD_NAME.test(shard)) {
      const expected = 'the plain name of a .safetensors file in the same folder';
      return fail('file of the tensor', expected, shard, tensor);
    }
    shards.set(tensor, shard);
  }
  const count = new Set(shards.values()).size;
  return count <= MAX_SHARDS ? shards : fail('number of shards', `at most ${MAX_SHARDS}`, count);
}

function checkAgainstIndex(tensor: string, shard: string, index: Map<string, string>, file: string): void {
  const listed = index.get(tensor);
  if (listed === shard) return;
  throw new CheckpointError({
    operation,
    file,
    tensor,
    what: `a tensor of ${shard}`,
    expected: 'listed for that shard in the index',
    found: listed === undefined ? 'none' : `listed for ${listed}`,
    hint: 'The shards and the index belong to different versions. Download them again.',
  });
}
