import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { firstProcess, inProcessSpace, processSpaces } from '../../process-space.js';
import { ended } from '../../source-process.js';
import { temporaryFolder } from '../../temporary-folder.js';

const COMMAND = fileURLToPath(new URL('../../../experiments/dist/commands/run.js', import.meta.url));

/** Waits until the first run of a sweep has made steps. @returns the run's folder */
async function firstSteps(runs: string): Promise<string> {
  for (;;) {
    const [id] = existsSync(runs) ? readdirSync(runs) : [];
    if (id !== undefined && existsSync(join(runs, id, 'metrics.jsonl'))) return join(runs, id);
    await sleep(50);
  }
}

it.skipIf(process.platform === 'win32').each([
  ['SIGTERM', 'as process 1', processSpaces],
  ['SIGTERM', 'as another process', true],
  ['SIGINT', 'as process 1', processSpaces],
] as const)(
  '%s stops a sweep %s after its step, with a checkpoint and nothing locked',
  { timeout: 120_000 },
  async (signal, where, isPossible) => {
    if (!isPossible) return console.warn('Left out: this user may make no process space.');
    const runs = join(await temporaryFolder(), 'runs');
    const args = [
      COMMAND,
      'scaling-law',
      '--preset',
      'laptop',
      '--only',
      'zipf',
      '--workers',
      '1',
      '--runs',
      runs,
    ];
    const isFirst = where === 'as process 1';
    const [program, all] = isFirst ? inProcessSpace(process.execPath, args) : [process.execPath, args];
    const sweep = spawn(program, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void sweep.kill('SIGKILL'));
    let said = '';
    for (const stream of [sweep.stdout, sweep.stderr])
      stream.on('data', (text: Buffer) => (said += text.toString()));
    const end = ended(sweep);
    const folder = await firstSteps(runs);
    process.kill(isFirst ? firstProcess(sweep) : sweep.pid!, signal);
    expect((await end).code, said).toBe(1);
    expect(said).toContain('Stopping: running steps are finished and saved.');
    expect(readdirSync(folder).sort()).toEqual(['checkpoint', 'config.json', 'metrics.jsonl']);
    const { step } = JSON.parse(readFileSync(join(folder, 'checkpoint', 'training.json'), 'utf8')) as {
      step: number;
    };
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n')).toHaveLength(step);
  },
);
