/** Opens a checkpoint, whatever container it comes in. */
import { stat } from 'node:fs/promises';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { explainSystemError } from '../io/file-error.js';
import { readReplaced } from '../io/replace-folder.js';
import { modelFolderIn } from './model-in-run.js';
import { openGgufFile } from './gguf/checkpoint.js';
import { openSafetensorsFolder } from './safetensors/checkpoint.js';

/**
 * Opens a BitNet checkpoint and checks its header, config, tokenizer files, tensors and scales; the weights stay on
 * the disk until they are asked for.
 * @param path a folder with config.json and model.safetensors or its shards, a run folder, whose checkpoint it is then, or
 *   a `.gguf` file
 * @param options.signal stops the opening
 * @throws CheckpointError naming file, tensor, offset, what was found and what is expected
 */
export async function openCheckpoint(
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Checkpoint> {
  const operation = 'open checkpoint';
  signal?.throwIfAborted();
  try {
    const place = await modelFolderIn(path, operation);
    const opened = await readReplaced(place, async () => {
      const found = await stat(place);
      return found.isDirectory() ? openSafetensorsFolder(place, signal) : undefined;
    });
    if (opened) return opened;
    if (path.toLowerCase().endsWith('.gguf')) return await openGgufFile(path, signal);
  } catch (error) {
    throw explainSystemError(operation, path, error);
  }
  throw new CheckpointError({
    operation,
    file: path,
    what: 'the path',
    expected: 'a folder with config.json and model.safetensors, or a .gguf file',
    found: 'another file',
  });
}
