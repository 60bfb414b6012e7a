import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { projectAt, type Project } from '../../scripts/setup/project.js';
import { fetchWheel } from '../../scripts/setup/tensorflow/wheel.js';
import { projectFolder } from './project-folder.js';

const FILE = 'stand_in-1.0-py3-none-any.whl';

/** The least that pip takes for a wheel. */
const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('stand_in.py', '')
    wheel.writestr('stand_in-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: stand-in\\nVersion: 1.0\\n')
    wheel.writestr('stand_in-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('stand_in-1.0.dist-info/RECORD', '')
`;

/** A project whose pip finds one small wheel, in a folder of its own, and no network. */
function projectWithWheel(): { project: Project; wanted: Parameters<typeof fetchWheel>[1] } {
  const folder = projectFolder();
  const shelf = join(folder.root, 'shelf');
  mkdirSync(shelf);
  const { python } = projectAt();
  execFileSync(python, ['-c', MAKE_WHEEL, join(shelf, FILE)]);
  const sha256 = createHash('sha256')
    .update(readFileSync(join(shelf, FILE)))
    .digest('hex');
  return {
    project: {
      ...folder,
      python,
      env: { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: pathToFileURL(shelf).href },
    },
    wanted: {
      requirement: 'stand-in==1.0',
      pythonTag: '311',
      platform: 'any',
      file: FILE,
      sha256,
      neededBytes: 1e6,
    },
  };
}

const silent = (): void => {};

describe('fetchWheel', () => {
  beforeAll(() => {
    if (!existsSync(projectAt().python)) throw new Error('These tests use .venv: run npm run setup first.');
  });

  test('downloads the wheel once', async () => {
    const { project, wanted } = projectWithWheel();
    const wheel = await fetchWheel(project, wanted, silent);
    expect(wheel).toBe(join(project.tensorflowCache, FILE));
    const nowhere = { ...project, env: { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: '' } };
    await expect(fetchWheel(nowhere, wanted, silent)).resolves.toBe(wheel);
    expect(readdirSync(project.tensorflowCache)).toEqual([FILE]);
  });

  test('downloads again in place of a file whose SHA-256 is wrong', async () => {
    const { project, wanted } = projectWithWheel();
    mkdirSync(project.tensorflowCache, { recursive: true });
    writeFileSync(join(project.tensorflowCache, FILE), 'half of it');
    const wheel = await fetchWheel(project, wanted, silent);
    expect(createHash('sha256').update(readFileSync(wheel)).digest('hex')).toBe(wanted.sha256);
  });

  test('rejects a download that is not the published file, names both sums and keeps nothing', async () => {
    const { project, wanted } = projectWithWheel();
    const published = 'f'.repeat(64);
    await expect(fetchWheel(project, { ...wanted, sha256: published }, silent)).rejects.toThrow(
      `The download of ${FILE} must have SHA-256 ${published}, got ${wanted.sha256}. It was deleted.`,
    );
    expect(readdirSync(project.tensorflowCache)).toEqual([]);
  });

  test('says how much disk is wanted before it downloads anything', async () => {
    const { project, wanted } = projectWithWheel();
    await expect(fetchWheel(project, { ...wanted, neededBytes: 1e18 }, silent)).rejects.toThrow(
      /needs 1000000000\.0 GB of disk for a moment, .* GB are free\. Free some/,
    );
    expect(readdirSync(project.tensorflowCache)).toEqual([]);
  });
});
