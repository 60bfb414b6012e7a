/** A run that is given more steps than it was made for. What it has learned so far stays as it is. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainSystemError } from '../io/file-error.js';
import { configDifferences, runIdentity, type RunConfig } from './run-config.js';
import { writeRunConfig } from './run-config-file.js';
import { COMPLETED_FILE } from './run-start.js';

/** True where two runs differ in nothing but that `wanted` has more steps. */
export function isLonger(stored: RunConfig, wanted: RunConfig): boolean {
  const [before, now] = [stepsOf(stored), stepsOf(wanted)];
  if (before === undefined || now === undefined || now <= before) return false;
  const shortened = { ...wanted, training: { ...wanted.training, steps: before } };
  return configDifferences({ ...stored, earlier: undefined }, shortened).length === 0;
}

/**
 * Writes the longer run's config. Its checkpoint is the earlier run's still: the config names that one. Killed in
 * between, the folder holds the earlier run, which is complete again as soon as it is opened.
 */
export async function lengthenRun(folder: string, stored: RunConfig, wanted: RunConfig): Promise<RunConfig> {
  const completed = join(folder, COMPLETED_FILE);
  try {
    await rm(completed, { force: true });
  } catch (error) {
    throw explainSystemError('open run', completed, error);
  }
  const longer = { ...wanted, earlier: [...(stored.earlier ?? []), runIdentity(stored)] };
  await writeRunConfig(folder, longer);
  return longer;
}

function stepsOf({ training }: RunConfig): number | undefined {
  const { steps } = training as { steps?: unknown };
  return typeof steps === 'number' ? steps : undefined;
}
