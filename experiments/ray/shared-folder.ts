/**
 * One writer per run folder across machines. The lock of a run folder knows processes of its own machine only, and Ray
 * gives a run to a second machine as soon as the first is silent, which may still be writing. So the run's
 * owner stands in a file beside its folder: who takes it over waits until the one before must have seen that.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTextIfThere } from '@bitnet-notebooks/lib';

/** How often an owner looks whether it still is, and how long a new one waits: network file systems answer late. */
const LOOK_MILLISECONDS = 2_000;
const HANDOVER_MILLISECONDS = 10_000;

/**
 * Takes the folder over.
 * @param owner unique to this job
 * @param onLost is called when another job has taken the folder over: nothing may be written from then on
 * @returns gives the folder back
 */
export async function ownFolder(
  folder: string,
  owner: string,
  onLost: () => void,
  { look = LOOK_MILLISECONDS, handover = HANDOVER_MILLISECONDS }: { look?: number; handover?: number } = {},
): Promise<() => Promise<void>> {
  const file = `${folder}.owner`;
  await mkdir(dirname(folder), { recursive: true });
  const before = await ownerIn(file);
  await writeFile(`${file}.${owner}`, `${owner}\n`, { flush: true });
  await rename(`${file}.${owner}`, file);
  if (before !== undefined && before !== owner) await sleep(handover);
  // It names a process of the machine before.
  await rm(join(folder, 'lock'), { force: true });
  const timer = setInterval(() => {
    ownerIn(file).then(
      (now) => now !== owner && onLost(),
      // A file system that does not answer shows nothing; it takes no writes either.
      () => undefined,
    );
  }, look);
  timer.unref();
  return async () => {
    clearInterval(timer);
    if ((await ownerIn(file)) === owner) await rm(file, { force: true });
  };
}

async function ownerIn(file: string): Promise<string | undefined> {
  return (await readTextIfThere(file, 'read owner'))?.trim();
}
