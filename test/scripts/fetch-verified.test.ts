import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fetchVerified } from '../../scripts/setup/fetch-verified.js';
import { pinFile, pinOf } from '../../scripts/setup/pins.js';
import { cloneRoot, projectAt } from '../../scripts/setup/project.js';
import { LIBRARIES, officialRoute } from '../../scripts/setup/tensorflow/official.js';
import { refusedUrl, startServer } from '../local-server.js';
import { temporaryFolder } from '../temporary-folder.js';
import { projectFolder } from './project-folder.js';

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const silent = (): void => {};

describe('fetchVerified', () => {
  const CONTENT = 'x'.repeat(100_000);

  test('downloads once, and again in place of a file with another sum', async () => {
    const { url, requests } = await startServer((_, response) => response.end(CONTENT));
    const file = join(await temporaryFolder(), 'a folder', 'library');
    const counts: number[] = [];
    await fetchVerified(`${url}/library`, file, [sha256('an older one'), sha256(CONTENT)], (bytes) =>
      counts.push(bytes),
    );
    await fetchVerified(`${url}/library`, file, [sha256(CONTENT)], silent);
    expect(requests).toHaveLength(1);
    expect(counts.at(-1)).toBe(CONTENT.length);
    writeFileSync(file, 'half of it');
    await fetchVerified(`${url}/library`, file, [sha256(CONTENT)], silent);
    expect(readFileSync(file, 'utf8')).toBe(CONTENT);
    expect(readdirSync(join(file, '..'))).toEqual(['library']);
  });

  test('keeps nothing of what was not published, and names both sums', async () => {
    const { url } = await startServer((_, response) => response.end('something else'));
    const file = join(await temporaryFolder(), 'library');
    await expect(fetchVerified(`${url}/library`, file, [sha256(CONTENT)], silent)).rejects.toThrow(
      `The download of library must have SHA-256 ${sha256(CONTENT)}, got ${sha256('something else')}. It was deleted.`,
    );
    expect(readdirSync(join(file, '..'))).toEqual([]);
  });

  test('says why nothing came: refused, an error, or silence', async () => {
    const file = join(await temporaryFolder(), 'library');
    const { url } = await startServer(({ url: path }, response) => {
      if (path === '/missing') response.writeHead(404).end();
      else response.write('and then nothing');
    });
    await expect(fetchVerified(`${url}/missing`, file, [''], silent)).rejects.toThrow(/missing answered 404/);
    await expect(fetchVerified(`${url}/silent`, file, [''], silent, 200)).rejects.toThrow(
      'nothing came within 0.2 s',
    );
    await expect(fetchVerified(await refusedUrl(), file, [''], silent)).rejects.toThrow(/ECONNREFUSED/);
    expect(readdirSync(join(file, '..'))).toEqual([]);
  });
});

describe('requirements.txt', () => {
  const project = projectAt(cloneRoot);

  test('has the SHA-256 of every file of every package', () => {
    const lines = readFileSync(project.requirements, 'utf8').trim().split('\n');
    const parts = lines
      .filter((line) => !line.startsWith('#'))
      .join('\n')
      .split(/\n(?=\S)/);
    expect(parts.length).toBeGreaterThan(90);
    for (const part of parts) {
      const [name, ...hashes] = part.split(' \\\n');
      expect(name).toMatch(/^[a-z0-9.-]+==\S+( ; .+)?$/);
      expect(hashes.length).toBeGreaterThan(0);
      for (const hash of hashes) expect(hash).toMatch(/^ {4}--hash=sha256:[0-9a-f]{64}$/);
    }
  });

  test('gives one package with its version and hashes', () => {
    const { version, sha256: hashes } = pinOf(project, 'pip');
    expect(version).toMatch(/^\d+\.\d+/);
    expect(hashes).toHaveLength(2); // wheel and source
    expect(() => pinOf(project, 'no-such-package')).toThrow(/must name no-such-package/);
    const other = projectFolder({ 'scripts/requirements.txt': readFileSync(project.requirements, 'utf8') });
    const text = readFileSync(pinFile(other, 'uv'), 'utf8');
    expect(text).toMatch(/^uv==/);
    expect(text.match(/==/g)).toHaveLength(1);
  });
});

describe('the official library', () => {
  const machine = `${process.platform}-${process.arch}`;

  test('has a published sum for every machine', () => {
    for (const { url, sha256: sum } of Object.values(LIBRARIES)) {
      expect(url).toMatch(/^https:\/\/storage\.googleapis\.com\/.*\.(tar\.gz|zip)$/);
      expect(sum).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  test.skipIf(process.platform === 'win32')('is not unpacked where its sum is wrong', async () => {
    const { url } = await startServer((_, response) => response.end('no library'));
    const project = projectFolder();
    const libraries = {
      [machine]: { url: `${url}/libtensorflow.tar.gz`, sha256: LIBRARIES['linux-x64'].sha256 },
    };
    await expect(officialRoute(project, silent, libraries)).rejects.toThrow(
      /download of libtensorflow\.tar\.gz must have SHA-256 7f510d25/,
    );
    expect(readdirSync(project.tensorflowCache)).toEqual([]);
    await expect(officialRoute(project, silent, {})).rejects.toThrow(`there is none for ${machine}`);
  });
});
