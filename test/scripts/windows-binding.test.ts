import { afterEach, expect, it } from 'vitest';
import { officialRoute } from '../../scripts/setup/tensorflow/official.js';
import type { Project } from '../../scripts/setup/project.js';
import { temporaryFolder } from '../temporary-folder.js';

const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
afterEach(() => void Object.defineProperty(process, 'platform', platform));

it('on Windows nothing is fetched without a hash, unless the reader asks for it', async () => {
  Object.defineProperty(process, 'platform', { value: 'win32' });
  const asked: string[] = [];
  const libraries = {
    get [`win32-${process.arch}`]() {
      asked.push('library');
      return { url: 'http://127.0.0.1:9/library.zip', sha256: '0'.repeat(64) };
    },
  };
  const project = { env: {}, tensorflowCache: await temporaryFolder() } as unknown as Project;
  await expect(officialRoute(project, () => {}, libraries)).rejects.toThrow(
    /no published hash; set BITNET_UNVERIFIED_BINDING=1/,
  );
  const willing = { ...project, env: { BITNET_UNVERIFIED_BINDING: '1' } } as Project;
  await expect(officialRoute(willing, () => {}, libraries)).rejects.not.toThrow(/no published hash/);
  expect(asked).toHaveLength(2);
});
