/** Where data files are looked for. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder `data/`: what ships with it, and what it downloads. */
export function projectDataDirectory(): string {
  // From the sources (lib/corpora) or from what is compiled (lib/dist/corpora): the first folder above that holds lib/.
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'lib', 'package.json')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return join(folder, 'data');
}

/** The folders that are searched for a data file, in this order: `BITNET_DATA_DIR`, if it is set, then `data/`. */
export function dataDirectories(): string[] {
  const chosen = process.env.BITNET_DATA_DIR;
  return chosen ? [chosen, projectDataDirectory()] : [projectDataDirectory()];
}
