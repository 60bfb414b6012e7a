import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
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

/** A clone whose lock names the process `pid`. */
function lockedBy(pid: number) {
  const project = projectFolder();
  mkdirSync(project.setupCache, { recursive: true });
  writeFileSync(join(project.setupCache, 'lock'), String(pid));
  return project;
}

test('the lock of a set-up that was killed is taken over, and the line says what is done', async () => {
  const killed = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => killed.once('exit', resolve));
  const { ready, printed } = await runAndRead([step], lockedBy(killed.pid!));
  expect(ready).toBe(true);
  expect(printed).toContain('A step: working … ');
  expect(printed).not.toContain('waiting');
});

test('a set-up waits for another one of the same folder', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  onTestFinished(() => void other.kill('SIGKILL'));
  setTimeout(() => other.kill('SIGKILL'), 2_000);
  const { ready, printed } = await runAndRead([step], lockedBy(other.pid!));
  expect(ready).toBe(true);
  expect(printed).toContain('waiting for another set-up');
});
