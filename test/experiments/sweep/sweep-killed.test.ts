import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LocalEngine } from '../../../experiments/sweep/engines/local.js';
import { runId } from '../../../experiments/sweep/run-spec.js';
import type { FinishedRun } from '../../../experiments/sweep/finished-run.js';
import { sweep, type SweepEvent, type SweepOutcome } from '../../../experiments/sweep/sweep.js';
import { inProcessSpace, processSpaces } from '../../process-space.js';
import { ended, sourceCommand, startSource } from '../../source-process.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { toyExperiment } from '../toy-experiment.js';

/** Kills of a sweep in process spaces: BITNET_KILL_ROUNDS=20 for a long look. */
const ROUNDS = Number(process.env.BITNET_KILL_ROUNDS ?? 3);

/** Everything of a run but how long it took, and that somebody edits this clone meanwhile. */
function timeless({ curve, ...run }: FinishedRun): object {
  return { ...run, commit: '', seconds: 0, curve: curve.map((point) => ({ ...point, seconds: 0 })) };
}

async function sweepIn(
  folder: string,
  see: (event: SweepEvent) => void | Promise<void> = () => {},
): Promise<SweepOutcome> {
  const engine = new LocalEngine(2);
  try {
    const events = sweep(toyExperiment, 'smoke', { engine, folder });
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      await see(next.value);
    }
  } finally {
    await engine.close();
  }
}

/** Process ids of the workers that this process started. */
function workers(): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  return lines
    .split('\n')
    .filter((line) => line.includes('run-worker'))
    .map((line) => Number.parseInt(line, 10));
}

async function resultsOf(folder: string): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  for (const id of (await readdir(folder)).sort()) {
    const lines = (await readFile(join(folder, id, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    results[id] = lines.map((line) => {
      const { seconds: _, tokensPerSecond: __, ...point } = JSON.parse(line) as Record<string, unknown>;
      return point;
    });
  }
  return results;
}

describe('a sweep that is killed', () => {
  it('ends with the same results as one left alone, after three SIGKILLs at random moments', async () => {
    const alone = await temporaryFolder();
    const expected = (await sweepIn(alone)).finished.map(timeless);
    expect(expected).toHaveLength(5);

    const killed = await temporaryFolder();
    for (let time = 0; time < 3; time++) {
      const driver = startSource('test/experiments/toy-experiment.ts', [killed, '2']);
      const end = ended(driver);
      await new Promise((resolve) => driver.stdout!.once('data', resolve));
      await Promise.race([end, sleep(500 + 4000 * Math.random())]);
      driver.kill('SIGKILL');
      await end;
    }
    // Its workers notice that they are alone; until then they hold their folders.
    const outcome = await eventually(async () => {
      const { finished, failed } = await sweepIn(killed);
      expect(failed).toEqual([]);
      return finished;
    });
    expect(outcome.map(timeless)).toEqual(expected);
    expect(await resultsOf(killed)).toEqual(await resultsOf(alone));
  });

  // Driver and workers have the same process numbers in every round, as they have in a container that is started again.
  it.skipIf(!processSpaces)(
    `ends with the same results after ${ROUNDS} kills of all its processes at once, each time in a new process space`,
    { timeout: 120_000 + ROUNDS * 30_000 },
    async () => {
      const alone = await temporaryFolder();
      const expected = (await sweepIn(alone)).finished.map(timeless);
      const killed = await temporaryFolder();
      const [program, args] = inProcessSpace(
        ...sourceCommand('test/experiments/toy-experiment.ts', [killed, '2']),
      );
      const start = (): ChildProcess => {
        const driver = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        onTestFinished(() => void driver.kill('SIGKILL'));
        return driver;
      };
      for (let round = 0; round < ROUNDS; round++) {
        const driver = start();
        const end = ended(driver);
        await Promise.race([end, once(driver.stdout!, 'data')]);
        await Promise.race([end, sleep(6000 * Math.random())]);
        driver.kill('SIGKILL'); // and with it, all of its space
        await end;
      }
      const last = start();
      last.stdout!.resume();
      expect((await ended(last)).code).toBe(0);
      const { finished, failed } = await sweepIn(killed);
      expect(failed).toEqual([]);
      expect(finished.map(timeless)).toEqual(expected);
      expect(await resultsOf(killed)).toEqual(await resultsOf(alone));
    },
  );

  it('tries a run again whose worker was killed, from its checkpoint', async () => {
    const alone = await temporaryFolder();
    const expected = (await sweepIn(alone)).finished.map(timeless);
    const folder = await temporaryFolder();
    const retried: string[] = [];
    const { finished, failed } = await sweepIn(folder, (event) => {
      if (event.kind === 'retrying') retried.push(event.error.message);
      if (event.kind === 'progress' && retried.length === 0) {
        for (const pid of workers()) process.kill(pid, 'SIGKILL');
      }
    });
    expect(failed).toEqual([]);
    expect(retried.length).toBeGreaterThan(0);
    expect(retried[0]).toMatch(/was killed \(SIGKILL\), as the system does when memory runs out/);
    expect(finished.map(timeless)).toEqual(expected);
  });

  it('says that a metrics line was damaged, and gets the same results all the same', async () => {
    const folder = await temporaryFolder();
    const first = await sweepIn(folder);
    const run = first.finished[0];
    const file = join(folder, runId(run), 'metrics.jsonl');
    const lines = (await readFile(file, 'utf8')).split('\n');
    lines[30] = lines[30].slice(0, 20);
    await writeFile(file, lines.join('\n'));
    await rm(join(folder, runId(run), 'result.json'));
    const notes: string[] = [];
    const { finished } = await sweepIn(folder, (event) => {
      if (event.kind === 'progress' && event.progress.note !== undefined) notes.push(event.progress.note);
    });
    expect(notes).toEqual([expect.stringMatching(/line 31 of .*metrics.jsonl is no point of a run/)]);
    expect(finished.map(timeless)).toEqual(first.finished.map(timeless));
  });
});

async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 10) throw error;
      await sleep(1000);
    }
  }
}
