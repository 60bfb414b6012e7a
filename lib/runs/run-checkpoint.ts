/**
 * checkpoint/ of a run: where training goes on. It appears whole or not at all.
 * - `training.json`: the step, how many points metrics.jsonl had, the run's identity, the run's own state, the SHA-256
 *   of the files with tensors, and that of all this itself.
 * - `training.safetensors`: tensors that are not the model's, such as the optimizer's moments.
 * - optionally a model folder in Hugging Face's layout around them, which transformers and the inference engine load.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FileBytes } from '../io/file-bytes.js';
import { explainSystemError } from '../io/file-error.js';
import { readWhole } from '../io/whole-file.js';
import { parseModestJson } from '../io/json.js';
import { MODEL_FILES } from '../io/model-files.js';
import { quote } from '../io/quote.js';
import { mendReplacement, removeFolder, replaceFolder, type FolderKind } from '../io/replace-folder.js';
import { saveModelFolder, type ModelFolder, type ModelTensor } from '../checkpoint/model-folder.js';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors/safetensors.js';
import { isStep } from './metrics-file.js';
import { stableJson } from './run-config.js';
import { RunFolderError } from '../io/run-folder-error.js';

const STATE_FILE = 'training.json';
const TENSORS_FILE = 'training.safetensors';
const MODEL_FILE = 'model.safetensors';

/** What a checkpoint may take the place of. */
const RUN_CHECKPOINT: FolderKind = {
  operation: 'save checkpoint',
  kind: "a run's checkpoint with nothing else in it",
  files: [...MODEL_FILES, STATE_FILE, TENSORS_FILE],
  isOne: (_, files) => Promise.resolve(files.includes(STATE_FILE)),
};

/** What training needs to go on as if it had never stopped. */
export interface RunCheckpoint {
  /** Updates made. */
  step: number;
  /** Plain data of the training loop: states of random generators, best loss so far. */
  state: unknown;
  /** float32 tensors by name: the optimizer's, and the weights where no model is given. */
  tensors: readonly ModelTensor[];
  /** The model, in float32. */
  model?: ModelFolder;
}

/** A checkpoint read back. */
export interface LoadedRunCheckpoint {
  step: number;
  state: unknown;
  /** Tensors by name, bit for bit as saved. */
  tensors: Map<string, ModelTensor>;
  /** The model's tensors by name; empty where the checkpoint was saved without a model. */
  modelTensors: Map<string, ModelTensor>;
}

/** What training.json holds. */
export interface CheckpointState {
  step: number;
  /** Points in metrics.jsonl up to this step. */
  points: number;
  /** runIdentity of the run's config. */
  identity: string;
  state: unknown;
  /** Of the files with tensors, by name; checkpoints of early versions have none. */
  sha256?: Readonly<Record<string, string>>;
}

/** SHA-256 of everything else in training.json: another step or another state would be another run, in silence. */
function checksumOf({ step, points, identity, state, sha256 }: CheckpointState): string {
  return createHash('sha256').update(stableJson({ step, points, identity, state, sha256 })).digest('hex');
}

/**
 * Saves a checkpoint in place of the one before, which stays until the new one is complete on the disk.
 * @throws FileError where the disk is full or a tensor does not fit; the checkpoint before is then untouched
 */
export async function saveRunCheckpoint(
  folder: string,
  checkpoint: RunCheckpoint,
  run: { points: number; identity: string },
): Promise<void> {
  const { step, state, tensors, model } = checkpoint;
  const write = async (partial: string): Promise<void> => {
    await writeSafetensors(
      join(partial, TENSORS_FILE),
      tensors.map((tensor) => ({ ...tensor, dtype: 'F32' })),
    );
    const sha256: Record<string, string> = {};
    for (const name of model ? [MODEL_FILE, TENSORS_FILE] : [TENSORS_FILE])
      sha256[name] = await hashOf(join(partial, name));
    const json = { step, points: run.points, identity: run.identity, state, sha256 };
    const text = stableJson({ ...json, checksum: checksumOf(json) }, 2);
    await writeFile(join(partial, STATE_FILE), `${text}\n`, { flush: true });
  };
  try {
    if (model) await saveModelFolder(folder, { ...model, also: { own: RUN_CHECKPOINT, write } });
    else await replaceFolder(folder, { own: RUN_CHECKPOINT }, write);
    await flushFolder(dirname(folder));
  } catch (error) {
    throw explainSystemError('save checkpoint', folder, error);
  }
}

async function hashOf(path: string): Promise<string> {
  const operation = 'read checkpoint';
  const file = await FileBytes.open(path, operation);
  try {
    const hash = createHash('sha256');
    for await (const piece of file.pieces({ operation })) hash.update(piece);
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

/** Makes renames in a folder last through a power cut, where the system can. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Reads training.json, after mending a replacement that a kill cut off, and checks the files with tensors. For the one
 * who writes the run.
 * @returns undefined where the run has no checkpoint yet
 * @throws RunFolderError or FileError where it is damaged
 */
export async function readCheckpointState(folder: string): Promise<CheckpointState | undefined> {
  const path = join(folder, STATE_FILE);
  try {
    await mendReplacement(folder, RUN_CHECKPOINT);
    const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) return undefined;
    const state = parseState((await readWhole(path, 'read checkpoint')).toString('utf8'), path);
    for (const [name, wanted] of Object.entries(state.sha256 ?? {})) {
      const actual = await hashOf(join(folder, name));
      if (actual !== wanted) throw damaged(`SHA-256 ${wanted}`, actual, join(folder, name));
    }
    return state;
  } catch (error) {
    throw explainSystemError('read checkpoint', path, error);
  }
}

/** Takes away a checkpoint that no run can go on from. @throws FileError where it holds anything else */
export async function removeCheckpoint(folder: string): Promise<void> {
  await removeFolder(folder, RUN_CHECKPOINT);
}

function damaged(expected: string, found: string, file: string): RunFolderError {
  return new RunFolderError(
    `read checkpoint: the file must have ${expected}, got ${found} in ${file}. ` +
      'It was damaged after it was written: restore it, or start a new run.',
  );
}

function parseState(text: string, path: string): CheckpointState {
  let found: unknown;
  try {
    found = parseModestJson(text);
  } catch {
    found = undefined;
  }
  const { checksum, ...state } = (found ?? {}) as Partial<CheckpointState> & { checksum?: unknown };
  const isWhole = isStep(state.step) && isStep(state.points) && typeof state.identity === 'string';
  if (isWhole && (state.sha256 === undefined || areHashes(state.sha256))) {
    const whole = { state: null, ...state } as CheckpointState;
    const isEarly = state.sha256 === undefined && checksum === undefined;
    const actual = isEarly ? undefined : checksumIn(whole);
    if (actual !== checksum) throw damaged(`checksum ${String(actual)}`, quote(checksum), path);
    return whole;
  }
  throw damaged('step, points, identity and sha256', JSON.stringify(text.slice(0, 80)), path);
}

/** Undefined where there is none: a damaged file can hold 1e400, which is no number. */
function checksumIn(state: CheckpointState): string | undefined {
  try {
    return checksumOf(state);
  } catch {
    return undefined;
  }
}

function areHashes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const files = [MODEL_FILE, TENSORS_FILE];
  return Object.entries(value).every(([name, hash]) => files.includes(name) && typeof hash === 'string');
}

/** Reads the tensors of a checkpoint. @throws FileError where a file is missing or damaged */
export async function loadRunCheckpoint(
  folder: string,
  { step, state, sha256 }: CheckpointState,
): Promise<LoadedRunCheckpoint> {
  const tensors = await readTensors(join(folder, TENSORS_FILE));
  const hasModel = sha256 ? MODEL_FILE in sha256 : existsSync(join(folder, 'config.json'));
  const modelTensors = hasModel
    ? await readTensors(join(folder, MODEL_FILE))
    : new Map<string, ModelTensor>();
  return { step, state, tensors, modelTensors };
}

async function readTensors(path: string): Promise<Map<string, ModelTensor>> {
  const tensors = new Map<string, ModelTensor>();
  for (const [name, { dtype, shape, data }] of await readSafetensors(path)) {
    if (dtype !== 'F32') {
      throw new RunFolderError(
        `read checkpoint: tensor ${name} must be F32, got ${dtype} in ${path}. Only float32 goes on to the last bit.`,
      );
    }
    tensors.set(name, { name, shape, data: data as Float32Array });
  }
  return tensors;
}
