import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withSetupLock } from '../../scripts/setup/lock.js';
import { projectFolder, runAndRead } from './project-folder.js';

const step = {
  title: 'A step',
  doing: 'working',
  run: async (): Promise<string> => {
    // Longer than the line keeps quiet.
    await sleep(1_500);
    return 'ready';
  },
};

/** A clone with a lock that was last touched so many milliseconds ago. */
function locked(agoMs: number, holder = '13') {
  const project = projectFolder();
  mkdirSync(project.setupCache, { recursive: true });
  const file = join(project.setupCache, 'lock');
  writeFileSync(file, holder);
  const then = new Date(Date.now() - agoMs);
  utimesSync(file, then, then);
  return { project, file };
}

test('a lock of long ago is taken over, whatever number stands in it, and the line says what is done', async () => {
  const { project, file } = locked(7_200_000, String(process.pid));
  const { ready, printed } = await runAndRead([step], project);
  expect(ready).toBe(true);
  expect(printed).toContain('A step: working … ');
  expect(printed).not.toContain('waiting');
  expect(existsSync(file)).toBe(false);
});

test('one that stands still while it is watched is taken over: its set-up was killed', async () => {
  const { project, file } = locked(0);
  const reports: string[] = [];
  const result = await withSetupLock(
    project,
    (text) => reports.push(text),
    async () => readFileSync(file, 'utf8'),
    300,
  );
  expect(result).not.toBe('13');
  expect(reports).toContain('waiting for another set-up of this folder to end');
  expect(readdirSync(project.setupCache)).toEqual([]);
});

test('a set-up waits for another one of the same folder as long as that is at work', async () => {
  const project = projectFolder();
  const order: string[] = [];
  const first = withSetupLock(
    project,
    () => {},
    async () => {
      await sleep(3_000);
      order.push('first');
    },
  );
  const reports: string[] = [];
  // Less than the first takes, more than it is silent.
  const second = withSetupLock(
    project,
    (text) => reports.push(text),
    async () => void order.push('second'),
    2_000,
  );
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
  expect(reports).toContain('waiting for another set-up of this folder to end');
});

test('of several that find a silent lock, one works at a time', async () => {
  const { project } = locked(0);
  let working = 0;
  const work = async (): Promise<void> => {
    expect(++working).toBe(1);
    await sleep(20);
    working--;
  };
  await Promise.all([1, 2, 3, 4].map(() => withSetupLock(project, () => {}, work, 200)));
  expect(readdirSync(project.setupCache)).toEqual([]);
});
