import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { labExtension } from '../../scripts/setup/lab-extension.js';
import { projectAt } from '../../scripts/setup/project.js';
import { temporaryFolder } from '../temporary-folder.js';

test('the extension of JupyterLab is whole where JupyterLab looks for it', async () => {
  const venv = await temporaryFolder();
  await labExtension.run({ ...projectAt(), venv }, () => {});
  const folder = join(venv, 'share', 'jupyter', 'labextensions', 'bitnet-notebooks');
  const described = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    jupyterlab: Record<'_build', Record<string, string>>;
  };
  const settings = JSON.parse(
    readFileSync(join(venv, 'share', 'jupyter', 'lab', 'settings', 'overrides.json'), 'utf8'),
  ) as Record<string, unknown>;
  expect(Object.keys(settings)).toContain('@jupyterlab/docmanager-extension:plugin');
  const [entry, ...modules] = Object.values(described.jupyterlab['_build']);
  const files = [entry, ...modules.map((name) => `${name}.js`.replace('./', ''))];
  // Every module that is named or imported lies there.
  for (const file of files) {
    const source = readFileSync(join(folder, file), 'utf8');
    for (const [, path] of source.matchAll(/from '\.\/(.+?)'/g)) if (!files.includes(path)) files.push(path);
  }
  expect(files).toContain('chart.js');
  for (const file of ['style.css', 'plotly.min.js']) expect(existsSync(join(folder, file)), file).toBe(true);
});
