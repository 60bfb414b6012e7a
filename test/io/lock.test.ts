import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { takeLock } from '../../lib/io/lock.js';
import { startSource } from '../source-process.js';
import { temporaryFolder } from '../temporary-folder.js';

/** No process has this number. */
const ABANDONED = '999999999\n';
const ROUNDS = 60;

describe('an abandoned lock', () => {
  it('goes to one of several processes that find it together', { timeout: 120_000 }, async () => {
    const folder = await temporaryFolder();
    const processes = [1, 2].map(() => {
      const child = startSource('test/io/lock-process.ts', [folder, `${ROUNDS}`]);
      onTestFinished(() => void child.kill('SIGKILL'));
      return createInterface(child.stdout!)[Symbol.asyncIterator]();
    });
    const answers = (): Promise<string[]> =>
      Promise.all(processes.map(async (lines) => (await lines.next()).value as string));
    await answers();
    const taken: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await writeFile(join(folder, 'abandoned'), ABANDONED);
      await rename(join(folder, 'abandoned'), join(folder, `lock${round}`));
      taken.push((await answers()).filter((answer) => answer === 'taken').length);
    }
    expect(taken).toEqual(taken.map(() => 1));
  });

  it('can be taken where a process was killed while it took it', async () => {
    const path = join(await temporaryFolder(), 'lock');
    await writeFile(path, ABANDONED);
    await writeFile(`${path}.taking`, ABANDONED);
    await takeLock(path);
    expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`);
    expect(await readdir(dirname(path))).toEqual(['lock']);
  });
});
