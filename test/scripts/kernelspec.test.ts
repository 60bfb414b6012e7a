import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ALLOCATOR_SETTINGS } from '../../lib/backend/allocator.js';
import { kernelspec } from '../../scripts/setup/kernelspec.js';
import { projectFolder, runAndRead } from './project-folder.js';

test('a notebook trains with the allocator settings of every training process', async () => {
  const project = projectFolder();
  await runAndRead([kernelspec], project);
  const file = join(project.venv, 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ env: ALLOCATOR_SETTINGS });
});
