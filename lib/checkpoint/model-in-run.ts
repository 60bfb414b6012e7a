import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseModestJson } from '../io/json.js';
import { readWhole } from '../io/whole-file.js';
import { readReplaced } from '../io/replace-folder.js';
import { CheckpointError } from './checkpoint-error.js';

/** What config.json of a run folder says of itself, where a model's has its sizes. */
export const RUN_FORMAT = 'bitnet-notebooks-run';

/** More than any run's config.json holds: a model's may be large, and is not read for this. */
const MAX_CONFIG_BYTES = 1e6;

/**
 * Where the model of a folder lies: in the run's last checkpoint for a run folder, else in the folder itself.
 * @throws CheckpointError for a run that has no checkpoint of a model yet
 */
export async function modelFolderIn(folder: string, operation: string): Promise<string> {
  const isRun = await readFormat(join(folder, 'config.json'), operation).then(
    (format) => format === RUN_FORMAT,
    () => false, // what reads the model says what is wrong with it
  );
  if (!isRun) return folder;
  const checkpoint = join(folder, 'checkpoint');
  const isThere = await readReplaced(checkpoint, () => stat(join(checkpoint, 'config.json'))).then(
    () => true,
    () => false,
  );
  if (isThere) return checkpoint;
  throw new CheckpointError({
    operation,
    file: folder,
    what: 'the run',
    expected: 'a checkpoint with its model',
    found: 'none yet',
    hint: 'Let it train on: a checkpoint comes with every evaluation, and where it is stopped.',
  });
}

async function readFormat(path: string, operation: string): Promise<unknown> {
  const text = (await readWhole(path, operation, MAX_CONFIG_BYTES)).toString('utf8');
  return (parseModestJson(text) as { format?: unknown } | null)?.format;
}
