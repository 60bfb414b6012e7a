import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, startSource } from '../source-process.js';
import { toyRun } from './toy-run.js';

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'run-folder-killed-'));
});
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

const metrics = (folder: string): Promise<string> => readFile(join(folder, 'metrics.jsonl'), 'utf8');

describe('a run killed with SIGKILL', () => {
  it('ends with the same files as one that was never killed', { timeout: 300_000 }, async () => {
    const whole = join(home, 'whole');
    await toyRun(whole);
    const folder = join(home, 'killed');
    let kills = 0;
    for (const killAt of [3, 7, 20, 35, 49, Infinity]) {
      const child = startSource('test/runs/toy-run-process.ts', [folder]);
      // Steps come in bursts; the kill hits between two of them, or inside a write.
      child.stdout!.on('data', (said: Buffer) => {
        if (Number(said.toString().trim().split('\n').at(-1)) >= killAt) child.kill('SIGKILL');
      });
      const { signal, code } = await ended(child);
      if (signal === 'SIGKILL') kills++;
      expect(signal === 'SIGKILL' || code === 0).toBe(true);
    }
    expect(kills).toBe(5);
    expect(await metrics(folder)).toBe(await metrics(whole));
    for (const file of [
      'config.json',
      'completed.json',
      'checkpoint/training.json',
      'checkpoint/training.safetensors',
    ]) {
      expect(await readFile(join(folder, file))).toEqual(await readFile(join(whole, file)));
    }
    expect((await readdir(folder)).sort()).toEqual((await readdir(whole)).sort());
  });
});
