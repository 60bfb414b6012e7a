import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const MODULE = new URL('../../scripts/setup/command.js', import.meta.url).href;

test.skipIf(process.platform === 'win32')(
  'a program ended by Ctrl-C is not taken for one that failed',
  async () => {
    const program = `
    import { endProgramsOnSignal, runCommand } from ${JSON.stringify(MODULE)};
    endProgramsOnSignal();
    const args = ['-e', "console.log('up'); setInterval(() => {}, 1000)"];
    const onLine = () => process.kill(process.pid, 'SIGINT');
    await runCommand(process.execPath, args, { cwd: '.', onLine }).catch(() => {});
    console.log('went on');
  `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(printed).toBe('');
    expect(code).toBe(130);
  },
);
