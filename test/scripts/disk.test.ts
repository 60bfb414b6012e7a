import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kernelspec } from '../../scripts/setup/kernelspec.js';
import { pythonStep } from '../../scripts/setup/python.js';
import { projectIn, runAndRead } from './project-folder.js';

const FILES = { 'scripts/requirements.txt': 'nothing==1\n' };

/** Mounts a small disk of its own, or says that this user may not. */
function mountDisk(options: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'bitnet-disk-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

describe('a set-up', () => {
  test('on a full disk says so, and goes on where it stopped once there is room', async (context) => {
    const disk = mountDisk('size=1m');
    if (disk === undefined) return context.skip('only root may mount a disk for this test');
    const project = projectIn(join(disk, 'clone'), FILES);
    const filler = join(disk, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(2e6))).toThrow('ENOSPC');

    const { ready, printed } = await runAndRead([pythonStep(async () => {}, ['json'])], project);
    expect(ready).toBe(false);
    expect(printed).toMatch(
      /Why: The disk is full\. .*\nWhat to do: Free about 2 GB and run the command again/,
    );

    rmSync(filler);
    expect((await runAndRead([kernelspec], project)).ready).toBe(true);
  });

  test('in a folder that cannot be written says so', async (context) => {
    const disk = mountDisk('size=1m');
    if (disk === undefined) return context.skip('only root may mount a disk for this test');
    const project = projectIn(join(disk, 'clone'), FILES);
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const { ready, printed } = await runAndRead([kernelspec], project);
    expect(ready).toBe(false);
    expect(printed).toMatch(
      /Why: The folder cannot be written: its file system is read-only\. .*\nWhat to do: Put the project/,
    );
  });
});
