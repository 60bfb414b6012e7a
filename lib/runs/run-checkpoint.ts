/**
 * checkpoint/ of a run: where training goes on. It appears whole or not at all.
 * - `training.json`: the step, how many points metrics.jsonl had, the run's identity, and the run's own state.
 * - `training.safetensors`: tensors that are not the model's, such as the optimizer's moments.
 * - optionally a model folder in Hugging Face's layout around them, which transformers and the inference engine load.
 */
import { open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finishReplacement, replaceFolderAtomically } from '../io/atomic-write.js';
import { explainSystemError } from '../io/file-error.js';
import { saveModelFolder, type ModelFolder, type ModelTensor } from '../checkpoint/model-folder.js';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors/safetensors.js';
import { isStep } from './metrics-file.js';
import { stableJson } from './run-config.js';
import { RunFolderError } from '../io/run-folder-error.js';

const STATE_FILE = 'training.json';
const TENSORS_FILE = 'training.safetensors';
const MODEL_FILE = 'model.safetensors';

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
}

/**
 * Saves a checkpoint in place of the one before, which stays until the new one is complete on the disk.
 * @throws CheckpointError where the disk is full or a tensor does not fit; the checkpoint before is then untouched
 */
export async function saveRunCheckpoint(
  folder: string,
  checkpoint: RunCheckpoint,
  run: { points: number; identity: string },
): Promise<void> {
  const { step, state, tensors, model } = checkpoint;
  const json = `${stableJson({ step, points: run.points, identity: run.identity, state }, 2)}\n`;
  const alsoWrite = async (partial: string): Promise<void> => {
    await writeSafetensors(
      join(partial, TENSORS_FILE),
      tensors.map((tensor) => ({ ...tensor, dtype: 'F32' })),
    );
    await writeFile(join(partial, STATE_FILE), json, { flush: true });
  };
  try {
    if (model) await saveModelFolder(folder, { ...model, alsoWrite });
    else await replaceFolderAtomically(folder, alsoWrite);
    await flushFolder(dirname(folder));
  } catch (error) {
    throw explainSystemError('save checkpoint', folder, error);
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
 * Reads training.json, after mending a replacement that a kill cut off.
 * @returns undefined where the run has no checkpoint yet
 * @throws RunFolderError where it is damaged
 */
export async function readCheckpointState(folder: string): Promise<CheckpointState | undefined> {
  const path = join(folder, STATE_FILE);
  try {
    await finishReplacement(folder);
    const entries = await open(folder, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (entries === undefined) return undefined;
    await entries.close();
    return parseState(await readFile(path, 'utf8'), path);
  } catch (error) {
    throw explainSystemError('read checkpoint', path, error);
  }
}

function parseState(text: string, path: string): CheckpointState {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  const state = found as Partial<CheckpointState> | null | undefined;
  if (isStep(state?.step) && isStep(state.points) && typeof state.identity === 'string') {
    return { state: null, ...state } as CheckpointState;
  }
  throw new RunFolderError(
    `read checkpoint: the file must hold step, points and identity, got ${JSON.stringify(text.slice(0, 80))} ` +
      `in ${path}. It was damaged after it was written: start a new run.`,
  );
}

/** Reads the tensors of a checkpoint. @throws CheckpointError where a file is missing or damaged */
export async function loadRunCheckpoint(
  folder: string,
  { step, state }: CheckpointState,
): Promise<LoadedRunCheckpoint> {
  const tensors = await readTensors(join(folder, TENSORS_FILE));
  const hasModel = await readFile(join(folder, 'config.json')).then(
    () => true,
    () => false,
  );
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
