/** config.json of a run: the mark that a folder is a run, and of which one. */
import { join } from 'node:path';
import { writeFileAtomically } from '../io/atomic-write.js';
import { explainSystemError } from '../io/file-error.js';
import { RUN_FORMAT } from '../checkpoint/model-in-run.js';
import { parseModestJson } from '../io/json.js';
import { readTextIfThere } from '../io/whole-file.js';
import { quote } from '../io/quote.js';
import { configDifferences, stableJson, type RunConfig } from './run-config.js';
import { RunFolderError } from '../io/run-folder-error.js';

/** Name of the file in the run's folder. */
export const CONFIG_FILE = 'config.json';

/** Marks config.json as ours. A layout that older code could not read gets a new number. */
const FORMAT = { format: RUN_FORMAT, formatVersion: 1 } as const;

/** Writes the config of a new run. */
export async function writeRunConfig(folder: string, config: RunConfig): Promise<void> {
  await writeRunJson(join(folder, CONFIG_FILE), { ...FORMAT, ...config });
}

/** Writes a JSON file of a run, whole or not at all. */
export async function writeRunJson(path: string, json: object): Promise<void> {
  try {
    await writeFileAtomically(path, (file) => file.writeFile(`${stableJson(json, 2)}\n`));
  } catch (error) {
    throw explainSystemError('write run', path, error);
  }
}

/** Reads the config of a run. @throws RunFolderError where the folder is no run, or one of another version */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const file = join(folder, CONFIG_FILE);
  const fail = (found: string, next: string): never => {
    throw new RunFolderError(
      `read run: the file must be a ${FORMAT.format}, version ${FORMAT.formatVersion}, got ${found} in ${file}. ${next}`,
    );
  };
  const text = (await readTextIfThere(file, 'read run')) ?? fail('no file', 'Check the path.');
  let json: Record<string, unknown> | null = null;
  try {
    json = parseModestJson(text) as Record<string, unknown> | null;
    stableJson(json); // JSON can hold 1e400, which is no number
  } catch {
    fail('broken JSON', 'It was damaged after it was written: restore it, or start a new run.');
  }
  const { format, formatVersion, ...config } = json ?? {};
  if (format !== FORMAT.format) fail(`format ${quote(format)}`, 'This folder is no run: choose another one.');
  if (formatVersion !== FORMAT.formatVersion) {
    fail(`version ${quote(formatVersion)}`, 'Use the version of this project that made it.');
  }
  for (const key of ['model', 'training', 'seeds', 'data', 'backend', 'versions']) {
    if (typeof config[key] !== 'object' || config[key] === null) {
      fail(`no ${key}`, 'It was damaged after it was written: restore it, or start a new run.');
    }
  }
  return config as unknown as RunConfig;
}

/** @throws RunFolderError that lists every difference */
export function requireSameConfig(stored: RunConfig, wanted: RunConfig, folder: string): void {
  const differences = configDifferences({ ...stored, earlier: undefined }, wanted);
  if (differences.length === 0) return;
  throw new RunFolderError(
    `open run: the configuration must be that of the run in ${folder}, got other values:\n` +
      `${differences.map((line) => `  ${line}`).join('\n')}\n` +
      'Go back to these values to resume, or choose another folder for a new run.',
  );
}
