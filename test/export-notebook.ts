import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cloneRoot } from '../scripts/setup/project.js';

/** What `npm run export -- source --output file` does, and what it says. */
export function exportNotebook(source: string, file: string): { code: number | null; said: string } {
  const script = join(cloneRoot, 'scripts', 'export.js');
  const exported = spawnSync(process.execPath, [script, source, '--output', file], {
    cwd: cloneRoot,
    encoding: 'utf8',
  });
  if (exported.error) throw exported.error;
  return { code: exported.status, said: exported.stdout + exported.stderr };
}
