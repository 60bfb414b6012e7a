import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RESERVED_BYTES } from '../../lib/kernel/job-board.js';
import { KERNEL_NAMES, loadKernel, type KernelName } from '../../lib/kernel/kernel.js';
import { LOGIT_BLOCK } from '../../lib/kernel/layout.js';
import { allocateMemory } from '../../lib/kernel/memory.js';
import { Team } from '../../lib/kernel/team.js';
import { compileKernel } from './compiled.js';

beforeAll(compileKernel);

const SCRATCH_BYTES = 4096;
const LOGITS = 2 ** 20;
const OUT = 2 ** 21;
const COUNT = 50 * LOGIT_BLOCK + 17;

async function startTeam(
  name: KernelName,
  threads: number,
): Promise<{ team: Team; buffer: SharedArrayBuffer }> {
  const memory = allocateMemory(2 ** 22);
  const team = await Team.start(await loadKernel(name), memory, threads, RESERVED_BYTES, SCRATCH_BYTES);
  onTestFinished(() => team.close());
  new Float32Array(memory.buffer, LOGITS, COUNT).forEach((_, i, logits) => {
    logits[i] = Math.sin(i) * 10;
  });
  return { team, buffer: memory.buffer };
}

describe('Team', () => {
  it.each(KERNEL_NAMES)('gives the same results with one, two and three threads (%s)', async (name) => {
    const results: Float64Array[] = [];
    const blocks = Math.ceil(COUNT / LOGIT_BLOCK);
    for (const threads of [1, 2, 3]) {
      const { team, buffer } = await startTeam(name, threads);
      const rounds = name === 'reference' ? 3 : 200;
      for (let round = 0; round < rounds; round++) {
        new Float64Array(buffer, OUT, 2 * blocks).fill(Number.NaN);
        team.run(
          'sumExponentials',
          { items: blocks, smallest: 1 },
          { logits: LOGITS, count: COUNT, out: OUT },
        );
        results[0] ??= new Float64Array(buffer, OUT, 2 * blocks).slice();
        expect(new Float64Array(buffer, OUT, 2 * blocks), `${threads} threads`).toEqual(results[0]);
      }
    }
  });

  it('has finished a job when it returns, however short the jobs are and however close they follow', async () => {
    const { team, buffer } = await startTeam('relaxed', 2);
    const words = new Int32Array(buffer);
    const rows = 39;
    // Every job copies the rows that the one before it wrote to the next place.
    const place = (job: number): number => OUT + 65_536 * (job % 8);
    let wrong = 0;
    for (let round = 0; round < 20_000; round++) {
      for (let i = 0; i < rows; i++) words[place(0) / 4 + 8 * i] = round * 64 + i;
      let moved = rows;
      for (let job = 0; job < 7; job++) {
        // Few chunks and many take turns.
        const items = job % 2 === 0 ? 4 + (round % 3) : rows - (round % 7);
        moved = Math.min(moved, items);
        team.run(
          'pairColumns',
          { items, smallest: 1 },
          { x: place(job), stride: 8, columns: 8, out: place(job + 1), outStride: 8 },
        );
      }
      for (let i = 0; i < moved; i++) {
        if (words[place(7) / 4 + 8 * i] !== round * 64 + i) wrong += 1;
      }
    }
    expect(wrong).toBe(0);
  });

  it('wakes workers that have gone to sleep', async () => {
    const { team, buffer } = await startTeam('relaxed', 2);
    for (let round = 0; round < 3; round++) {
      new Float64Array(buffer, OUT, 102).fill(Number.NaN);
      team.run('sumExponentials', { items: 51, smallest: 1 }, { logits: LOGITS, count: COUNT, out: OUT });
      expect(new Float64Array(buffer, OUT, 102).some(Number.isNaN)).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  it('refuses to run once it is closed, and can be closed twice', async () => {
    const { team } = await startTeam('relaxed', 2);
    await team.close();
    await team.close();
    expect(() =>
      team.run('sumExponentials', { items: 1, smallest: 1 }, { logits: LOGITS, count: 8, out: OUT }),
    ).toThrow('run: the team of threads is closed.');
  });

  it('says so if an operation fails on a thread, then and afterwards', async () => {
    const { team } = await startTeam('relaxed', 2);
    const outside = 2 ** 31;
    expect(() =>
      team.run('sumExponentials', { items: 51, smallest: 1 }, { logits: outside, count: COUNT, out: OUT }),
    ).toThrow(/out of bounds|internal:/);
    expect(() =>
      team.run('sumExponentials', { items: 51, smallest: 1 }, { logits: LOGITS, count: COUNT, out: OUT }),
    ).toThrow('internal:');
  });

  it('does not keep Node alive, whether workers sleep or spin, and lets it end by an error', async () => {
    const dist = fileURLToPath(new URL('../../lib/dist/kernel/', import.meta.url));
    const program = (end: string): string => `
      import { loadKernel } from '${dist}kernel.js';
      import { Team } from '${dist}team.js';
      import { allocateMemory } from '${dist}memory.js';
      const memory = allocateMemory(1 << 20);
      const team = await Team.start(await loadKernel('auto'), memory, 3, ${RESERVED_BYTES}, 4096);
      ${end}`;
    const run = promisify(execFile);
    const start = (end: string): Promise<{ stdout: string }> =>
      run(process.execPath, ['--input-type=module', '-e', program(end)], { timeout: 30_000 });
    expect((await start("console.log('asleep'); await new Promise((r) => setTimeout(r, 200));")).stdout).toBe(
      'asleep\n',
    );
    expect((await start("console.log('at once');")).stdout).toBe('at once\n');
    await expect(start("throw new Error('oh');")).rejects.toMatchObject({ code: 1, killed: false });
  });
});
