import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holderOf, tryLock, waitForLock } from '../../lib/io/lock.js';
import { inProcessSpace, processSpaces } from '../process-space.js';
import { ended, sourceCommand, startSource } from '../source-process.js';
import { temporaryFolder } from '../temporary-folder.js';

describe('tryLock', () => {
  it('gives a lock to one, in this process too, and takes its file away with it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'lock');
    const lock = await tryLock(path);
    expect(lock).toBeDefined();
    expect(await tryLock(path)).toBeUndefined();
    expect(await holderOf(path)).toBe(`this process (${process.pid})`);
    lock!.release();
    lock!.release();
    expect(await readdir(folder)).toEqual([]);
    const next = await tryLock(path);
    lock!.release(); // an old one frees nobody else's
    expect(await tryLock(path)).toBeUndefined();
    next!.release();
  });

  it('takes what a killed process left, whatever number stands in it', async () => {
    const path = join(await temporaryFolder(), 'lock');
    for (const text of [`${process.pid}\n`, `${process.ppid}\n`, '1\n', '']) {
      await writeFile(path, text);
      const lock = await tryLock(path);
      expect(lock, JSON.stringify(text)).toBeDefined();
      lock!.release();
    }
  });

  it(
    'goes to one of several processes that come together, round after round',
    { timeout: 120_000 },
    async () => {
      const folder = await temporaryFolder();
      const ROUNDS = 60;
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
        await writeFile(join(folder, `lock${round}`), '');
        taken.push((await answers()).filter((answer) => answer === 'taken').length);
      }
      expect(taken).toEqual(taken.map(() => 1));
    },
  );

  it('is free as soon as its holder is killed, and waited for until then', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder();
    const child = startSource('test/io/lock-process.ts', [folder, '1']);
    await once(child.stdout!, 'data');
    await writeFile(join(folder, 'lock0'), '');
    await once(child.stdout!, 'data');
    expect(await waitForLock(join(folder, 'lock0'), 100)).toBeUndefined();
    expect(await readFile(join(folder, 'lock0'), 'utf8')).toMatch(`process ${child.pid} of `);
    const waiting = waitForLock(join(folder, 'lock0'), 30_000);
    child.kill('SIGKILL');
    await ended(child);
    const lock = await waiting;
    expect(lock).toBeDefined();
    lock!.release();
  });

  it.skipIf(!processSpaces)(
    'holds against another process space with the same process numbers',
    { timeout: 60_000 },
    async () => {
      const folder = await temporaryFolder();
      const [program, args] = inProcessSpace(...sourceCommand('test/io/lock-process.ts', [folder, '1']));
      const start = () => spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [first, second] = [start(), start()];
      for (const child of [first, second]) onTestFinished(() => void child.kill('SIGKILL'));
      await Promise.all([once(first.stdout, 'data'), once(second.stdout, 'data')]);
      const answers = Promise.all(
        [first, second].map(async ({ stdout }) => String(await once(stdout, 'data')).trim()),
      );
      await writeFile(join(folder, 'lock0'), '');
      expect((await answers).sort()).toEqual(['refused', 'taken']);
      expect(await readFile(join(folder, 'lock0'), 'utf8')).toMatch(/^process 1 of /);
    },
  );

  it('names the folder that it cannot write', async () => {
    await expect(tryLock(join(await temporaryFolder(), 'none', 'lock'))).rejects.toThrow(/ENOENT.*none/);
  });
});
