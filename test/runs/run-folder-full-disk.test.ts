import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRun, readRun } from '../../lib/runs/open-run.js';
import { checkpointAt, TOY_CONFIG, type ToyPoint } from './toy-run.js';

describe('on a full disk', () => {
  let home: string;
  let disk: string | undefined;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'run-folder-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', home], { stdio: 'ignore' });
      disk = home;
    } catch {
      console.warn(
        'The tests of a full disk are left out: they need the right to mount a small file system.',
      );
    }
  });
  afterAll(async () => {
    if (disk) execFileSync('umount', [disk]);
    await rm(home, { recursive: true, force: true });
  });

  it('nothing is lost, the message says so, and the run goes on once there is space', async ({ skip }) => {
    skip(disk === undefined, 'needs the right to mount a small file system');
    const folder = join(disk!, 'run');
    const run = await openRun<ToyPoint>(folder, TOY_CONFIG);
    await run.append({ step: 1, loss: 1 });
    await run.saveCheckpoint(checkpointAt(1));
    const large = {
      step: 2,
      state: null,
      tensors: [{ name: 'w', shape: [200_000], data: new Float32Array(200_000) }],
    };
    await expect(run.saveCheckpoint(large)).rejects.toThrow(/within the free disk space.*Free some space/);
    expect((await run.loadCheckpoint())!.step).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(['checkpoint', 'config.json', 'lock', 'metrics.jsonl']);

    const free = Number(execFileSync('df', ['--output=avail', '-B1', disk!]).toString().split('\n')[1]);
    await writeFile(join(disk!, 'ballast'), Buffer.alloc(free));
    const long = { step: 2, loss: 2, note: 'x'.repeat(100_000) };
    await expect(run.append(long)).rejects.toThrow(/append point.*within the free disk space/);
    expect((await readRun(folder)).points).toEqual([{ step: 1, loss: 1 }]);
    await expect(openRun(join(disk!, 'other'), TOY_CONFIG)).rejects.toThrow(/within the free disk space/);

    await rm(join(disk!, 'ballast'));
    await run.append({ step: 2, loss: 2 });
    await run.saveCheckpoint(checkpointAt(2));
    await run.close();
    const { points } = await readRun(folder);
    expect(points.map(({ step }) => step)).toEqual([1, 2]);
    const again = await openRun(folder, TOY_CONFIG);
    expect(again.checkpointStep).toBe(2);
    await again.close();
  });
});
