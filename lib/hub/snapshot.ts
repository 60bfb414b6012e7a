/** Which files of a repository make a model, and whether a snapshot has them. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES_BESIDE_WEIGHTS } from '../io/model-files.js';
import { readTextIfThere } from '../io/whole-file.js';
import { parseModestJson } from '../io/json.js';
import { isInside } from './listing.js';
import { HubError } from './request.js';

/** Besides the weights. Files that a repository does not have are not missed. */
const SMALL_FILES: readonly string[] = ['config.json', ...FILES_BESIDE_WEIGHTS];
const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';

/**
 * The files that a model needs to run: config, tokenizer, and the weights as safetensors or, if there are none, as GGUF.
 * @throws HubError if a requested file is not there, or there are no weights, or a choice of them
 */
export function selectFiles(paths: readonly string[], id: string, requested?: readonly string[]): string[] {
  if (requested !== undefined) {
    const missing = requested.filter((path) => !paths.includes(path));
    if (missing.length === 0) return [...requested];
    throw new HubError(
      `download: ${missing.join(', ')} must be in ${id}, got ${paths.slice(0, 50).join(', ') || 'no files'}.`,
    );
  }
  const atRoot = (ending: string): string[] =>
    paths.filter((path) => path.endsWith(ending) && !path.includes('/'));
  const small = SMALL_FILES.filter((path) => paths.includes(path));
  if (paths.includes(SINGLE)) return [...small, SINGLE];
  const shards = atRoot('.safetensors');
  if (shards.length > 0) return [...small, ...(paths.includes(INDEX) ? [INDEX] : []), ...shards];
  const gguf = atRoot('.gguf');
  if (gguf.length === 1) return [...small, ...gguf];
  throw new HubError(
    gguf.length === 0
      ? `download: ${id} must have model.safetensors or a .gguf file, got ${paths.slice(0, 50).join(', ') || 'no files'}.`
      : `download: ${id} must have one .gguf file, got ${gguf.join(', ')}. Name one with the option files.`,
  );
}

/** What a snapshot lacks to be a model. */
export async function missingFiles(folder: string, requested?: readonly string[]): Promise<string[]> {
  if (requested !== undefined) return absent(folder, requested);
  if ((await ggufFiles(folder)).length > 0 && !(await exists(join(folder, SINGLE)))) return [];
  const index = await readTextIfThere(join(folder, INDEX), 'read index').catch(() => '');
  if (index === undefined) return absent(folder, ['config.json', SINGLE]);
  try {
    const { weight_map: shards } = parseModestJson(index) as { weight_map: Record<string, string> };
    return await absent(folder, ['config.json', ...new Set(Object.values(shards).filter(isInside))]);
  } catch {
    return [`readable ${INDEX}`];
  }
}

async function absent(folder: string, paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map((path) => exists(join(folder, path))));
  return paths.filter((_, index) => !found[index]);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function ggufFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.gguf'));
}

/** What to open of a snapshot: its folder, or the one .gguf file if the model is that. */
export async function openablePath(folder: string, requested?: readonly string[]): Promise<string> {
  if (await exists(join(folder, SINGLE))) return folder;
  const names = requested?.filter((path) => path.endsWith('.gguf')) ?? (await ggufFiles(folder));
  const isSharded = requested === undefined && (await exists(join(folder, INDEX)));
  return names.length === 1 && !isSharded ? join(folder, names[0]) : folder;
}
